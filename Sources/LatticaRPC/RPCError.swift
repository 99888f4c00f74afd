public import LatticaCore

/// How a call ended, in the words and numbers of gRPC.
public enum RPCCode: UInt64, Hashable, Sendable {
    /// It succeeded.
    case ok = 0
    /// The caller gave up.
    case cancelled = 1
    /// The peer sent a code that is not known here.
    case unknown = 2
    /// The request can never succeed as it is.
    case invalidArgument = 3
    /// It took too long.
    case deadlineExceeded = 4
    /// What was asked for does not exist.
    case notFound = 5
    /// What should be made exists.
    case alreadyExists = 6
    /// The caller may not do that.
    case permissionDenied = 7
    /// A limit is reached; later it may work.
    case resourceExhausted = 8
    /// The system is not in the state that the request needs.
    case failedPrecondition = 9
    /// The request collided with another; trying again from the start may work.
    case aborted = 10
    /// The request reached beyond the end of something.
    case outOfRange = 11
    /// The method does not exist.
    case unimplemented = 12
    /// The peer has a fault; details are in its log. gRPC calls it `INTERNAL`, which is a word of Swift.
    case internalError = 13
    /// The peer cannot work for now.
    case unavailable = 14
    /// Data was lost for good.
    case dataLoss = 15
    /// The caller has not proven who it is.
    case unauthenticated = 16
}

/// What a handler throws to choose the status of its call.
///
/// The caller sees both parts as ``RPCError/failed(code:message:)``, so they are written for it.
public struct RPCFailure: Error, Hashable {
    /// What kind of failure it is.
    public let code: RPCCode
    /// What failed, for a person.
    public let message: String

    /// Makes a failure.
    ///
    /// The message is cut after 1024 bytes.
    public init(code: RPCCode, message: String) {
        self.code = code
        self.message = message
    }
}

/// Why a call gave no answer, or no more of it.
public enum RPCError: Error, Hashable {
    /// The deadline passed; the peer has been told to stop.
    case deadlineExceeded
    /// The waiting task was cancelled, or the call was.
    case cancelled
    /// The peer cannot be reached or has gone away; the reason is for a person. Another peer may answer.
    case unavailable(String)
    /// The peer answered with a failure.
    case failed(code: RPCCode, message: String)
    /// A message is longer than this side takes or sends; nothing of it was sent.
    case messageTooLong(limit: ByteCount)
    /// The peer sent what it must not; its session was ended.
    case protocolViolation(String)
    /// Nothing can be sent: the call has ended well, or this side has said that it is done.
    case ended
}

extension RPCError: CustomStringConvertible {
    /// What failed, and why.
    public var description: String {
        switch self {
        case .deadlineExceeded: "no answer in time"
        case .cancelled: "the call was cancelled"
        case .unavailable(let reason): "unavailable: \(reason)"
        case .failed(let code, let message): "\(code): \(message)"
        case .messageTooLong(let limit): "a message is longer than \(limit)"
        case .protocolViolation(let what): "the peer broke the protocol: \(what)"
        case .ended: "the call has ended"
        }
    }

    /// The code under which the call is counted.
    var code: RPCCode {
        switch self {
        case .deadlineExceeded: .deadlineExceeded
        case .cancelled: .cancelled
        case .unavailable: .unavailable
        case .failed(let code, _): code
        case .messageTooLong: .resourceExhausted
        case .protocolViolation: .internalError
        case .ended: .ok
        }
    }

    init(_ error: DialError) {
        self = .unavailable(error.description)
    }

    init(_ error: StreamError) {
        self =
            switch error {
            case .cancelled: .cancelled
            case .resetByPeer, .closed, .connectionLost: .unavailable(error.description)
            }
    }
}
