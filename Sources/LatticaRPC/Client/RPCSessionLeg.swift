import LatticaCore
import NIOCore

/// The caller's end of a call on a session.
final class RPCSessionLeg: RPCClientLeg {
    private let driver: RPCSessionDriver
    private let id: RPCSession.CallID
    /// Keeps the session, whose client may be gone before the call is.
    private let sessions: RPCSessions

    init(driver: RPCSessionDriver, id: RPCSession.CallID, of sessions: RPCSessions) {
        self.driver = driver
        self.id = id
        self.sessions = sessions
    }

    deinit {
        driver.release(id)
    }

    var peer: PeerID { driver.stream.remotePeer }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        try await driver.send(message, on: id)
    }

    func finish() async throws(RPCError) {
        if let failure = driver.update({ $0.session.finish(id) }) { throw failure }
    }

    func receive() async throws(RPCError) -> ByteBuffer? {
        try await driver.receive(id)
    }

    func cancel() {
        driver.update { $0.session.cancel(id) }
    }
}
