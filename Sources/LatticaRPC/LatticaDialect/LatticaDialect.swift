import LatticaCore

/// Lattica's own dialect of RPC, spoken with peers that run the package (Lattica wire, §11 and §12).
///
/// Unary calls have a stream each, without frames. Other calls go over long-lived streams, where frames carry the id of
/// their call.
enum LatticaDialect {
    /// What one side takes and does at most.
    struct Bounds: Hashable, Sendable {
        /// Unary calls of one peer that are answered at once, and those made to it; the package drops more.
        var unaryCallsPerPeer = 100
        /// How long a unary call may take, its request included: after as long the package gives up.
        var unaryDeadline: Duration = .seconds(180)
        /// Other calls of one peer that are answered at once.
        var callsPerPeer = 256
        /// Streams for other calls that one peer may hold; the package holds one.
        var streamsPerPeer = 64
        /// Bytes of unfinished frames and requests that are held for one peer, beside ``freeBytes`` on each stream.
        var bufferedBytesPerPeer: ByteCount = .mebibytes(64)
        /// What a stream may hold without being counted, so that small calls cost no bookkeeping.
        var freeBytes: ByteCount = .kibibytes(64)
        /// Bytes ready for a stream from which on handlers wait.
        var unsentBytes: ByteCount = .kibibytes(256)
        /// Items of an iterator that are sent as fast as they come.
        ///
        /// The package's client takes every item off the wire, keeps 512 for its program, and drops the rest.
        var itemBurst = 448
        /// How many items a second follow the burst, over all calls of a stream.
        ///
        /// A program that reads them with the package may then take half a millisecond for each and misses none.
        var itemsPerSecond = 2000
        /// Streams that this side opens to one peer for other calls; a call has one to itself.
        var openedStreamsPerPeer = 32
        /// Unused streams that are kept for all peers together.
        var idleStreams = 512
        /// How long after a stream the next one is opened to the same peer.
        ///
        /// The package hands accepted streams over one at a time, and resets one that comes while another waits.
        var openingInterval: Duration = .milliseconds(5)
        /// How often a stream that was reset unused is replaced.
        var openingAttempts = 6
        /// Calls that wait for their turn with one peer.
        var waitingCallsPerPeer = 4096

        /// The defaults, with room for a few messages of the longest kind.
        init(_ limits: RPCLimits) {
            unaryCallsPerPeer = min(unaryCallsPerPeer, limits.maximumCallsPerPeer)
            callsPerPeer = limits.maximumCallsPerPeer
            bufferedBytesPerPeer = max(bufferedBytesPerPeer, ByteCount(limits.maximumMessage.bytes * 4))
        }
    }

    /// The longest payload of a data frame that the package sends.
    static let maximumPayload: ByteCount = .mebibytes(16)
    /// The longest frame taken: a payload and what is around it.
    static let maximumFrame = ByteCount(maximumPayload.bytes + (64 << 10))
    /// More than what is around the data of a unary message takes.
    static let unaryOverhead: ByteCount = .kibibytes(8)
    /// The longest id of a call; the package's have 36 characters.
    static let maximumID = 256
}

extension ProtocolID {
    /// Unary calls of Lattica's package.
    static let latticaUnary: ProtocolID = "/rpc/req-resp/1.0.0"
    /// Stream and iterator calls of Lattica's package.
    static let latticaStream: ProtocolID = "/rpc/stream/1.0.0"
}
