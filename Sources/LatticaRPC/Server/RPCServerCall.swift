public import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// A call under way, as its handler sees it.
///
/// One task may send while another receives; no two tasks may do the same. When the caller cancels, or the deadline
/// passes, the handler's task is cancelled and both throw.
public struct RPCServerCall: Sendable {
    /// Which method is called.
    public let method: RPCMethod
    /// What the caller added to the call.
    public let metadata: [String: String]
    /// How long the caller waits, counted from the call's arrival; `nil` if it does not say.
    public let deadline: Duration?

    private let stream: any MuxedStream
    private let inbox: RPCInbox
    private let isOver: NIOLockedValueBox<Bool>
    private let limits: RPCLimits

    init(_ header: RPCHeader, stream: any MuxedStream, inbox: RPCInbox, limits: RPCLimits) {
        method = header.method
        metadata = header.metadata
        deadline = header.deadline
        self.stream = stream
        self.inbox = inbox
        self.limits = limits
        isOver = NIOLockedValueBox(false)
    }

    /// The caller, proven by the connection's handshake.
    public var peer: PeerID { stream.remotePeer }

    /// The caller's next message; `nil` when it has said that there are no more.
    public func receive() async throws(RPCError) -> [UInt8]? {
        try await inbox.receive()
    }

    /// Sends a message; returns when the caller's window has taken it.
    public func send(_ message: [UInt8]) async throws(RPCError) {
        guard message.count <= limits.maximumMessage.bytes else { throw .messageTooLong(limit: limits.maximumMessage) }
        if isOver.withLockedValue({ $0 }) { throw .ended }
        do {
            try await stream.write(RPCFrame.encode(.message(message, isLast: false)))
        } catch {
            // Half a message may be on its way; nothing can follow it.
            if error == .cancelled { stream.reset() }
            throw error == .resetByPeer ? .cancelled : RPCError(error)
        }
    }

    /// The handler has ended: whoever still holds the call can send nothing behind the status.
    func close() {
        isOver.withLockedValue { $0 = true }
    }
}
