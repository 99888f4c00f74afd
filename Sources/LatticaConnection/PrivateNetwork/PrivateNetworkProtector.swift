import NIOCore

/// Encrypts all that passes with the key of the private network, so that strangers can say nothing (libp2p specs, pnet).
///
/// It stands before all else that libp2p says: on the socket itself, or inside a WebSocket, which is only a way to
/// carry the same bytes. Each side sends a nonce of 24 bytes and goes on in XSalsa20. That proves nothing by itself;
/// but every peer begins with the header of multistream-select, and where other bytes come instead the key is another
/// one. The connection then ends at once, instead of waiting for a message that never gets whole.
final class PrivateNetworkProtector: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What the first bytes of every connection are.
    static let header = Array("\u{13}/multistream/1.0.0\n".utf8)
    static let nonceByteCount = 24

    private enum Inbound {
        /// The nonce of the peer is not whole.
        case awaitingNonce(ByteBuffer)
        /// So many bytes of the header have come, as they should be.
        case awaitingHeader(Salsa20Stream, matched: Int)
        case open(Salsa20Stream)
        /// The peer has another key, or none.
        case refused
    }

    private let key: PreSharedKey
    private let nonce: [UInt8]
    private var inbound = Inbound.awaitingNonce(ByteBuffer())
    private var outbound: Salsa20Stream
    private var isNonceSent = false

    init(key: PreSharedKey) {
        var generator = SystemRandomNumberGenerator()
        let nonce = (0..<Self.nonceByteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
        self.key = key
        self.nonce = nonce
        outbound = Salsa20Stream(key: key, xSalsa20Nonce: nonce)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        sendNonce(context)
        context.flush()
    }

    func channelActive(context: ChannelHandlerContext) {
        // Some peers say nothing before they have it. What a dialer says first travels with it.
        sendNonce(context)
        context.fireChannelActive()
        context.flush()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        sendNonce(context)
        var bytes = unwrapOutboundIn(data)
        outbound.apply(to: &bytes)
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if case .open(var stream) = inbound {
            stream.apply(to: &bytes)
            inbound = .open(stream)
            return context.fireChannelRead(wrapInboundOut(bytes))
        }
        do throws(PrivateNetworkError) {
            guard let bytes = try begin(bytes) else { return }
            context.fireChannelRead(wrapInboundOut(bytes))
        } catch {
            inbound = .refused
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // What a peer does that cannot make sense of these bytes, before it has said anything that makes sense here.
        switch inbound {
        case .awaitingNonce, .awaitingHeader:
            inbound = .refused
            context.fireErrorCaught(PrivateNetworkError.closedByPeer)
        case .open, .refused: break
        }
        context.fireChannelInactive()
    }

    private func sendNonce(_ context: ChannelHandlerContext) {
        guard !isNonceSent else { return }
        isNonceSent = true
        context.write(wrapOutboundOut(ByteBuffer(bytes: nonce)), promise: nil)
    }

    /// Takes the first bytes of the peer.
    ///
    /// - Returns: what can be passed on; `nil` while there is nothing.
    private func begin(_ bytes: ByteBuffer) throws(PrivateNetworkError) -> ByteBuffer? {
        var bytes = bytes
        if case .awaitingNonce(var gathered) = inbound {
            // No more than the nonce is kept; the rest is decrypted where it lies.
            let missing = Self.nonceByteCount - gathered.readableBytes
            if var part = bytes.readSlice(length: min(missing, bytes.readableBytes)) { gathered.writeBuffer(&part) }
            inbound = .awaitingNonce(gathered)
            // Chance does not make a nonce of the header.
            let plain = gathered.readableBytesView.prefix(Self.header.count)
            guard plain.count < Self.header.count || !plain.elementsEqual(Self.header) else { throw .notPrivate }
            guard gathered.readableBytes == Self.nonceByteCount else { return nil }
            let stream = Salsa20Stream(key: key, xSalsa20Nonce: Array(gathered.readableBytesView))
            inbound = .awaitingHeader(stream, matched: 0)
        }
        guard case .awaitingHeader(var stream, let matched) = inbound, bytes.readableBytes > 0 else { return nil }
        stream.apply(to: &bytes)
        let start = bytes.readableBytesView.prefix(Self.header.count - matched)
        guard start.elementsEqual(Self.header[matched..<matched + start.count]) else { throw .wrongKey }
        let count = matched + start.count
        inbound = count == Self.header.count ? .open(stream) : .awaitingHeader(stream, matched: count)
        return bytes
    }
}

extension Salsa20Stream {
    /// Encrypts or decrypts what can be read.
    mutating func apply(to bytes: inout ByteBuffer) {
        unsafe bytes.withUnsafeMutableReadableBytes { unsafe apply(to: $0) }
    }
}

/// Why a peer cannot be talked to in a private network.
public enum PrivateNetworkError: Error, Hashable {
    /// The peer has another key, or what it speaks is not libp2p.
    case wrongKey
    /// The peer belongs to no private network.
    case notPrivate
    /// The peer closed the connection before it had said anything; most likely it has another key, or none.
    case closedByPeer
}

extension PrivateNetworkError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .wrongKey:
            "the peer belongs to another private network; both need the same swarm.key (compare the fingerprints)"
        case .closedByPeer:
            "the peer closed the connection before a word; both need the same swarm.key (compare the fingerprints)"
        case .notPrivate:
            "the peer belongs to no private network; give it the same swarm.key, or take it away here"
        }
    }
}
