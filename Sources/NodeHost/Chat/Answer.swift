import Inference
import Ledger
import NIOConcurrencyHelpers
import NodeAPI

/// A request that the engine works on.
struct BegunAnswer: Sendable {
    let session: Session
    let requestHash: Bytes32
    let promptTokens: Int
    let generation: Generation
}

/// What was sent of an answer, piece by piece, so that it can be cut where the caller left.
struct WrittenAnswer: Sendable {
    private(set) var pieces: [(text: String, tokens: Int)] = []
    /// How the engine ended; `nil` when it was cut off.
    var ending: Ending?

    /// The engine's account of its work.
    struct Ending: Sendable {
        var reason: FinishReason
        var prefill: Duration
        var decode: Duration
    }

    mutating func append(_ text: String, tokens: Int) {
        pieces.append((text, tokens))
    }

    /// Keeps the pieces that make up at most this many tokens: what comes after did not reach the caller.
    mutating func cut(to delivered: Int) {
        var sum = 0
        pieces = Array(
            pieces.prefix { piece in
                sum += piece.tokens
                return sum <= delivered
            }
        )
    }

    var text: String { pieces.map(\.text).joined() }

    var tokens: Int { pieces.reduce(0) { $0 + $1.tokens } }

    /// The closing message, without the receipt.
    var message: ProtoChatFinished {
        var message = ProtoChatFinished()
        switch ending?.reason {
        case .stop: message.reason = .stop
        case .length: message.reason = .length
        case .cancelled, nil: message.reason = .cancelled
        }
        message.prefillUs = (ending?.prefill ?? .zero).microseconds
        message.decodeUs = (ending?.decode ?? .zero).microseconds
        return message
    }
}

/// The caller's wish that the answer ends.
final class StopRequest: Sendable {
    private let state = NIOLockedValueBox<Int?>(nil)

    func arrived(delivered: Int) {
        state.withLockedValue { $0 = delivered }
    }

    /// Tokens that reached the caller.
    var delivered: Int? { state.withLockedValue { $0 } }

    var hasArrived: Bool { delivered != nil }
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
    let message: ProtoChatRefused

    init(_ reason: ProtoRefusalReason, _ detail: String, context: Int = 0, prompt: Int = 0) {
        var message = ProtoChatRefused()
        message.reason = reason
        message.detail = detail
        message.contextLength = UInt32(clamping: context)
        message.promptTokens = UInt32(clamping: prompt)
        self.message = message
    }

    /// What the engine said.
    init(_ error: GenerationError) {
        switch error {
        case .contextOverflow(let prompt, let context):
            self.init(.contextExceeded, error.description, context: context, prompt: prompt)
        case .emptyPrompt, .unknownToken, .invalid: self.init(.badRequest, error.description)
        case .busy: self.init(.busy, error.description)
        case .closed, .failed: self.init(.unspecified, "the engine cannot work")
        }
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

extension Duration {
    /// Whole microseconds.
    var microseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(clamping: seconds) * 1_000_000 + UInt64(clamping: attoseconds / 1_000_000_000_000)
    }
}

extension Bytes32 {
    /// Thirty-two random bytes.
    static func random() -> Bytes32 {
        var generator = SystemRandomNumberGenerator()
        return Bytes32((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }) ?? .zero
    }
}
