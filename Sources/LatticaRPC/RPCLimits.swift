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
    public var maximumCalls = 4096
    /// The most calls a server works on for one peer, whatever the number of its sessions.
    ///
    /// Each may hold a window of 64 KiB, so it is also what bounds the memory that a peer can take.
    public var maximumCallsPerPeer = 1024
    /// The most sessions a server keeps with one peer; another one is reset.
    ///
    /// One is enough; others are those of connections that are gone without a word, and of further clients.
    public var maximumSessionsPerPeer = 8
    /// What the calls of a session may hold together beyond their first windows: the rest of long messages, and the windows
    /// of readers that are fast.
    ///
    /// It is never less than ``maximumMessage``. A long message waits until it fits.
    public var sessionBudget: ByteCount = .mebibytes(32)
    /// Answers that a peer has asked for and does not read, at which its session ends.
    public var unsentAnswers: ByteCount = .mebibytes(1)
    /// How long a session without calls is kept open by the one who opened it.
    public var idleSessionLifetime: Duration = .seconds(60)
    /// The longest deadline a server watches over; a longer one is cut to it.
    public var maximumDeadline: Duration = .seconds(24 * 3600)

    /// The limits that suit messages between Nexus and nodes.
    public init() {}
}
