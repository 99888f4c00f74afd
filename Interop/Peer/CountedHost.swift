import LatticaCore
import Multiformats
import NIOConcurrencyHelpers
import NIOCore

/// A host that counts what is written to the streams opened through it: a test sees whether data was compressed.
final class CountedHost: Host {
    private let host: any Host
    private let sum = NIOLockedValueBox(0)

    init(_ host: any Host) {
        self.host = host
    }

    /// The bytes so far.
    var sentByteCount: Int { sum.withLockedValue { $0 } }

    var peerID: PeerID { host.peerID }

    func openStream(to peer: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream {
        CountedStream(stream: try await host.openStream(to: peer, protocols: protocols), sum: sum)
    }

    func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void) {
        host.handle(id, with: handler)
    }
}

private struct CountedStream: MuxedStream {
    let stream: any MuxedStream
    let sum: NIOLockedValueBox<Int>

    var protocolID: ProtocolID { stream.protocolID }
    var remotePeer: PeerID { stream.remotePeer }
    var remoteAddress: Multiaddr { stream.remoteAddress }
    var executor: (any TaskExecutor)? { stream.executor }

    func read() async throws(StreamError) -> ByteBuffer? { try await stream.read() }

    func write(_ bytes: ByteBuffer) async throws(StreamError) {
        sum.withLockedValue { $0 += bytes.readableBytes }
        try await stream.write(bytes)
    }

    func closeWrite() async throws(StreamError) { try await stream.closeWrite() }

    func reset() { stream.reset() }
}
