public import LatticaCore
import NIOConcurrencyHelpers
public import NIOCore

/// A call under way, as its caller sees it.
///
/// One task may send while another receives; no two tasks may do the same. A call that is let go of before its status
/// has arrived is cancelled, and the peer's handler with it.
public final class RPCCall: Sendable {
    private let leg: any RPCClientLeg
    private let maximumMessage: ByteCount
    /// What is counted at the end, once.
    private let measurement: NIOLockedValueBox<RPCMeasurement?>

    init(leg: any RPCClientLeg, maximumMessage: ByteCount, measurement: RPCMeasurement) {
        self.leg = leg
        self.maximumMessage = maximumMessage
        self.measurement = NIOLockedValueBox(measurement)
    }

    deinit {
        leg.cancel()
        count(.cancelled)
    }

    /// The peer that is called.
    public var peer: PeerID { leg.peer }

    /// Sends a message; returns when the peer's window has taken it.
    ///
    /// Cancelling the task in the middle of a message cancels the call, since the peer could not read on.
    public func send(_ message: [UInt8]) async throws(RPCError) {
        try await send(ByteBuffer(bytes: message))
    }

    /// Sends a message; returns when the peer's window has taken it.
    ///
    /// Cancelling the task in the middle of a message cancels the call, since the peer could not read on.
    public func send(_ message: ByteBuffer) async throws(RPCError) {
        guard message.readableBytes <= maximumMessage.bytes else { throw .messageTooLong(limit: maximumMessage) }
        try await leg.send(message)
    }

    /// Tells the peer that no more messages will be sent.
    ///
    /// Receiving goes on. Harmless a second time, and once the peer has answered that all is well.
    public func finish() async throws(RPCError) {
        try await leg.finish()
    }

    /// The next message of the peer; `nil` after the last, when the peer has said that the call succeeded.
    ///
    /// Cancelling the task ends the wait with ``RPCError/cancelled`` and leaves the call as it is.
    public func receive() async throws(RPCError) -> [UInt8]? {
        try await receiveBuffer().map { Array(buffer: $0) }
    }

    /// The next message of the peer without a copy; `nil` after the last, when the peer has said that the call succeeded.
    ///
    /// Cancelling the task ends the wait with ``RPCError/cancelled`` and leaves the call as it is.
    public func receiveBuffer() async throws(RPCError) -> ByteBuffer? {
        do throws(RPCError) {
            let message = try await leg.receive()
            if message == nil { count(.ok) }
            return message
        } catch {
            // A cancelled wait leaves the call as it is.
            if error != .cancelled { count(error.code) }
            throw error
        }
    }

    /// Ends the call and tells the peer to stop.
    ///
    /// Harmless on a call that has ended.
    public func cancel() {
        leg.cancel()
    }

    private func count(_ code: RPCCode) {
        let measurement = measurement.withLockedValue { measurement in
            defer { measurement = nil }
            return measurement
        }
        measurement?.end(code)
    }
}
