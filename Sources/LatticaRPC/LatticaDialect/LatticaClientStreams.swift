import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// A stream to a peer that carries one call at a time.
final class LatticaClientStream: Sendable {
    let stream: any MuxedStream
    private let reader = NIOLockedValueBox(StreamFrameReader())
    private let hasAnswered = NIOLockedValueBox(false)

    init(_ stream: any MuxedStream) {
        self.stream = stream
    }

    /// Whether nothing has come over it yet.
    var isFresh: Bool { !hasAnswered.withLockedValue { $0 } }

    /// The next frame; one task at a time.
    func next() async throws(RPCError) -> StreamFrame {
        while true {
            let frame = try reader.withLockedValue { reader in
                Result { () throws(RPCError) in try reader.next() }
            }.get()
            if let frame {
                hasAnswered.withLockedValue { $0 = true }
                return frame
            }
            let bytes: ByteBuffer?
            do throws(StreamError) { bytes = try await stream.read() } catch { throw RPCError(error) }
            guard let bytes else { throw .unavailable("the peer closed the stream") }
            reader.withLockedValue { $0.append(bytes) }
        }
    }
}

/// The streams that a client holds to peers, for one call at a time each.
final class LatticaClientStreams: Sendable {
    private struct State {
        var idle: [PeerID: [LatticaClientStream]] = [:]
        var idleCount = 0
        /// When the next stream may be opened, counted from the client's beginning.
        var nextOpening: [PeerID: Duration] = [:]
    }

    let bounds: LatticaDialect.Bounds
    private let host: any Host
    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    private let turns: PeerTurns
    private let state = NIOLockedValueBox(State())

    init(host: any Host, bounds: LatticaDialect.Bounds, clock: any Clock<Duration>) {
        self.host = host
        self.bounds = bounds
        self.clock = clock
        elapsed = clock.stopwatch()
        turns = PeerTurns(limit: bounds.openedStreamsPerPeer, waitingLimit: bounds.waitingCallsPerPeer)
    }

    /// A stream to the peer, and whether it has carried calls before; waits while too many are in use.
    ///
    /// It is to be given back.
    func take(_ peer: PeerID) async throws(RPCError) -> LatticaClientStream {
        try await turns.take(peer)
        do throws(RPCError) {
            if let stream = unused(peer) { return stream }
            let wait = reserveOpening(to: peer)
            if wait > .zero {
                do { try await clock.sleep(for: wait) } catch { throw RPCError.cancelled }
                if let stream = unused(peer) { return stream }
            }
            do throws(DialError) {
                return LatticaClientStream(try await host.openStream(to: peer, protocols: [.latticaStream]))
            } catch {
                throw Task.isCancelled ? .cancelled : RPCError(error)
            }
        } catch {
            turns.giveBack(peer)
            throw error
        }
    }

    /// A stream that is there and unused, if it is the caller's turn.
    ///
    /// It is to be given back.
    func takeUnused(_ peer: PeerID) -> LatticaClientStream? {
        guard turns.takeAtOnce(peer) else { return nil }
        if let stream = unused(peer) { return stream }
        turns.giveBack(peer)
        return nil
    }

    /// Takes a stream back; one that cannot carry another call is reset.
    func giveBack(_ stream: LatticaClientStream, isUsable: Bool) {
        let peer = stream.stream.remotePeer
        let dropped: LatticaClientStream? = state.withLockedValue { state in
            guard isUsable else { return stream }
            state.idle[peer, default: []].append(stream)
            state.idleCount += 1
            guard state.idleCount > bounds.idleStreams, let other = state.idle.first?.key else { return nil }
            state.idleCount -= 1
            let dropped = state.idle[other]?.removeFirst()
            if state.idle[other]?.isEmpty == true { state.idle[other] = nil }
            return dropped
        }
        dropped?.stream.reset()
        turns.giveBack(peer)
    }

    /// Waits before another try of what a peer has not accepted.
    func pause(attempt: Int) async throws(RPCError) {
        do { try await clock.sleep(for: bounds.openingInterval * (1 << attempt)) } catch { throw .cancelled }
    }

    private func unused(_ peer: PeerID) -> LatticaClientStream? {
        state.withLockedValue { state in
            guard let stream = state.idle[peer]?.popLast() else { return nil }
            state.idleCount -= 1
            if state.idle[peer]?.isEmpty == true { state.idle[peer] = nil }
            return stream
        }
    }

    /// Takes the next moment at which a stream may be opened.
    ///
    /// - Returns: how long it is until then.
    private func reserveOpening(to peer: PeerID) -> Duration {
        let now = elapsed()
        return state.withLockedValue { state in
            if state.nextOpening.count > 1024 { state.nextOpening = state.nextOpening.filter { $0.value > now } }
            let moment = max(now, state.nextOpening[peer] ?? .zero)
            state.nextOpening[peer] = moment + bounds.openingInterval
            return moment - now
        }
    }
}
