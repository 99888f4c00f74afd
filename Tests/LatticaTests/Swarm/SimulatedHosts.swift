import Lattica
import LatticaConnection
import LatticaCore
import LatticeTesting
import Logging
import Multiformats
import NIOConcurrencyHelpers
import NIOCore

/// Hosts on a simulated network, their machines and what happens to them.
///
/// `@unchecked Sendable`: everything is touched on the loop of the network alone.
final class SimulatedHosts: @unchecked Sendable {
    let network: SimulatedNetwork
    private(set) var machines: [SimulatedMachine] = []
    private(set) var hosts: [LatticaHost] = []
    /// What has happened, in order, with the virtual time.
    private(set) var log: [String] = []
    private var names: [PeerID: Int] = [:]
    private let watchers = TaskScope()

    init(_ network: SimulatedNetwork) {
        self.network = network
    }

    var clock: SimulatedClock { network.loop.clock }

    /// Adds and starts a host that listens on a machine of its own.
    @discardableResult
    func add(
        on machine: SimulatedMachine? = nil,
        keypair: Keypair? = nil,
        behind nat: NAT? = nil,
        _ configure: (inout LatticaConfiguration) -> Void = { _ in }
    ) async throws -> LatticaHost {
        let machine = machine ?? network.machine(behind: nat)
        var random = network.generator()
        let keypair = try keypair ?? Keypair(seed: random.bytes(32))
        var configuration = LatticaConfiguration(
            keypair: keypair,
            listen: [machine.listenAddress()],
            transports: [TransportProvider { settings, _ in machine.transport(settings) }],
            logger: quiet,
            eventLoopGroup: network.loop
        )
        configuration.clock = network.loop.clock
        configuration.executor = network.loop.taskExecutor
        configuration.randomness = random
        configure(&configuration)
        let host = LatticaHost(configuration: configuration)
        let number = hosts.count
        names[host.peerID] = number
        machines.append(machine)
        hosts.append(host)
        let events = host.events()
        watchers.add(on: network.loop.taskExecutor) { [self] in
            for await event in events { note(event, by: number) }
        }
        try await host.start()
        return host
    }

    private func note(_ event: HostEvent, by number: Int) {
        let text =
            switch event {
            case .connected(let peer): "connected \(names[peer, default: -1])"
            case .disconnected(let peer): "disconnected \(names[peer, default: -1])"
            case .identified(let peer): "identified \(names[peer, default: -1])"
            case .dialFailed(let peer, _): "dial failed \(peer.map { names[$0, default: -1] } ?? -1)"
            case .addressesChanged(let addresses): "addresses \(addresses)"
            case .pruned(let peer): "pruned \(names[peer, default: -1])"
            case .gated(let peer, _): "gated \(peer.map { names[$0, default: -1] } ?? -1)"
            }
        log.append("\(network.loop.elapsed) \(number) \(text)")
    }

    /// Where a host is reached from outside.
    func address(of number: Int) -> Multiaddr {
        Multiaddr([.ip4(machines[number].outside), .tcp(4001)]).appending(hosts[number].peerID)
    }

    /// Connects one host with another.
    func connect(_ number: Int, to other: Int) async throws {
        try await hosts[number].connect(to: address(of: other))
    }

    /// Lets virtual time pass.
    func pass(_ duration: Duration) async throws {
        try await clock.sleep(for: duration)
    }

    /// Waits in virtual time for a condition.
    func eventually(_ what: String, within limit: Duration = .seconds(60), _ isTrue: () -> Bool) async throws {
        let end = network.loop.elapsed + limit
        while !isTrue() {
            guard network.loop.elapsed < end else { throw DidNotHold(what: "\(what) did not hold in \(limit)") }
            try await pass(.milliseconds(10))
        }
    }

    func stop() async {
        for host in hosts { await host.stop() }
        await watchers.cancelAndWait()
    }

    struct DidNotHold: Error {
        let what: String
    }
}

/// Runs a test with hosts in virtual time, and stops them.
func withSimulatedHosts(
    seed: UInt64,
    _ body: @escaping @Sendable (SimulatedHosts) async throws -> Void
) async throws {
    try await simulate(seed: seed) { network in
        let hosts = SimulatedHosts(network)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(hosts)) } catch { outcome = .failure(error) }
        await hosts.stop()
        try outcome.get()
    }
}
