public import LatticaCore
import NIOConcurrencyHelpers

/// Hosts in one process that reach one another without sockets.
public final class MemoryNetwork: Sendable {
    private let hosts = NIOLockedValueBox<[PeerID: MemoryHost]>([:])
    fileprivate let window: Int
    fileprivate let chunk: Int

    /// - Parameters:
    ///   - window: how many bytes of a stream may be on their way in each direction.
    ///   - chunk: the most bytes that one read gives.
    public init(window: Int = 256 << 10, chunk: Int = 64 << 10) {
        self.window = window
        self.chunk = chunk
    }

    /// A new host.
    ///
    /// Stop it at the end of the test.
    public func host(_ keypair: Keypair = Keypair()) -> MemoryHost {
        let host = MemoryHost(peerID: keypair.peerID, network: self)
        hosts.withLockedValue { $0[host.peerID] = host }
        return host
    }

    /// Runs a test with two hosts and stops them afterwards.
    public static func withPair<Result>(
        window: Int = 256 << 10,
        chunk: Int = 64 << 10,
        _ body: (_ dialer: MemoryHost, _ listener: MemoryHost) async throws -> Result
    ) async throws -> Result {
        let network = MemoryNetwork(window: window, chunk: chunk)
        let (dialer, listener) = (network.host(), network.host())
        do {
            let result = try await body(dialer, listener)
            await network.stop()
            return result
        } catch {
            await network.stop()
            throw error
        }
    }

    /// Stops every host.
    public func stop() async {
        for host in hosts.withLockedValue({ Array($0.values) }) { await host.stop() }
    }

    fileprivate func find(_ peer: PeerID) -> MemoryHost? {
        hosts.withLockedValue { $0[peer] }
    }

    fileprivate func remove(_ host: MemoryHost) {
        hosts.withLockedValue { $0[host.peerID] = nil }
    }
}

/// A host in memory; its handlers run in tasks that ``stop()`` cancels and waits for.
public final class MemoryHost: Host {
    /// The peer that this host is.
    public let peerID: PeerID

    private struct Answer {
        var task: Task<Void, Never>?
        var stream: PipeStream
    }

    private struct State {
        var handlers: [ProtocolID: @Sendable (any MuxedStream) async -> Void] = [:]
        var answers: [Int: Answer] = [:]
        var next = 0
        var dialled = 0
        var isStopped = false
    }

    private let state = NIOLockedValueBox(State())
    private let network: MemoryNetwork

    fileprivate init(peerID: PeerID, network: MemoryNetwork) {
        self.peerID = peerID
        self.network = network
    }

    /// How many streams this host has opened.
    public var openedStreamCount: Int { state.withLockedValue(\.dialled) }

    /// How many streams are being answered.
    public var answeredStreamCount: Int { state.withLockedValue(\.answers.count) }

    /// Opens a stream to another host of the network.
    public func openStream(to peer: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream {
        if state.withLockedValue(\.isStopped) { throw .stopped }
        guard let remote = network.find(peer) else { throw .noAddress(peer: "\(peer)") }
        guard let id = protocols.first(where: remote.isHandling) else {
            throw .protocolsNotSupported(protocols.map(\.name))
        }
        state.withLockedValue { $0.dialled += 1 }
        let streams = PipeStream.pair(
            protocolID: id,
            dialer: peerID,
            listener: peer,
            window: network.window,
            chunk: network.chunk
        )
        remote.answer(streams.listener)
        return streams.dialer
    }

    /// Answers the streams that peers open for a protocol.
    public func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void) {
        state.withLockedValue { $0.handlers[id] = handler }
    }

    /// Cuts every stream that this host answers, as the loss of a connection does.
    public func disconnect() {
        for answer in state.withLockedValue({ Array($0.answers.values) }) {
            answer.stream.lose()
            answer.task?.cancel()
        }
    }

    /// Stops answering; returns when every handler has.
    public func stop() async {
        network.remove(self)
        let answers = state.withLockedValue { state in
            state.isStopped = true
            state.handlers = [:]
            return Array(state.answers.values)
        }
        for answer in answers {
            answer.stream.lose("stopped")
            answer.task?.cancel()
        }
        for answer in answers { await answer.task?.value }
    }

    private func isHandling(_ id: ProtocolID) -> Bool {
        state.withLockedValue { $0.handlers[id] != nil }
    }

    private func answer(_ stream: PipeStream) {
        state.withLockedValue { state in
            guard let handler = state.handlers[stream.protocolID] else { return }
            state.next += 1
            let id = state.next
            state.answers[id] = Answer(task: nil, stream: stream)
            state.answers[id]?.task = Task {
                await handler(stream)
                // Ends what the handler has left open; whole streams are not touched.
                stream.settle()
                self.state.withLockedValue { $0.answers[id] = nil }
            }
        }
    }
}
