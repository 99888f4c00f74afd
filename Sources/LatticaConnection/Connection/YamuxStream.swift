import LatticaCore
import Multiformats
import NIOCore

/// One stream of a connection, for the tasks that use it.
///
/// Letting go of it resets it, unless both sides have closed.
final class YamuxStream: MuxedStream {
    let protocolID: ProtocolID
    private let connection: Connection
    private let state: NIOLoopBound<StreamState>

    init(connection: Connection, state: StreamState, protocolID: ProtocolID) {
        self.connection = connection
        self.state = NIOLoopBound(state, eventLoop: connection.loop)
        self.protocolID = protocolID
    }

    deinit {
        let state = state
        connection.withDriver { $0.release(state.value) }
    }

    var remotePeer: PeerID { connection.remotePeer }
    var remoteAddress: Multiaddr { connection.remoteAddress }
    var executor: (any TaskExecutor)? { connection.executor }

    func read() async throws(StreamError) -> ByteBuffer? {
        // On the loop, and with bytes at hand, nothing is allocated and nobody waits.
        if let result = connection.driverHere?.readNow(state.value) { return try result.get() }
        let (connection, state) = (connection, state)
        return try await connection.loop.wait { (wait: StreamState.ReadWait) in
            connection.withDriver { $0.read(state.value, wait: wait) }
        } cancel: { wait in
            connection.withDriver { $0.cancelRead(state.value, wait: wait) }
        }
    }

    func write(_ bytes: ByteBuffer) async throws(StreamError) {
        var rest = bytes
        if let driver = connection.driverHere, let result = driver.writeNow(state.value, &rest) {
            return try result.get()
        }
        let hasBegun = rest.readableBytes != bytes.readableBytes
        let (connection, state, waiting) = (connection, state, rest)
        try await connection.loop.wait { (wait: StreamState.WriteWait) in
            connection.withDriver { $0.write(state.value, waiting, hasBegun: hasBegun, wait: wait) }
        } cancel: { wait in
            connection.withDriver { $0.cancelWrite(state.value, wait: wait) }
        }
    }

    func closeWrite() async throws(StreamError) {
        let (connection, state) = (connection, state)
        try await connection.loop.wait { (wait: StreamState.WriteWait) in
            connection.withDriver { wait.finish($0.closeWrite(state.value)) }
        } cancel: { wait in
            // Closing waits for nothing, so there is nothing to cut short.
            _ = wait
        }
    }

    func reset() {
        let state = state
        connection.withDriver { $0.reset(state.value) }
    }
}
