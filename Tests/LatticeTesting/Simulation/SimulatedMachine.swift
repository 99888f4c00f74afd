public import LatticaConnection
public import Multiformats
import NIOCore

/// A machine of a ``SimulatedNetwork``: ports that listen, and connections that live and die with it.
///
/// `@unchecked Sendable`: everything is touched on the loop alone, which each public method checks.
public final class SimulatedMachine: @unchecked Sendable {
    /// The address that the machine knows.
    public let address: IPv4Address
    /// The address that others see.
    public let outside: IPv4Address
    /// What stands between.
    public let nat: NAT?

    let network: SimulatedNetwork
    private var table: NATTable?
    private var ports: [UInt16: Port] = [:]
    private var links: [ObjectIdentifier: SimulatedLink] = [:]
    private var linkOrder: [ObjectIdentifier] = []
    private(set) var isUp = true

    struct Port {
        let settings: ConnectionSettings
        var handshakes = 0
    }

    init(network: SimulatedNetwork, address: IPv4Address, outside: IPv4Address, nat: NAT?) {
        self.network = network
        self.address = address
        self.outside = outside
        self.nat = nat
        table = nat.map(NATTable.init)
    }

    var loop: SimulatedLoop { network.loop }

    /// Where a host listens for peers to reach it, at a port; the address inside if there is a NAT.
    public func listenAddress(port: UInt16 = 4001) -> Multiaddr {
        Multiaddr([.ip4(address), .tcp(port)])
    }

    /// A transport for a host on this machine.
    public func transport(_ settings: ConnectionSettings) -> SimulatedTransport {
        SimulatedTransport(machine: self, settings: settings)
    }

    /// Connections that are open.
    public var linkCount: Int {
        loop.preconditionInEventLoop()
        return links.count
    }

    /// Ends everything on the machine at once; peers see their connections reset.
    public func kill() {
        loop.preconditionInEventLoop()
        isUp = false
        ports = [:]
        let dying = linkOrder.compactMap { links[$0] }
        links = [:]
        linkOrder = []
        for link in dying { link.die() }
    }

    /// Lets a host listen and dial on the machine again.
    public func restart() {
        loop.preconditionInEventLoop()
        isUp = true
        table = nat.map(NATTable.init)
    }

    // MARK: - Ports

    func bind(_ port: UInt16, _ settings: ConnectionSettings) throws(ListenError) -> UInt16 {
        guard isUp else { throw .cannotListen("\(listenAddress(port: port))", reason: "the machine is down") }
        var wanted = port
        while wanted == 0 || port == 0 && ports[wanted] != nil { wanted = network.ephemeralPort() }
        guard ports[wanted] == nil else { throw .addressInUse("\(listenAddress(port: port))") }
        ports[wanted] = Port(settings: settings)
        return wanted
    }

    func unbind(_ port: UInt16) {
        ports[port] = nil
    }

    /// The port to dial from: one that listens, as hosts do that reuse it, or any.
    func sourcePort() -> UInt16 {
        ports.keys.min() ?? network.ephemeralPort()
    }

    // MARK: - Packets

    /// Something goes out from a port.
    ///
    /// - Returns: where it seems to come from.
    func send(from port: UInt16, to destination: Endpoint) -> Endpoint {
        // Inside one home nothing is translated.
        guard table != nil, destination.address != address else { return Endpoint(address: outside, port: port) }
        let mapped = table?.send(from: port, to: destination) ?? port
        return Endpoint(address: outside, port: mapped)
    }

    enum Answer {
        /// A host listens there.
        case accepted(ConnectionSettings)
        /// Nobody listens there, and the machine says so.
        case refused
        /// Nothing comes back.
        case silence
    }

    /// Somebody wants to connect.
    func receive(at port: UInt16, from source: Endpoint) -> Answer {
        guard isUp else { return .silence }
        var inner = port
        if let table {
            guard let target = table.receive(at: port, from: source) else { return .silence }
            inner = target
        }
        return ports[inner].map { .accepted($0.settings) } ?? .refused
    }

    func add(_ link: SimulatedLink) {
        links[ObjectIdentifier(link)] = link
        linkOrder.append(ObjectIdentifier(link))
    }

    func remove(_ link: SimulatedLink) {
        let id = ObjectIdentifier(link)
        guard links.removeValue(forKey: id) != nil else { return }
        linkOrder.removeAll { $0 == id }
    }
}
