import LatticaCore
import NIOCore

/// The caller's end of one call, in some dialect.
///
/// One task may send while another receives; no two tasks may do the same. Whoever lets go of a leg cancels the call.
protocol RPCClientLeg: AnyObject, Sendable {
    /// The peer that is called.
    var peer: PeerID { get }

    /// Sends a message; returns when the peer's window has taken it.
    func send(_ message: ByteBuffer) async throws(RPCError)

    /// Says that no more messages follow.
    ///
    /// Harmless a second time, and once the peer has answered that all is well.
    func finish() async throws(RPCError)

    /// The next message of the peer; `nil` after the last, when the call has succeeded.
    ///
    /// Cancelling the task ends the wait with ``RPCError/cancelled`` and leaves the call as it is.
    func receive() async throws(RPCError) -> ByteBuffer?

    /// Ends the call and tells the peer to stop.
    ///
    /// Harmless on a call that has ended.
    func cancel()
}
