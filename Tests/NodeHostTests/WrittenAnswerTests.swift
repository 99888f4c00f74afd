import Inference
import Ledger
import NodeAPI
import SwiftProtobuf
import Testing

@testable import NodeHost

private func delta(_ text: String, tokens: Int = 1) -> ProtoChatDelta {
    ProtoChatDelta([.content(text)], tokens: tokens, logprobs: [])
}

private let session = Bytes32(number: 7)

@Suite struct `A written answer` {
    @Test func `is cut to the whole deltas whose tokens reached the caller`() {
        var answer = WrittenAnswer()
        for (text, tokens) in [("Hello", 1), (" big", 2), (" world", 1)] { answer.append(delta(text, tokens: tokens)) }
        func stop(_ delivered: UInt32) -> ProtoChatStop { .with { $0.delivered = delivered } }
        answer.cut(to: stop(3))
        #expect(answer.deltas.map(\.text).joined() == "Hello big")
        #expect(answer.tokens == 3)
        answer.cut(to: stop(2))
        #expect(answer.deltas.map(\.text) == ["Hello"])
        answer.cut(to: stop(0))
        #expect(answer.deltas.isEmpty && answer.tokens == 0)
    }

    @Test func `is cut by deltas where the caller counts them, as some have no tokens`() {
        var answer = WrittenAnswer()
        for (text, tokens) in [("a", 2), ("b", 0), ("c", 0)] { answer.append(delta(text, tokens: tokens)) }
        answer.cut(
            to: .with {
                $0.delivered = 2
                $0.deltas = 2
            }
        )
        #expect(answer.deltas.map(\.text) == ["a", "b"])
    }

    @Test func `bills no more than the engine counted, and says that tools are called`() {
        var answer = WrittenAnswer()
        answer.append(ProtoChatDelta([.toolCall(ChatToolCall(name: "f", arguments: "{}"))], tokens: 9, logprobs: []))
        answer.ending = AnswerEnding(
            reason: .stop,
            promptTokens: 3,
            cachedPromptTokens: 2,
            completionTokens: 5,
            prefill: .zero,
            decode: .zero
        )
        #expect(answer.tokens == 5)
        #expect(answer.message.reason == .toolCalls && answer.message.cachedPromptTokens == 2)
    }
}

@Suite struct `The hash of an answer` {
    private func hash(_ parts: [[ChatOutputPart]]) -> Bytes32 {
        var hash = AnswerHash(session: session)
        for part in parts { hash.append(ProtoChatDelta(part, tokens: 1, logprobs: [])) }
        return hash.finalize()
    }

    @Test func `is that of the text where there is nothing else`() {
        #expect(
            hash([[.content("Hel")], [], [.content("lo")]]) == SaltedHash.of(Array("Hello".utf8), session: session)
        )
        #expect(hash([]) == SaltedHash.of([], session: session))
    }

    @Test func `covers thoughts and calls as it is written down`() {
        func bytes(_ text: String) -> [UInt8] { [0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8) }
        let calls = [("1", "f", "{}"), ("", "g", #"{"a": 1}"#)]
        let expected = Keccak256.hash(
            SaltedHash.of(Array("Hi".utf8), session: session).bytes
                + SaltedHash.of(Array("Hmm".utf8), session: session).bytes
                + SaltedHash.of(calls.flatMap { bytes($0) + bytes($1) + bytes($2) }, session: session).bytes
        )
        let written = hash([
            [.reasoning("Hm")], [.reasoning("m"), .content("Hi")],
            [.toolCall(ChatToolCall(id: "1", name: "f", arguments: "{}"))],
            [.toolCall(ChatToolCall(name: "g", arguments: #"{"a": 1}"#))],
        ])
        #expect(written == expected)
    }

    @Test func `differs wherever answers differ`() {
        let call = ChatOutputPart.toolCall(ChatToolCall(name: "f", arguments: "{}"))
        let answers: [[[ChatOutputPart]]] = [
            [], [[.content("a")]], [[.reasoning("a")]], [[call]], [[call, call]], [[.content("a"), call]],
            [[.toolCall(ChatToolCall(id: "f", name: "", arguments: "{}"))]],
        ]
        #expect(Set(answers.map(hash)).count == answers.count)
    }
}
