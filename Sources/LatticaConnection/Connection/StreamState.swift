import LatticaCore
import NIOCore

/// What the driver of a connection knows of one stream beside what the muxer knows.
///
/// Touched on the event loop alone.
final class StreamState {
    typealias ReadWait = LoopWait<ByteBuffer?, StreamError>
    typealias WriteWait = LoopWait<Void, StreamError>
    typealias OpenWait = LoopWait<YamuxStream, StreamOpenError>

    let id: UInt32
    let isInbound: Bool

    /// Goes on while both sides have not agreed on the protocol.
    var negotiation: MultistreamNegotiation?
    /// When the negotiation is given up.
    var deadline: NIODeadline?
    /// The dialer's first words, kept back to travel with the first data.
    var proposal: ByteBuffer?
    /// An answer of the negotiation that is given at the next tick.
    var heldReply = ByteBuffer()
    /// Bytes of the protocol that came together with the end of the negotiation.
    var leftover = ByteBuffer()
    /// Why nothing more can be done with the stream, unless there are bytes left to read.
    var failure: StreamError?

    var opener: OpenWait?
    var reader: ReadWait?
    var isWaitingForOutput = false
    var writer: (wait: WriteWait, rest: ByteBuffer, hasBegun: Bool)?

    init(id: UInt32, negotiation: MultistreamNegotiation, isInbound: Bool, deadline: NIODeadline?) {
        self.id = id
        self.negotiation = negotiation
        self.isInbound = isInbound
        self.deadline = deadline
    }
}

/// Why a connection gave no stream.
public enum StreamOpenError: Error, Hashable {
    /// The connection has ended, or one of the sides takes no more streams. Another connection may do.
    case connectionOver
    /// A limit on streams is reached.
    case limitReached(String)
    /// The peer speaks none of the protocols.
    case notSupported
    /// The peer did not answer in time, or the task was cancelled.
    case timedOut
}
