import Multiformats

/// What a home router lets in (RFC 3489, §5).
public enum NAT: Sendable, Hashable, CaseIterable {
    /// Anybody, at a port from which something has gone out.
    case fullCone
    /// Machines to which something has gone out from that port.
    case restricted
    /// Ports of machines to which something has gone out from that port.
    case portRestricted
    /// The same, and every destination sees another port.
    case symmetric
}

/// An end of a connection as others see it.
struct Endpoint: Hashable, Sendable {
    var address: IPv4Address
    var port: UInt16

    var multiaddr: Multiaddr { Multiaddr([.ip4(address), .tcp(port)]) }
}

/// The memory of a NAT: which port inside is which outside, and whom it has spoken to.
struct NATTable {
    private struct Key: Hashable {
        var inside: UInt16
        /// Told apart by symmetric NATs alone.
        var destination: Endpoint?
    }

    private let kind: NAT
    private var outside: [Key: UInt16] = [:]
    private var inside: [UInt16: UInt16] = [:]
    private var contacted: [UInt16: Set<Endpoint>] = [:]
    private var next: UInt16 = 20000

    init(_ kind: NAT) {
        self.kind = kind
    }

    /// Something goes out.
    ///
    /// - Returns: the port from which it seems to come.
    mutating func send(from port: UInt16, to destination: Endpoint) -> UInt16 {
        let key = Key(inside: port, destination: kind == .symmetric ? destination : nil)
        let mapped = outside[key] ?? next
        if outside[key] == nil {
            next += 1
            outside[key] = mapped
            inside[mapped] = port
        }
        contacted[mapped, default: []].insert(destination)
        return mapped
    }

    /// Something comes in.
    ///
    /// - Returns: the port inside that it is for; `nil` if it is not let in.
    func receive(at port: UInt16, from source: Endpoint) -> UInt16? {
        guard let target = inside[port], let peers = contacted[port] else { return nil }
        switch kind {
        case .fullCone: return target
        case .restricted: return peers.contains { $0.address == source.address } ? target : nil
        case .portRestricted, .symmetric: return peers.contains(source) ? target : nil
        }
    }
}
