public import LatticaCore
public import Multiformats
public import NIOCore

/// A stream in memory that behaves as the contract says: bounded window, half close, reset, and reset when let go of.
public final class PipeStream: MuxedStream {
    /// What the stream is said to have been negotiated for.
    public let protocolID: ProtocolID
    /// Who is said to be at the other end.
    public let remotePeer: PeerID
    /// Where the other end is said to be.
    public let remoteAddress: Multiaddr

    private let incoming: Pipe
    private let outgoing: Pipe

    private init(_ protocolID: ProtocolID, _ peer: PeerID, _ address: Multiaddr, _ incoming: Pipe, _ outgoing: Pipe) {
        self.protocolID = protocolID
        remotePeer = peer
        remoteAddress = address
        self.incoming = incoming
        self.outgoing = outgoing
    }

    deinit {
        settle()
    }

    /// Resets what has not been closed, as a host does when the owner of a stream has gone.
    func settle() {
        outgoing.dropWriter()
        incoming.end(reader: .closed, writer: .resetByPeer)
    }

    /// The two ends of a stream.
    ///
    /// - Parameters:
    ///   - window: how many bytes may be on their way in each direction.
    ///   - chunk: the most bytes that one read gives; 1 tests reassembly.
    public static func pair(
        protocolID: ProtocolID = "/test/1.0.0",
        dialer: PeerID = Keypair().peerID,
        listener: PeerID = Keypair().peerID,
        window: Int = 256 << 10,
        chunk: Int = 64 << 10
    ) -> (dialer: PipeStream, listener: PipeStream) {
        let there = Pipe(window: window, chunk: chunk)
        let back = Pipe(window: window, chunk: chunk)
        let place = Multiaddr([.memory(1)])
        return (
            PipeStream(protocolID, listener, place.appending(listener), back, there),
            PipeStream(protocolID, dialer, place.appending(dialer), there, back)
        )
    }

    /// The next bytes.
    public func read() async throws(StreamError) -> ByteBuffer? {
        try await incoming.read()
    }

    /// Sends bytes.
    public func write(_ bytes: ByteBuffer) async throws(StreamError) {
        try await outgoing.write(bytes)
    }

    /// Closes this side.
    public func closeWrite() async throws(StreamError) {
        try outgoing.closeWrite()
    }

    /// Ends both directions.
    public func reset() {
        outgoing.end(reader: .resetByPeer, writer: .closed)
        incoming.end(reader: .closed, writer: .resetByPeer)
    }

    /// Ends both directions as the loss of the connection does.
    public func lose(_ reason: String = "unplugged") {
        let fault = StreamError.connectionLost(reason: reason)
        outgoing.end(reader: fault, writer: fault)
        incoming.end(reader: fault, writer: fault)
    }
}
