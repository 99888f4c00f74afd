/// Where the handler of a method runs.
public enum RPCHandlerPlace: Hashable, Sendable {
    /// On the global pool of threads, so that a handler which computes or blocks for seconds delays nobody.
    case pool
    /// On the event loop of the caller's connection, begun at once when the call has arrived.
    ///
    /// For what is brief: it spares two changes of threads, and everything else that the loop does waits meanwhile. Nothing
    /// that computes for longer than about a millisecond, and nothing that blocks, belongs there.
    case eventLoop
}
