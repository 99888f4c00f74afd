import NIOCore

/// The handler's end of one call, in some dialect.
///
/// Lengths of messages have been checked by the one who calls it. Once the handler has returned, sending throws
/// ``RPCError/ended``.
protocol RPCServerLeg: Sendable {
    /// The caller's next message; `nil` when it has said that there are no more.
    func receive() async throws(RPCError) -> ByteBuffer?

    /// Sends a message; returns when the caller's window has taken it.
    func send(_ message: ByteBuffer) async throws(RPCError)
}
