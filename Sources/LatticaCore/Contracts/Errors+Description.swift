extension DialError: CustomStringConvertible {
    /// What failed, and why.
    public var description: String {
        switch self {
        case .noAddress(let peer): "no address of \(peer) is known; name one with --join"
        case .unreachable(let peer, let reasons): "\(peer) cannot be reached: \(reasons.joined(separator: "; "))"
        case .nameNotResolved(let error): error.description
        case .handshakeFailed(let reason): "the handshake failed: \(reason)"
        case .protocolsNotSupported(let names): "the peer speaks none of \(names.joined(separator: ", "))"
        case .limitReached(let limit): "a limit is reached: \(limit)"
        case .timedOut: "the peer did not answer in time"
        case .stopped: "this host has stopped"
        }
    }
}

extension StreamError: CustomStringConvertible {
    /// What ended the stream.
    public var description: String {
        switch self {
        case .resetByPeer: "the peer reset the stream"
        case .closed: "this side closed the stream"
        case .connectionLost(let reason): "the connection was lost: \(reason)"
        case .cancelled: "the task was cancelled"
        }
    }
}
