import ArgumentParser
import Lattica
import LatticaCore

extension P2PCommand {
    /// The way to a peer and back.
    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ping",
            abstract: "Measure the time to a peer and back, through encryption and multiplexer."
        )

        @Argument(help: "The peer's address: /ip4/…/tcp/…")
        var address: String

        @Option(name: .shortAndLong, help: "How often.")
        var count = 4

        @Option(name: .shortAndLong, help: "Seconds between pings.")
        var interval = 1.0

        @OptionGroup var options: P2POptions

        func validate() throws {
            guard (1...1_000_000).contains(count) else { throw ValidationError("--count must be from 1 to 1000000.") }
            guard (0...3600).contains(interval) else { throw ValidationError("--interval must be from 0 to 3600.") }
        }

        func run() async throws {
            let (count, interval, isTold) = (count, Duration.seconds(interval), !options.json)
            let (peer, times) = try await options.withPeer(at: address) { host, peer in
                var times: [Duration] = []
                for index in 0..<count {
                    if index > 0 { try await Task.sleep(for: interval) }
                    let time = try await host.ping(peer)
                    times.append(time)
                    if isTold { print("\(peer) answered in \(time.inMilliseconds) ms") }
                }
                return (peer, times)
            }
            try options.show(PingSummary(peer: "\(peer)", times: times))
        }
    }
}

/// What pings found.
struct PingSummary: Encodable, CustomStringConvertible {
    let peer: String
    /// Milliseconds, in the order of asking.
    let times: [Double]

    enum CodingKeys: String, CodingKey {
        case peer
        case times = "ms"
    }

    init(peer: String, times: [Duration]) {
        self.peer = peer
        self.times = times.map(\.inMilliseconds)
    }

    var description: String {
        let sorted = times.sorted()
        guard let least = sorted.first, let most = sorted.last else { return "no answer" }
        return "\(sorted.count) answers; least \(least), median \(sorted[sorted.count / 2]), most \(most) ms"
    }
}
