public import LatticaCore

/// What one side of the protocol takes at most.
public struct RPCLimits: Hashable, Sendable {
    /// The longest message, either way.
    ///
    /// Room for a long prompt or a page of records; larger things are content, which is fetched in blocks.
    public var maximumMessage: ByteCount = .mebibytes(4)
    /// The longest header of a call with its metadata.
    public var maximumHeader: ByteCount = .kibibytes(16)
    /// The most pairs of metadata.
    public var maximumMetadataCount = 64
    /// The most calls a server works on; more are refused with `resourceExhausted`.
    public var maximumCalls = 1024
    /// The most calls a server works on for one peer, below the 512 streams that a connection allows.
    public var maximumCallsPerPeer = 256
    /// How many messages a server reads ahead of a handler, so that a reset is seen while the handler is busy.
    ///
    /// Besides, what waits is never longer than ``maximumMessage`` in sum. A caller that sends more is held back by the
    /// stream's window; its reset is then seen when the handler next reads or writes.
    public var maximumBufferedMessages = 16
    /// How long the header may take to arrive.
    public var headerDeadline: Duration = .seconds(10)
    /// How long a server waits for the caller to close its side after the status, which normally takes one round trip.
    public var closeDeadline: Duration = .seconds(5)
    /// The longest deadline a server watches over; a longer one is cut to it.
    public var maximumDeadline: Duration = .seconds(24 * 3600)

    /// The limits that suit messages between Nexus and nodes.
    public init() {}
}
