import Foundation
import Lattica
import LatticaConnection
import LatticaCore
import LatticeTesting
import Multiformats
import NIOCore
import Testing

/// Hundreds of hosts in one process, over virtual hours.
@Suite(.serialized, .timeLimit(.minutes(5))) struct `Many hosts` {
    /// `LATTICE_SIMULATED_SECONDS=3600` makes hours of it.
    private static let calmTime = Duration.seconds(
        ProcessInfo.processInfo.environment["LATTICE_SIMULATED_SECONDS"].flatMap { Int($0) } ?? 120
    )

    @Test func `two hundred hosts stay connected, through a partition and after it`() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        try await withSimulatedHosts(seed: 100) { swarm in
            let count = 200
            var random = swarm.network.generator()
            for _ in 0..<count { try await swarm.add(Self.calm) }
            try await Self.connectRingAndGraph(swarm, using: &random)
            try await swarm.pass(Self.calmTime)
            for (number, host) in swarm.hosts.enumerated() {
                let next = swarm.hosts[(number + 1) % count]
                #expect(try await host.ping(next.peerID) < .seconds(1))
            }
            // Every other machine is cut off, and every connection across the cut is lost.
            let half = swarm.machines.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            swarm.network.partition([half])
            try await swarm.pass(.seconds(120))
            #expect(!swarm.hosts[0].isConnected(to: swarm.hosts[1].peerID))
            swarm.network.heal()
            for number in 0..<count { try await swarm.connect(number, to: (number + 1) % count) }
            try await swarm.pass(Self.calmTime)
            for (number, host) in swarm.hosts.enumerated() {
                #expect(host.isConnected(to: swarm.hosts[(number + 1) % count].peerID))
            }
            let (hours, work) = (swarm.network.loop.elapsed, swarm.network.loop.workCount)
            print("simulated 200 hosts for \(hours) in \(clock.now - start), \(work) pieces of work")
        }
    }

    @Test func `the same seed gives the same history`() async throws {
        let first = try await history(seed: 101)
        #expect(first.count > 100)
        #expect(try await history(seed: 101) == first)
        #expect(try await history(seed: 102) != first)
    }

    private func history(seed: UInt64) async throws -> [String] {
        try await simulate(seed: seed) { network in
            let swarm = SimulatedHosts(network)
            var random = network.generator()
            network.quality = PathQuality(latency: .milliseconds(30), jitter: .milliseconds(20), loss: 0.05)
            for _ in 0..<20 { try await swarm.add(Self.calm) }
            try await Self.connectRingAndGraph(swarm, using: &random)
            try await swarm.pass(.seconds(60))
            swarm.machines[3].kill()
            network.partition([Array(swarm.machines[10...])])
            try await swarm.pass(.seconds(200))
            network.heal()
            for number in 0..<20 { _ = try? await swarm.connect(number, to: (number + 7) % 20) }
            try await swarm.pass(.seconds(600))
            await swarm.stop()
            return swarm.log
        }
    }

    /// Checks so seldom that hours are cheap.
    private static func calm(_ configuration: inout LatticaConfiguration) {
        configuration.pingInterval = .seconds(60)
        configuration.limits.pingInterval = .seconds(60)
        configuration.limits.pingTimeout = .seconds(30)
    }

    private static func connectRingAndGraph(_ swarm: SimulatedHosts, using random: inout SeededGenerator) async throws {
        let count = swarm.hosts.count
        for number in 0..<count {
            try await swarm.connect(number, to: (number + 1) % count)
            let other = Int.random(in: 0..<count, using: &random)
            if other != number { try await swarm.connect(number, to: other) }
        }
    }
}
