import NIOCore

/// The handler's end of a call on a session.
struct RPCSessionServerLeg: RPCServerLeg {
    let driver: RPCSessionDriver
    let id: RPCSession.CallID

    func receive() async throws(RPCError) -> ByteBuffer? {
        try await driver.receive(id)
    }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        try await driver.send(message, on: id)
    }
}
