public import LatticaCore
public import NIOCore

/// A call under way, as its handler sees it.
///
/// One task may send while another receives; no two tasks may do the same. When the caller cancels, or the deadline
/// passes, the handler's task is cancelled and both throw.
public struct RPCServerCall: Sendable {
    /// Which method is called.
    public let method: RPCMethod
    /// The caller, proven by the connection's handshake.
    public let peer: PeerID
    /// What the caller added to the call.
    public let metadata: [String: String]
    /// How long the caller waits, counted from the call's arrival; `nil` if it does not say.
    public let deadline: Duration?

    private let leg: any RPCServerLeg
    private let maximumMessage: ByteCount

    init(
        method: RPCMethod,
        peer: PeerID,
        metadata: [String: String],
        deadline: Duration?,
        leg: any RPCServerLeg,
        maximumMessage: ByteCount
    ) {
        self.method = method
        self.peer = peer
        self.metadata = metadata
        self.deadline = deadline
        self.leg = leg
        self.maximumMessage = maximumMessage
    }

    /// The caller's next message; `nil` when it has said that there are no more.
    public func receive() async throws(RPCError) -> [UInt8]? {
        try await leg.receive().map { Array(buffer: $0) }
    }

    /// The caller's next message without a copy; `nil` when it has said that there are no more.
    public func receiveBuffer() async throws(RPCError) -> ByteBuffer? {
        try await leg.receive()
    }

    /// Sends a message; returns when the caller's window has taken it.
    public func send(_ message: [UInt8]) async throws(RPCError) {
        try await send(ByteBuffer(bytes: message))
    }

    /// Sends a message; returns when the caller's window has taken it.
    public func send(_ message: ByteBuffer) async throws(RPCError) {
        guard message.readableBytes <= maximumMessage.bytes else { throw .messageTooLong(limit: maximumMessage) }
        try await leg.send(message)
    }
}
