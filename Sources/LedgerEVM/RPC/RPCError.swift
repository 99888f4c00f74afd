/// Why an endpoint gave no usable answer.
///
/// Texts from an endpoint are bounded and of one line. An endpoint's address is never in an error, since it may contain a key.
public enum RPCError: Error, Hashable, Sendable {
    /// No connection, or one that ended before the answer did.
    case unreachable(String)
    /// No answer in time.
    case timedOut
    /// The endpoint asks to be left alone for a while (HTTP 429, or the error code for limits).
    case tooManyRequests
    /// An HTTP status other than 200.
    case http(status: UInt)
    /// The answer is longer than is ever needed.
    case answerTooLarge(limit: Int)
    /// The answer is not what was asked for: not JSON, another id, a wrong type, a missing field.
    case malformed(String)
    /// The endpoint serves another chain.
    case wrongChain(expected: UInt64, answered: UInt64)
    /// Two endpoints have different blocks where both say that nothing changes any more.
    case endpointsDisagree(block: UInt64)
    /// The endpoint understood and refused.
    case refused(RPCRefusal)

    /// Whether asking again, or asking another endpoint, may help.
    ///
    /// A refusal is an answer: a call that reverts does so everywhere.
    var isTransient: Bool {
        switch self {
        case .unreachable, .timedOut, .tooManyRequests, .http, .malformed, .answerTooLarge, .wrongChain: true
        case .refused(let refusal): refusal.isInternal
        case .endpointsDisagree: false
        }
    }

    /// Whether a smaller question may have an answer.
    var mayBeTooMuch: Bool {
        switch self {
        case .answerTooLarge, .timedOut, .refused: true
        case .http(let status): status == 413
        case .unreachable, .tooManyRequests, .malformed, .wrongChain, .endpointsDisagree: false
        }
    }
}

/// An error that an endpoint answered (JSON-RPC 2.0, "Error object").
public struct RPCRefusal: Error, Hashable, Sendable {
    /// Longer messages are cut.
    static let messageLimit = 300

    /// The kind of error; 3 is a call that reverted.
    public var code: Int
    /// The endpoint's words.
    public var message: String
    /// What the call returned where it reverted; `nil` where the endpoint does not say.
    public var data: [UInt8]?

    /// Makes a refusal; the message is cut and made one line.
    public init(code: Int, message: String, data: [UInt8]? = nil) {
        self.code = code
        let scalars = message.unicodeScalars
        let line = String(scalars.prefix(Self.messageLimit).map { $0.value < 0x20 ? " " : Character($0) })
        self.message = scalars.count > Self.messageLimit ? line + "…" : line
        self.data = data
    }

    /// Limits and faults of the endpoint itself, which pass (EIP-1474 codes -32005 and -32603).
    var isInternal: Bool { (code == -32005 || code == -32603) && data == nil }

    /// Whether a call reverted, as opposed to one that could not be tried.
    var isRevert: Bool { data != nil || code == 3 || message.hasPrefix("execution reverted") }
}

extension RPCError: CustomStringConvertible {
    /// What failed, in words.
    public var description: String {
        switch self {
        case .unreachable(let problem): "the endpoint cannot be reached: \(problem)"
        case .timedOut: "the endpoint did not answer in time"
        case .tooManyRequests: "the endpoint answers that there are too many requests"
        case .http(let status): "the endpoint answered with HTTP status \(status)"
        case .answerTooLarge(let limit): "the answer has more than \(limit) bytes"
        case .malformed(let problem): "the answer cannot be used: \(problem)"
        case .wrongChain(let expected, let answered): "the endpoint serves chain \(answered), and not \(expected)"
        case .endpointsDisagree(let block): "the endpoints disagree on finalized block \(block)"
        case .refused(let refusal): "the endpoint refused: \(refusal.message) (\(refusal.code))"
        }
    }
}
