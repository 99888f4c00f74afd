import LatticaConnection
import Multiformats
import NIOCore

/// How bytes fare between two machines.
public struct PathQuality: Sendable, Hashable {
    /// The way there takes so long.
    public var latency: Duration
    /// And up to so much longer.
    public var jitter: Duration
    /// Bytes per second that each direction of a connection carries; `nil` without end.
    public var bandwidth: Int?
    /// The part of packets that are lost; a lost one comes later, as TCP sends it again.
    public var loss: Double

    /// A path.
    public init(
        latency: Duration = .milliseconds(20),
        jitter: Duration = .milliseconds(5),
        bandwidth: Int? = nil,
        loss: Double = 0
    ) {
        self.latency = latency
        self.jitter = jitter
        self.bandwidth = bandwidth
        self.loss = loss
    }
}

/// Machines and the paths between them, without sockets and in virtual time.
///
/// What a seed decides is the same every time: latency within the jitter, losses, ports. Bytes of a connection arrive whole and in
/// order, only late; a machine that is cut off keeps what it was sent waiting, as TCP does.
///
/// `@unchecked Sendable`: everything is touched on the loop alone, which each public method checks.
public final class SimulatedNetwork: @unchecked Sendable {
    /// What decides all chances.
    public let seed: UInt64

    /// The time and the thread of the network.
    public let loop: SimulatedLoop

    /// The path between machines for which no other was set.
    public var quality = PathQuality()

    private var random: SeededGenerator
    private var machines: [IPv4Address: SimulatedMachine] = [:]
    private var count: UInt32 = 0
    private var paths: [Path: PathQuality] = [:]
    private var islands: [ObjectIdentifier: Int] = [:]

    private struct Path: Hashable {
        let ends: Set<ObjectIdentifier>

        init(_ one: SimulatedMachine, _ other: SimulatedMachine) {
            ends = [ObjectIdentifier(one), ObjectIdentifier(other)]
        }
    }

    /// A network without machines.
    public init(seed: UInt64, loop: SimulatedLoop = SimulatedLoop()) {
        self.seed = seed
        self.loop = loop
        random = SeededGenerator(seed: seed)
    }

    // MARK: - Machines

    /// Adds a machine with an address of its own, `10.0.0.1` and up.
    ///
    /// - Parameter nat: what stands between it and the others: the machine then has an address of a home, and the outside of the
    ///   NAT is what others see.
    public func machine(behind nat: NAT? = nil) -> SimulatedMachine {
        loop.preconditionInEventLoop()
        count += 1
        let outside = IPv4Address(bits: 10 << 24 | count)
        let inside = nat == nil ? outside : IPv4Address(bits: 0xc0a8_0000 | count & 0xffff)
        let machine = SimulatedMachine(network: self, address: inside, outside: outside, nat: nat)
        machines[outside] = machine
        return machine
    }

    func machine(at address: IPv4Address) -> SimulatedMachine? { machines[address] }

    // MARK: - Paths

    /// Sets the path between two machines, both ways.
    public func setQuality(_ quality: PathQuality, between one: SimulatedMachine, and other: SimulatedMachine) {
        loop.preconditionInEventLoop()
        paths[Path(one, other)] = quality
    }

    /// Cuts the network into parts; machines that are in none of them are in one together.
    public func partition(_ parts: [[SimulatedMachine]]) {
        loop.preconditionInEventLoop()
        islands = [:]
        for (index, part) in parts.enumerated() {
            for machine in part { islands[ObjectIdentifier(machine)] = index + 1 }
        }
    }

    /// Makes the network one again.
    public func heal() {
        partition([])
    }

    /// Whether bytes come from one machine to another.
    func isReachable(_ one: SimulatedMachine, _ other: SimulatedMachine) -> Bool {
        islands[ObjectIdentifier(one), default: 0] == islands[ObjectIdentifier(other), default: 0]
    }

    func quality(_ one: SimulatedMachine, _ other: SimulatedMachine) -> PathQuality {
        paths[Path(one, other)] ?? quality
    }

    /// How long so many bytes take on their way, without the time that sending them takes.
    func delay(_ one: SimulatedMachine, _ other: SimulatedMachine, bytes: Int = 0) -> Duration {
        if one === other { return .microseconds(20) }
        let quality = quality(one, other)
        var delay = quality.latency + quality.jitter * Int.random(in: 0...1000, using: &random) / 1000
        guard quality.loss > 0 else { return delay }
        for _ in 0...(bytes / Self.packet) {
            var again = Self.retransmission
            while Double.random(in: 0..<1, using: &random) < quality.loss, again < .seconds(10) {
                delay += again
                again *= 2
            }
        }
        return delay
    }

    /// A random port of those that systems give to who asks for none.
    func ephemeralPort() -> UInt16 {
        UInt16.random(in: 49152...65535, using: &random)
    }

    /// A generator of its own for a part of the simulation, that the seed decides.
    public func generator() -> SeededGenerator {
        loop.preconditionInEventLoop()
        return SeededGenerator(seed: random.next())
    }

    /// What a packet of TCP carries.
    private static let packet = 1400
    /// The shortest time after which TCP sends again on Linux.
    static let retransmission: Duration = .milliseconds(200)
}
