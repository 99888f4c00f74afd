public import LatticaCore
import NIOCore

extension ProtocolID {
    /// Asks a peer what it says of itself.
    public static let identify: ProtocolID = "/ipfs/id/1.0.0"
    /// Tells a peer what has changed.
    public static let identifyPush: ProtocolID = "/ipfs/id/push/1.0.0"
}

/// Says who this peer is, asks others who they are, and takes their pushes (libp2p specs, identify).
public struct IdentifyService: Sendable {
    /// A message of 4 KiB that takes longer is not worth waiting for.
    static let deadline: Duration = .seconds(10)

    private let host: any Host
    private let clock: any Clock<Duration>
    private let local: @Sendable () -> IdentifyMessage

    /// Answers on a host from now on.
    ///
    /// - Parameters:
    ///   - local: what this peer says; the observed address is filled in for each receiver.
    ///   - onPush: called with what a peer has pushed, which speaks for that peer.
    public init(
        host: any Host,
        clock: any Clock<Duration> = ContinuousClock(),
        local: @escaping @Sendable () -> IdentifyMessage,
        onPush: @escaping @Sendable (PeerID, IdentifyMessage) -> Void = { _, _ in }
    ) {
        self.host = host
        self.clock = clock
        self.local = local
        host.handle(.identify) { stream in
            _ = try? await clock.withDeadline(Self.deadline) { () async throws(IdentifyError) in
                try await Self.tell(local(), on: stream)
            }
        }
        host.handle(.identifyPush) { stream in
            let message = try? await clock.withDeadline(Self.deadline) { () async throws(IdentifyError) in
                try await Self.hear(stream)
            }
            // The pusher closed its side after the message; this closes the other.
            guard let message, (try? await stream.closeWrite()) != nil else { return stream.reset() }
            onPush(stream.remotePeer, message)
        }
    }

    /// Asks a peer what it says of itself.
    public func identify(_ peer: PeerID) async throws(IdentifyError) -> IdentifyMessage {
        let host = host
        let message = try await clock.withDeadline(Self.deadline) {
            () async throws(IdentifyError) -> IdentifyMessage in
            let stream = try await Self.open(.identify, to: peer, host)
            do throws(StreamError) { try await stream.closeWrite() } catch { throw .stream(error) }
            do throws(IdentifyError) {
                return try await Self.hear(stream)
            } catch {
                stream.reset()
                throw error
            }
        }
        guard let message else { throw .timedOut }
        return message
    }

    /// Tells a peer what this one says of itself now.
    public func push(to peer: PeerID) async throws(IdentifyError) {
        let (host, local) = (host, local)
        let isDone: Void? = try await clock.withDeadline(Self.deadline) { () async throws(IdentifyError) in
            let stream = try await Self.open(.identifyPush, to: peer, host)
            do throws(IdentifyError) {
                try await Self.tell(local(), on: stream)
            } catch {
                stream.reset()
                throw error
            }
        }
        if isDone == nil { throw .timedOut }
    }

    private static func open(
        _ id: ProtocolID,
        to peer: PeerID,
        _ host: any Host
    ) async throws(IdentifyError) -> any MuxedStream {
        do { return try await host.openStream(to: peer, protocols: [id]) } catch { throw .notReached(error) }
    }

    /// Writes the message and closes, then waits for the peer to close, so that no reset overtakes the message.
    private static func tell(_ message: IdentifyMessage, on stream: any MuxedStream) async throws(IdentifyError) {
        var message = message
        message.observedAddress = stream.remoteAddress
        let messages = MessageStream(stream, limit: IdentifyMessage.maximumByteCount)
        do throws(StreamError) {
            try await messages.write(message.protobuf)
            try await stream.closeWrite()
            while try await stream.read() != nil {}
        } catch {
            // A peer may reset what it is done with.
            if error != .resetByPeer { throw .stream(error) }
        }
    }

    /// Reads one message, and checks that it speaks for the peer that sends it.
    private static func hear(_ stream: any MuxedStream) async throws(IdentifyError) -> IdentifyMessage {
        var messages = MessageStream(stream, limit: IdentifyMessage.maximumByteCount)
        let bytes: ByteBuffer?
        do {
            bytes = try await messages.read()
        } catch {
            switch error {
            case .stream(let error): throw .stream(error)
            case .tooLong(let limit): throw .tooLong(limit: limit)
            case .malformedLength(let error): throw .malformed(.varint(error))
            case .truncated: throw .truncated
            }
        }
        guard let bytes else { throw .truncated }
        let message = try IdentifyMessage(protobuf: bytes.readableBytesView)
        if let key = message.publicKey, PeerID(publicKey: key) != stream.remotePeer { throw .wrongPeer }
        return message
    }
}
