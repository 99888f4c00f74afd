import Glibc
import Lattica
import LatticaCore
import Multiformats

/// What connections cost in memory while nothing happens on them.
///
/// Every host of this process connects to every host of the other, so that each connection joins two identities, and the
/// hosts themselves, being few, hardly count.
struct IdleBench {
    /// Dials under way at once; more would be refused as unfinished handshakes.
    private static let dialsAtOnce = 32
    /// How long identify and the first pings may still be busy.
    private static let settling: Duration = .seconds(3)

    private let options: Options

    init(_ options: Options) {
        self.options = options
    }

    func report() async throws -> Report {
        var hosts: [LatticaHost] = []
        for _ in 0..<options.hosts { hosts.append(try options.host(listening: false)) }
        for host in hosts { try await host.start() }
        let pairs = hosts.flatMap { host in options.peers.map { (host, $0) } }
        // One connection first, so that what is made once is not counted.
        try await pairs[0].0.connect(to: pairs[0].1)
        let before = (own: residentBytes(of: Int(getpid())), other: options.processID.map(residentBytes))
        try await connect(Array(pairs.dropFirst()))
        try await Task.sleep(for: Self.settling)
        let after = (own: residentBytes(of: Int(getpid())), other: options.processID.map(residentBytes))
        let count = hosts.reduce(0) { $0 + $1.connectedPeers.count }
        var report = Report()
        report.add("connections", count)
        report.add("client_bytes", (after.own - before.own) / count)
        if let first = before.other, let last = after.other { report.add("server_bytes", (last - first) / count) }
        for host in hosts { await host.stop() }
        return report
    }

    private func residentBytes(of process: Int) -> Int {
        ProcessUsage.residentBytes(of: process) ?? 0
    }

    private func connect(_ pairs: [(LatticaHost, Multiaddr)]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, (host, address)) in pairs.enumerated() {
                if index >= Self.dialsAtOnce { try await group.next() }
                group.addTask { try await host.connect(to: address) }
            }
            try await group.waitForAll()
        }
    }
}
