public import LatticaCore

/// What a handler knows of the call it answers, beside its messages.
public struct RPCContext: Sendable {
    /// Which method is called.
    public let method: RPCMethod
    /// The caller, proven by the connection's handshake.
    public let peer: PeerID
    /// What the caller added to the call.
    public let metadata: [String: String]
    /// How long the caller waits, counted from the call's arrival; `nil` if it does not say.
    ///
    /// When it has passed, the handler's task is cancelled.
    public let deadline: Duration?
}
