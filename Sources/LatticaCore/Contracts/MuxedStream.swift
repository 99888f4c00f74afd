public import Multiformats
public import NIOCore

/// A bidirectional stream of bytes to one peer, multiplexed with others on one secured connection.
///
/// Its protocol has been negotiated. Both directions close on their own (`closeWrite`, and `read` returning `nil`), or
/// together and abruptly (`reset`). One task may read while another writes; two tasks must not read at once, nor write
/// at once. A stream that its owner lets go of without closing is reset.
public protocol MuxedStream: Sendable {
    /// What was negotiated for this stream.
    var protocolID: ProtocolID { get }

    /// The peer at the other end, proven by the handshake of the connection.
    var remotePeer: PeerID { get }

    /// The address the connection was dialled at or came from.
    var remoteAddress: Multiaddr { get }

    /// Where reading and writing cost no hops between threads: the event loop of the connection; `nil` if all places are
    /// alike.
    ///
    /// Nothing that computes for longer than about a millisecond belongs there.
    var executor: (any TaskExecutor)? { get }

    /// The next bytes, at least one; `nil` once the peer has closed its side.
    ///
    /// Reading is what opens the receive window again: a reader that stops holds the sender back.
    /// Cancelling the task ends the wait with ``StreamError/cancelled`` and leaves the stream usable.
    func read() async throws(StreamError) -> ByteBuffer?

    /// Sends the bytes; returns when the peer's window has taken them, so a slow peer holds the writer back.
    func write(_ bytes: ByteBuffer) async throws(StreamError)

    /// Tells the peer that nothing more will be written. Reading goes on.
    func closeWrite() async throws(StreamError)

    /// Ends both directions at once; the peer sees a reset. Harmless on a stream that has ended.
    func reset()
}

extension MuxedStream {
    /// None.
    public var executor: (any TaskExecutor)? { nil }
}

/// Why a stream cannot be read or written any more.
public enum StreamError: Error, Hashable {
    /// The peer reset the stream.
    case resetByPeer
    /// This side reset the stream or closed its writing.
    case closed
    /// The connection underneath has ended; the reason is for the log.
    case connectionLost(reason: String)
    /// The waiting task was cancelled.
    case cancelled
}
