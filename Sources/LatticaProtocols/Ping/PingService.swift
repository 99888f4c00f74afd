public import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

extension ProtocolID {
    /// Measures the time to a peer and back.
    public static let ping: ProtocolID = "/ipfs/ping/1.0.0"
}

/// Answers pings and sends them (libp2p specs, ping): 32 bytes go out, the same 32 come back.
///
/// A stream that has served stays open and is used again, as the peers of the network expect.
public final class PingService: Sendable {
    /// What the real peers wait for an answer.
    public static let deadline: Duration = .seconds(20)
    /// The length of a ping.
    static let payloadLength = 32
    /// The most open streams kept for another ping; one more drops the one kept longest.
    static let keptStreamLimit = 256
    /// The most ping streams answered for one peer at a time.
    ///
    /// The specification asks for no more than two.
    static let answeredStreamLimit = 2

    private struct Kept {
        var peer: PeerID
        var stream: any MuxedStream
    }

    private let host: any Host
    private let clock: any Clock<Duration>
    private let random: NIOLockedValueBox<any RandomNumberGenerator & Sendable>
    private let kept = NIOLockedValueBox<[Kept]>([])

    /// Answers on a host from now on.
    public init(
        host: any Host,
        clock: any Clock<Duration> = ContinuousClock(),
        randomness: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.host = host
        self.clock = clock
        random = .init(randomness)
        let answered = NIOLockedValueBox<[PeerID: Int]>([:])
        host.handle(.ping) { stream in
            let peer = stream.remotePeer
            let isAdmitted = answered.withLockedValue { counts in
                guard counts[peer, default: 0] < Self.answeredStreamLimit else { return false }
                counts[peer, default: 0] += 1
                return true
            }
            guard isAdmitted else { return stream.reset() }
            defer {
                answered.withLockedValue { counts in
                    let rest = counts[peer, default: 1] - 1
                    counts[peer] = rest > 0 ? rest : nil
                }
            }
            do {
                try await Self.answer(stream)
            } catch {
                stream.reset()
            }
        }
    }

    /// Pings a peer some times, one after another.
    ///
    /// - Parameter other: what opens streams instead of the host that answers, such as one that does not dial.
    /// - Returns: the time of each.
    public func ping(
        _ peer: PeerID,
        count: Int = 1,
        through other: (any Host)? = nil
    ) async throws(PingError) -> [Duration] {
        var times: [Duration] = []
        for _ in 0..<count { times.append(try await pingOnce(peer, through: other ?? host)) }
        return times
    }

    private func pingOnce(_ peer: PeerID, through host: any Host) async throws(PingError) -> Duration {
        if let stream = takeKept(peer) {
            do {
                return try await ping(on: stream)
            } catch .stream(.cancelled) {
                throw .stream(.cancelled)
            } catch .stream {
                // The kept stream had ended in the meantime; a new one tells whether the peer is there.
            }
        }
        return try await ping(on: try await open(peer, through: host))
    }

    private func open(_ peer: PeerID, through host: any Host) async throws(PingError) -> any MuxedStream {
        let stream = try await clock.withDeadline(Self.deadline) { () async throws(PingError) -> any MuxedStream in
            do throws(DialError) {
                return try await host.openStream(to: peer, protocols: [.ping])
            } catch {
                throw .notReached(error)
            }
        }
        guard let stream else { throw .timedOut }
        return stream
    }

    private func ping(on stream: any MuxedStream) async throws(PingError) -> Duration {
        let payload = random.withLockedValue { random in
            ByteBuffer(bytes: (0..<Self.payloadLength).map { _ in UInt8.random(in: 0 ... .max, using: &random) })
        }
        let elapsed = clock.stopwatch()
        do throws(PingError) {
            let time = try await clock.withDeadline(Self.deadline) { () async throws(PingError) -> Duration in
                var echo = ByteBuffer()
                do throws(StreamError) {
                    try await stream.write(payload)
                    while echo.readableBytes < Self.payloadLength {
                        guard let bytes = try await stream.read() else { throw .resetByPeer }
                        echo.writeImmutableBuffer(bytes)
                    }
                } catch {
                    throw .stream(error)
                }
                guard echo == payload else { throw .wrongEcho }
                return elapsed()
            }
            guard let time else { throw .timedOut }
            keep(stream)
            return time
        } catch {
            stream.reset()
            throw error
        }
    }

    private func takeKept(_ peer: PeerID) -> (any MuxedStream)? {
        kept.withLockedValue { kept in
            kept.firstIndex { $0.peer == peer }.map { kept.remove(at: $0).stream }
        }
    }

    private func keep(_ stream: any MuxedStream) {
        let dropped: [Kept] = kept.withLockedValue { kept in
            // Of two pings at once each had a stream; one is enough.
            var dropped = kept.filter { $0.peer == stream.remotePeer }
            kept.removeAll { $0.peer == stream.remotePeer }
            if kept.count >= Self.keptStreamLimit { dropped.append(kept.removeFirst()) }
            kept.append(Kept(peer: stream.remotePeer, stream: stream))
            return dropped
        }
        for old in dropped { old.stream.reset() }
    }

    /// Echoes until the peer closes.
    private static func answer(_ stream: any MuxedStream) async throws(StreamError) {
        var buffer = ByteBuffer()
        while let bytes = try await stream.read() {
            buffer.writeImmutableBuffer(bytes)
            let whole = buffer.readableBytes / payloadLength * payloadLength
            if let echo = buffer.readSlice(length: whole), whole > 0 { try await stream.write(echo) }
            buffer.discardReadBytes()
        }
        try await stream.closeWrite()
    }
}

/// Why a ping gave no time.
public enum PingError: Error, Hashable {
    /// No stream to the peer could be opened.
    case notReached(DialError)
    /// The stream ended.
    case stream(StreamError)
    /// Other bytes came back than went out.
    case wrongEcho
    /// Nothing came back in time.
    case timedOut
}
