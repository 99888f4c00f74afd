/// The bounds of one yamux session.
public struct YamuxLimits: Sendable, Hashable {
    /// The credit that both sides have for every stream from the start (libp2p specs, yamux).
    static let initialWindow = 256 * 1024

    /// Streams open at once, both sides' together.
    ///
    /// One more of the peer's is reset, one more of this side's refused.
    public var streams = 512

    /// Streams of this side that the peer has not accepted; others stop at as many.
    public var unacknowledgedStreams = 256

    /// The longest data frame taken, in bytes; rust-libp2p takes as many.
    public var receivedFrame = 1024 * 1024

    /// The longest data frame sent, in bytes.
    ///
    /// With its header it fills one message of Noise. Streams take turns after ``unsentBytes``, not after frames.
    public var sentFrame = 65_535 - 16 - 12

    /// The largest receive window that one stream may come to have, in bytes.
    ///
    /// A window grows while its reader empties it in less than a few round trips: 16 MiB keep 1 Gbit/s busy over 130 ms.
    public var largestWindow = 16 * 1024 * 1024

    /// Bytes received on all streams and not read yet.
    ///
    /// The stream that would pass it is reset: windows alone would let a peer fill ``streams`` times 256 KiB. Windows
    /// grow only while all of them together stay below.
    public var unreadBytes = 64 * 1024 * 1024

    /// Bytes made ready and not yet handed to the connection, from which on writers wait.
    public var unsentBytes = 128 * 1024

    /// Bytes made ready at which the session ends: the peer asks for answers without reading any.
    public var unsentAnswers = 1024 * 1024

    /// The defaults.
    public init() {}
}
