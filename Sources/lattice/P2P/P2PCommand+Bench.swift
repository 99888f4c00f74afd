import ArgumentParser
import Lattica
import LatticaCore
import LatticaProtocols
import NIOCore

extension P2PCommand {
    /// How fast a peer is.
    struct Bench: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "bench",
            abstract: "Measure a peer: time to and fro, bytes a second.",
            discussion: """
                Every peer answers pings. Bytes a second need one that echoes a stream, by the protocol of --echo; \
                where the peer does not, that figure is left out.
                """
        )

        @Argument(help: "The peer's address: /ip4/…/tcp/…")
        var address: String

        @Option(help: "How long each measurement takes, in seconds.")
        var seconds = 3.0

        @Option(help: "The protocol by which the peer echoes a stream.")
        var echo = "/echo/1"

        @OptionGroup var options: P2POptions

        func validate() throws {
            guard (0.1...600).contains(seconds) else { throw ValidationError("--seconds must be from 0.1 to 600.") }
            guard echo.hasPrefix("/") else { throw ValidationError("--echo must begin with '/'.") }
        }

        func run() async throws {
            let (address, seconds, echo) = (address, Duration.seconds(seconds), ProtocolID(echo))
            let found = try await options.withPeer(at: address) { host, peer in
                let identity = try await P2PCommand.identity(of: peer, on: host, asked: address)
                let bench = PeerBench(host: host, peer: peer, length: seconds)
                let pings = try await bench.pings()
                let rate = identity.protocols.contains(echo) ? try await bench.echo(by: echo) : nil
                return PeerFigures(peer: peer, pings: pings, length: seconds, echo: echo, bytesPerSecond: rate)
            }
            try options.show(found)
        }
    }
}

/// Keeps one peer busy for a while.
struct PeerBench: Sendable {
    /// Larger pieces are no faster; smaller ones pay for each.
    private static let pieceLength = 64 * 1024

    let host: LatticaHost
    let peer: PeerID
    /// How long each measurement takes.
    let length: Duration

    /// One ping after the other.
    func pings() async throws -> [Duration] {
        let end = ContinuousClock.now + length
        return try await onConnection {
            var times: [Duration] = []
            repeat { times.append(try await host.ping(peer)) } while ContinuousClock.now < end
            return times
        }
    }

    /// Bytes a second, each way, while both ways are full.
    func echo(by id: ProtocolID) async throws -> Double {
        let stream = try await host.openStream(to: peer, protocols: [id])
        defer { stream.reset() }
        let start = ContinuousClock.now
        let end = start + length
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: stream.executor) {
                let piece = ByteBuffer(repeating: 0, count: Self.pieceLength)
                while ContinuousClock.now < end { try await stream.write(piece) }
                try await stream.closeWrite()
            }
            let received = try await onConnection {
                var count = 0
                while let part = try await stream.read() { count += part.readableBytes }
                return count
            }
            try await group.waitForAll()
            return Double(received) / ((ContinuousClock.now - start) / .seconds(1))
        }
    }

    /// Runs where the connection lives, so that no hops between threads are measured.
    private func onConnection<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withTaskExecutorPreference(host.executor(for: peer)) { try await body() }
    }
}

/// What a bench found.
struct PeerFigures: Encodable, CustomStringConvertible {
    let peer: String
    let pings: Int
    let pingsPerSecond: Double
    let median: Double
    let ninetyNinth: Double
    let echo: String
    let megabytesPerSecond: Double?

    enum CodingKeys: String, CodingKey {
        case peer
        case pings
        case pingsPerSecond = "pings_per_second"
        case median = "ping_p50_ms"
        case ninetyNinth = "ping_p99_ms"
        case echo = "echo_protocol"
        case megabytesPerSecond = "echo_mb_per_second"
    }

    init(peer: PeerID, pings: [Duration], length: Duration, echo: ProtocolID, bytesPerSecond: Double?) {
        let sorted = pings.sorted().map(\.inMilliseconds)
        self.peer = "\(peer)"
        self.pings = pings.count
        pingsPerSecond = (Double(pings.count) / (pings.reduce(.zero, +) / .seconds(1))).rounded()
        median = sorted.isEmpty ? 0 : sorted[sorted.count / 2]
        ninetyNinth = sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        self.echo = echo.name
        megabytesPerSecond = bytesPerSecond.map { ($0 / 100_000).rounded() / 10 }
    }

    var description: String {
        """
        \(peer)
        pings one after the other   \(Int(pingsPerSecond)) a second; median \(median), 99 of 100 within \(ninetyNinth) ms
        echo, both ways at once     \(megabytesPerSecond.map { "\($0) MB/s each way" }
            ?? "not measured: the peer does not speak \(echo)")
        """
    }
}
