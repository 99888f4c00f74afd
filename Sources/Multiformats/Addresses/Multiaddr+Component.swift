extension Multiaddr {
    /// One layer of an address.
    public enum Component: Hashable, Sendable {
        /// An address of the Internet Protocol, version 4.
        case ip4(IPv4Address)
        /// An address of the Internet Protocol, version 6.
        case ip6(IPv6Address)
        /// A TCP port.
        case tcp(UInt16)
        /// A UDP port.
        case udp(UInt16)
        /// A name that resolves to addresses of either version.
        case dns(String)
        /// A name that resolves to version 4 addresses.
        case dns4(String)
        /// A name that resolves to version 6 addresses.
        case dns6(String)
        /// A name whose TXT records hold whole addresses.
        case dnsaddr(String)
        /// A path of a socket in the file system; begins with `/`. In a text it takes all that follows.
        case unix(String)
        /// A place inside this process, for tests.
        case memory(UInt64)
        /// QUIC version 1 (RFC 9000).
        case quicV1
        /// TLS.
        case tls
        /// The name to ask for in TLS.
        case sni(String)
        /// WebSocket.
        case ws
        /// WebSocket over TLS.
        case wss
        /// The id of a peer: a multihash.
        case p2p([UInt8])
        /// What is before it is a relay, what is behind it is reached through the relay.
        case p2pCircuit
    }
}

extension Multiaddr.Component {
    /// What a layer is, without its value: the number and the name in the table of multiaddr protocols.
    enum Kind: UInt64, CaseIterable {
        case ip4 = 0x04
        case tcp = 0x06
        case ip6 = 0x29
        case dns = 0x35
        case dns4 = 0x36
        case dns6 = 0x37
        case dnsaddr = 0x38
        case p2pCircuit = 0x0122
        case unix = 0x0190
        case p2p = 0x01a5
        case tls = 0x01c0
        case sni = 0x01c1
        case quicV1 = 0x01cd
        case ws = 0x01dd
        case wss = 0x01de
        case udp = 0x0111
        case memory = 0x0309

        var name: String {
            switch self {
            case .p2pCircuit: "p2p-circuit"
            case .quicV1: "quic-v1"
            default: "\(self)"
            }
        }

        init?(name: some StringProtocol) {
            // The name that `p2p` had at first still occurs in configuration files.
            let current = name == "ipfs" ? "p2p" : String(name)
            guard let kind = Self.allCases.first(where: { $0.name == current }) else { return nil }
            self = kind
        }
    }

    var kind: Kind {
        switch self {
        case .ip4: .ip4
        case .ip6: .ip6
        case .tcp: .tcp
        case .udp: .udp
        case .dns: .dns
        case .dns4: .dns4
        case .dns6: .dns6
        case .dnsaddr: .dnsaddr
        case .unix: .unix
        case .memory: .memory
        case .quicV1: .quicV1
        case .tls: .tls
        case .sni: .sni
        case .ws: .ws
        case .wss: .wss
        case .p2p: .p2p
        case .p2pCircuit: .p2pCircuit
        }
    }

    /// Layers that carry text with a length; what they may hold is the same in both forms, so that each prints to what
    /// parses to it again.
    init?(_ kind: Kind, text: String) {
        switch kind {
        case .dns, .dns4, .dns6, .dnsaddr, .sni:
            // A domain name has at most 253 characters (RFC 1035 §2.3.4).
            guard (1...253).contains(text.utf8.count),
                text.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") })
            else { return nil }
        default:
            guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count > 1, !text.utf8.contains(0) else { return nil }
        }
        switch kind {
        case .dns: self = .dns(text)
        case .dns4: self = .dns4(text)
        case .dns6: self = .dns6(text)
        case .dnsaddr: self = .dnsaddr(text)
        case .sni: self = .sni(text)
        case .unix: self = .unix(text)
        case .ip4, .ip6, .tcp, .udp, .memory, .quicV1, .tls, .ws, .wss, .p2p, .p2pCircuit: return nil
        }
    }
}
