import Inference
import Ledger
import NIOConcurrencyHelpers
import NodeAPI

/// A request that the engine works on.
struct BegunAnswer: Sendable {
    let session: Session
    let requestHash: Bytes32
    /// As the caller was told before the answer began.
    let promptTokens: Int
    let credit: Nano
    let stream: any AnswerStream
}

/// The caller's wish that the answer ends.
final class StopRequest: Sendable {
    private let state = NIOLockedValueBox<ProtoChatStop?>(nil)

    func arrived(_ message: ProtoChatStop) {
        state.withLockedValue { $0 = message }
    }

    /// What reached the caller.
    var message: ProtoChatStop? { state.withLockedValue { $0 } }

    var hasArrived: Bool { message != nil }
}

/// How many answers a node has under way.
final class NodeLoad: Sendable {
    private let state = NIOLockedValueBox((writing: 0, open: 0))

    /// An answer begins.
    func begin() {
        state.withLockedValue { state in
            state.writing += 1
            state.open += 1
        }
    }

    /// The engine has done its part; the bill follows.
    func endWriting() { state.withLockedValue { $0.writing -= 1 } }

    /// The answer is over, paid or not.
    func end() { state.withLockedValue { $0.open -= 1 } }

    /// Answers that the engine works on.
    ///
    /// One that is being paid takes no place from others.
    var writing: Int { state.withLockedValue(\.writing) }

    /// Answers that are written or paid.
    var open: Int { state.withLockedValue(\.open) }
}

/// Why a request is not taken up.
struct Refusal: Error {
    private(set) var message: ProtoChatRefused

    init(_ reason: ProtoRefusalReason, _ detail: String, context: Int = 0, prompt: Int = 0) {
        var message = ProtoChatRefused()
        message.reason = reason
        message.detail = detail
        message.contextLength = UInt32(clamping: context)
        message.promptTokens = UInt32(clamping: prompt)
        self.message = message
    }

    /// A field of the request is wrong.
    init(field: String, _ problem: String) {
        self.init(.badRequest, problem)
        message.field = field
    }

    /// What the engine said, and of which field.
    init(_ error: ChatEngineError, field: String = "") {
        switch error {
        case .contextOverflow(let prompt, let context):
            self.init(.contextExceeded, error.description, context: context, prompt: prompt)
        case .badRequest: self.init(.badRequest, error.description)
        case .busy: self.init(.busy, error.description)
        case .unavailable, .failed: self.init(.unspecified, "the engine cannot work")
        }
        message.field = field
    }
}

extension TokenPrice {
    /// The most tokens up to `wanted` that the credit pays for beside the prompt, or `nil` if not even one.
    func affordableTokens(prompt: Int, wanted: Int, credit: Nano) -> Int? {
        func fits(_ count: Int) -> Bool {
            guard let cost = cost(inputTokens: UInt64(prompt), outputTokens: UInt64(count)) else { return false }
            return cost <= credit
        }
        guard wanted >= 1, fits(1) else { return nil }
        var low = 1
        var high = wanted
        while low < high {
            let middle = (low + high + 1) / 2
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        return low
    }
}

extension Bytes32 {
    /// Thirty-two random bytes.
    static func random() -> Bytes32 {
        var generator = SystemRandomNumberGenerator()
        return Bytes32((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }) ?? .zero
    }
}
