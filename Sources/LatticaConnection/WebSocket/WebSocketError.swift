/// Why a WebSocket could not be opened, or was closed (RFC 6455).
public enum WebSocketError: Error, Hashable {
    /// The other side does not speak HTTP/1.1.
    case notHTTP
    /// The HTTP request or answer is longer than any that belongs here.
    case headTooLong(limit: Int)
    /// The request does not ask for a WebSocket.
    case notAnUpgrade
    /// Nothing is served at this path; libp2p is at `/`.
    case unknownPath(String)
    /// The client speaks another version of WebSocket than 13.
    case unknownVersion
    /// The server answered with this status instead of 101.
    case refused(status: Int)
    /// The server's answer does not fit the request.
    case invalidAnswer
    /// More was to be sent before the WebSocket was open than is kept.
    case tooMuchTooEarly(limit: Int)
    /// A frame is longer than this host takes.
    case frameTooLong(declared: UInt64, limit: Int)
    /// A frame holds text, where libp2p sends bytes.
    case text
    /// A frame breaks the rules of RFC 6455 §5.
    case malformedFrame
    /// The TLS of a `wss` address failed; the reason as the library words it.
    case tls(String)

    /// What the other side is told (RFC 6455 §7.4.1).
    var closeCode: UInt16 {
        switch self {
        case .frameTooLong: 1009
        case .text: 1003
        default: 1002
        }
    }
}

extension WebSocketError: CustomStringConvertible {
    /// What happened, for people.
    public var description: String {
        switch self {
        case .notHTTP: "the other side does not speak WebSocket"
        case .headTooLong(let limit): "the HTTP head is longer than \(limit) bytes"
        case .notAnUpgrade: "the request does not ask for a WebSocket"
        case .unknownPath(let path): "no WebSocket is served at \(path)"
        case .unknownVersion: "the client speaks another version of WebSocket than 13"
        case .refused(let status): "the server answered with HTTP status \(status) instead of opening a WebSocket"
        case .invalidAnswer: "the server's answer does not fit the request for a WebSocket"
        case .tooMuchTooEarly(let limit): "more than \(limit) bytes were to be sent before the WebSocket was open"
        case .frameTooLong(let declared, let limit): "a frame of \(declared) bytes is longer than \(limit)"
        case .text: "a frame holds text, where libp2p sends bytes"
        case .malformedFrame: "a frame breaks the rules of WebSocket"
        case .tls(let reason): "TLS failed: \(reason)"
        }
    }
}
