import Foundation
import Inference
import LatticeTesting
import Testing

@testable import EngineAdapters

@Suite struct `Answer reader` {
    private let expected = AnswerReader.Expectation(
        promptTokens: 100,
        likelyPromptTokens: 20,
        limit: nil,
        logprobs: nil
    )

    private func read(
        _ stream: String,
        _ expected: AnswerReader.Expectation? = nil,
        cutEvery step: Int = .max
    ) throws -> [AnswerEvent] {
        var reader = AnswerReader(expected ?? self.expected)
        var events: [AnswerEvent] = []
        var rest = Array(stream.utf8)[...]
        while !rest.isEmpty {
            events += try reader.append(rest.prefix(step), at: .milliseconds(10))
            rest = rest.dropFirst(step)
        }
        return try events + reader.finish(at: .milliseconds(10))
    }

    private func chunk(_ delta: String, finish: String? = nil, more: String = "") -> String {
        let reason = finish.map { "\"\($0)\"" } ?? "null"
        return #"data: {"choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(reason)}]\#(more)}"# + "\n\n"
    }

    private let done = "data: [DONE]\n\n"
    private let usage =
        #"data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}}"# + "\n\n"

    private func ending(_ events: [AnswerEvent]) throws -> AnswerEnding { try #require(events.ending) }

    @Test func `reads thoughts, text and the account`() throws {
        let stream =
            chunk(#"{"role":"assistant","content":null}"#) + chunk(#"{"reasoning_content":"Hm"}"#)
            + chunk(#"{"reasoning":"m."}"#) + chunk(#"{"content":"Hi"}"#) + chunk("{}", finish: "stop") + usage + done
        let events = try read(stream)
        #expect(
            events == [
                .parts([.reasoning("Hm")], tokens: 1, logprobs: []),
                .parts([.reasoning("m.")], tokens: 1, logprobs: []),
                .parts([.content("Hi")], tokens: 1, logprobs: []),
                .parts([], tokens: 4, logprobs: []),
                .finished(
                    AnswerEnding(
                        reason: .stop,
                        promptTokens: 12,
                        completionTokens: 7,
                        prefill: .milliseconds(10),
                        decode: .zero
                    )
                ),
            ]
        )
    }

    @Test func `counts by the engine's own running count`() throws {
        func timed(_ delta: String, _ count: Int) -> String {
            chunk(delta, more: #","timings":{"predicted_n":\#(count),"prompt_ms":5.5,"predicted_ms":20,"cache_n":4}"#)
        }
        let stream =
            timed(#"{"content":"a"}"#, 1) + timed(#"{"content":"bcd"}"#, 4) + timed(#"{"content":""}"#, 5)
            + chunk("{}", finish: "length") + usage + done
        let events = try read(stream)
        #expect(
            events.dropLast() == [
                .parts([.content("a")], tokens: 1, logprobs: []),
                .parts([.content("bcd")], tokens: 3, logprobs: []),
                .parts([], tokens: 1, logprobs: []),
            ]
        )
        let ending = try ending(events)
        #expect(ending.reason == .length)
        #expect(ending.completionTokens == 7)
        #expect(ending.cachedPromptTokens == 4)
        #expect(ending.prefill == .microseconds(5500))
        #expect(ending.decode == .milliseconds(20))
    }

    @Test func `counts by the usage of each chunk`() throws {
        func used(_ delta: String, _ count: Int) -> String {
            chunk(delta, more: #","usage":{"prompt_tokens":9,"completion_tokens":\#(count)}"#)
        }
        let events = try read(
            used(#"{"content":""}"#, 0) + used(#"{"content":"a"}"#, 2) + used(#"{"content":"b"}"#, 3)
                + chunk("{}", finish: "stop") + done
        )
        #expect(events.tokens == 3)
        #expect(try ending(events).completionTokens == 3)
        #expect(try ending(events).promptTokens == 9)
    }

    @Test func `never gives more tokens than the ending has, nor than were asked for`() throws {
        let pieces = (0..<12).map { _ in chunk(#"{"content":"x"}"#) }.joined()
        let events = try read(pieces + chunk("{}", finish: "stop") + usage + done)
        #expect(events.tokens <= (try ending(events).completionTokens))
        var limited = expected
        limited.limit = 5
        let few = try read(pieces + chunk("{}", finish: "length") + usage + done, limited)
        #expect(few.tokens == 5)
        #expect(try ending(few).completionTokens == 5)
        #expect(few.parts.count == 12)
    }

    @Test func `tells tokens that came many to a chunk before the end`() throws {
        let events = try read(chunk(#"{"content":"all of it"}"#, finish: "stop") + usage + done)
        #expect(events.tokens == 7)
        #expect(events.content == "all of it")
    }

    @Test func `takes no counts that make no sense`() throws {
        let count = #""completion_tokens":9223372036854775807,"prompt_tokens":-5"#
        let absurd = #","usage":{\#(count),"prompt_tokens_details":{"cached_tokens":99}}"#
        let events = try read(
            chunk(#"{"content":"x"}"#, more: absurd) + chunk("{}", finish: "stop", more: absurd) + done
        )
        let ending = try ending(events)
        #expect(ending.promptTokens == 0)
        #expect(ending.cachedPromptTokens == 0)
        #expect(events.tokens <= ending.completionTokens)
        #expect(ending.completionTokens == Int(Int32.max))
    }

    @Test func `falls back on what it saw where an engine tells no usage`() throws {
        let events = try read(chunk(#"{"content":"x"}"#) + chunk(#"{"content":"y"}"#, finish: "stop") + done)
        #expect(try ending(events).completionTokens == 2)
        #expect(try ending(events).promptTokens == 20)
    }

    @Test func `joins the fragments of tool calls`() throws {
        func call(_ index: Int, _ fields: String) -> String {
            chunk(#"{"tool_calls":[{"index":\#(index),\#(fields)}]}"#)
        }
        let events = try read(
            call(0, #""id":"a","type":"function","function":{"name":"add","arguments":""}"#)
                + call(0, #""function":{"arguments":"{\"x\":"}"#) + call(0, #""function":{"arguments":"1}"}"#)
                + call(1, #""id":"b","function":{"name":"now"}"#) + chunk("{}", finish: "tool_calls") + usage + done
        )
        #expect(
            events.parts == [
                .toolCall(ChatToolCall(id: "a", name: "add", arguments: #"{"x":1}"#)),
                .toolCall(ChatToolCall(id: "b", name: "now", arguments: "{}")),
            ]
        )
        #expect(events.tokens == 7)
        #expect(try ending(events).reason == .stop)
    }

    @Test func `tells whole calls of one index apart`() throws {
        let call = #"{"index":0,"id":"ID","function":{"name":"add","arguments":"{}"}}"#
        let both = [call.replacing("ID", with: "a"), call.replacing("ID", with: "b")].joined(separator: ",")
        let events = try read(chunk(#"{"tool_calls":[\#(both)]}"#, finish: "tool_calls") + done)
        #expect(events.parts.count == 2)
    }

    @Test func `bounds tool calls`() {
        let piece = String(repeating: "x", count: 60_000)
        let fragment = chunk(#"{"tool_calls":[{"index":0,"function":{"name":"a","arguments":"\#(piece)"}}]}"#)
        #expect(throws: ChatEngineError.self) { try read(String(repeating: fragment, count: 5)) }
        let many = (0..<200).map { chunk(#"{"tool_calls":[{"index":\#($0),"function":{"name":"a"}}]}"#) }.joined()
        #expect(throws: ChatEngineError.self) { try read(many) }
    }

    @Test func `reports log probabilities`() throws {
        let logprobs =
            #"{"content":[{"token":"é","bytes":[195],"logprob":-0.5,"top_logprobs":[{"token":"a","logprob":-0.5},{"token":"b","logprob":-2}]},{"token":"c","logprob":-1}]}"#
        let stream =
            #"data: {"choices":[{"delta":{"content":"éc"},"logprobs":\#(logprobs),"finish_reason":"stop"}]}"# + "\n\n"
            + done
        var wanted = expected
        wanted.logprobs = 1
        let events = try read(stream, wanted)
        #expect(
            events.first
                == .parts(
                    [.content("éc")],
                    tokens: 2,
                    logprobs: [
                        AnswerLogprob(
                            token: .init(bytes: [195], logprob: -0.5),
                            top: [.init(bytes: Array("a".utf8), logprob: -0.5)]
                        ),
                        AnswerLogprob(token: .init(bytes: Array("c".utf8), logprob: -1), top: []),
                    ]
                )
        )
        guard case .parts(_, _, let unwanted)? = try read(stream).first else { return }
        #expect(unwanted.isEmpty)
    }

    @Test(arguments: [
        #"{"error":{"message":"out of memory","code":500,"type":"server_error"}}"#, #"{"error":"out of memory"}"#,
        #"{"object":"error","message":"out of memory","code":500}"#,
    ])
    func `passes on an error in mid-stream`(body: String) {
        #expect(throws: ChatEngineError.failed("out of memory")) {
            try read(chunk(#"{"content":"x"}"#) + "data: \(body)\n\n" + done)
        }
    }

    @Test func `passes on an error in the words of older llama-cpp servers`() {
        #expect(throws: ChatEngineError.self) {
            try read(chunk(#"{"content":"x"}"#) + #"error: {"code":500,"message":"out of memory"}"# + "\n\n" + done)
        }
    }

    @Test func `takes a text about errors for what it is`() throws {
        let events = try read(chunk(#"{"content":"{\"error\": \"no\"}"}"#, finish: "stop") + done)
        #expect(events.content == #"{"error": "no"}"#)
    }

    @Test func `is not content with a stream that breaks off`() {
        let begun = chunk(#"{"content":"x"}"#)
        for stream in ["", begun, begun + done, begun + "data: {\"choi", "error: oh\n\n", "data: 7\n\n"] {
            #expect(throws: ChatEngineError.self) { try read(stream) }
        }
        #expect(throws: ChatEngineError.self) { try read(begun + chunk("{}", finish: "abort") + done) }
    }

    @Test func `needs no word that the stream is done once the answer is`() throws {
        let events = try read(chunk(#"{"content":"x"}"#, finish: "stop") + usage)
        #expect(try ending(events).completionTokens == 7)
    }

    @Test func `reads nothing after the end`() throws {
        let events = try read(chunk(#"{"content":"x"}"#, finish: "stop") + done + chunk(#"{"content":"y"}"#) + done)
        #expect(events.count == 2)
    }

    @Test func `accounts for an answer that is cancelled`() throws {
        var reader = AnswerReader(expected)
        _ = try reader.append(Array((chunk(#"{"content":"x"}"#) + usage).utf8), at: .milliseconds(5))
        guard case .finished(let ending) = reader.cancel(at: .milliseconds(9)) else { return }
        #expect(ending.reason == .cancelled)
        #expect(ending.completionTokens == 1)
        #expect(try reader.append(Array(chunk(#"{"content":"y"}"#).utf8), at: .seconds(1)).isEmpty)
    }

    @Test func `reads recorded streams however they are cut`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count >= 4)
        for file in files {
            let stream = try String(contentsOf: file, encoding: .utf8)
            let whole = try read(stream)
            #expect(try ending(whole).completionTokens >= whole.tokens)
            for step in [1, 7, 100, 1000] { #expect(try read(stream, cutEvery: step) == whole, "\(file)") }
        }
    }

    @Test func `survives damaged streams`() throws {
        var generator = SeededGenerator(seed: 5)
        let logprobs = #","logprobs":{"content":[{"token":"x","logprob":-1,"bytes":[1]}]}"#
        let good = Array(
            (chunk(#"{"content":"x"}"#, more: logprobs)
                + chunk(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}"#)
                + chunk("{}", finish: "stop") + usage + done).utf8
        )
        for length in 0..<good.count { _ = try? read(String(decoding: good.prefix(length), as: UTF8.self)) }
        for _ in 0..<2000 {
            var bytes = good
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            }
            var reader = AnswerReader(expected)
            guard let events = try? reader.append(bytes, at: .zero) + reader.finish(at: .zero) else { continue }
            #expect(try ending(events).completionTokens >= events.tokens)
        }
    }
}
