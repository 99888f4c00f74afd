extension Multiaddr: CustomStringConvertible {
    /// Reads the text form.
    ///
    /// `/ipfs/` is taken for `/p2p/`; an id of a peer may be base58btc or a CID.
    public init(_ text: String) throws(MultiaddrError) {
        guard text.utf8.count <= Self.maximumTextLength else { throw .tooLong(limit: Self.maximumTextLength) }
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.first == UInt8(ascii: "/") else { throw .malformedText }
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        var components: [Component] = []
        while let name = parts.popFirst() {
            guard !name.isEmpty else { throw .malformedText }
            guard components.count < Self.maximumComponentCount else {
                throw .tooLong(limit: Self.maximumComponentCount)
            }
            guard let kind = Component.Kind(name: name) else { throw .unknownProtocol(String(name)) }
            components.append(try Component(kind, parts: &parts))
        }
        self.init(components)
    }

    /// The text form.
    public var description: String {
        components.map(\.description).joined()
    }
}

extension Multiaddr.Component: CustomStringConvertible {
    /// Takes the value of a layer from the parts of a text.
    init(_ kind: Kind, parts: inout ArraySlice<Substring>) throws(MultiaddrError) {
        switch kind {
        case .quicV1: self = .quicV1
        case .tls: self = .tls
        case .ws: self = .ws
        case .wss: self = .wss
        case .p2pCircuit: self = .p2pCircuit
        case .unix:
            guard let component = Self(.unix, text: "/" + parts.joined(separator: "/")) else {
                throw .invalidValue(protocol: kind.name)
            }
            parts = []
            self = component
        case .ip4, .ip6, .tcp, .udp, .dns, .dns4, .dns6, .dnsaddr, .sni, .memory, .p2p:
            guard let value = parts.popFirst() else { throw .missingValue(protocol: kind.name) }
            guard let component = Self(kind, value: value) else { throw .invalidValue(protocol: kind.name) }
            self = component
        }
    }

    private init?(_ kind: Kind, value: Substring) {
        let component: Self? =
            switch kind {
            case .ip4: IPv4Address(value).map(Self.ip4)
            case .ip6: IPv6Address(value).map(Self.ip6)
            case .tcp: decimalNumber(value.utf8, as: UInt16.self).map(Self.tcp)
            case .udp: decimalNumber(value.utf8, as: UInt16.self).map(Self.udp)
            case .memory: decimalNumber(value.utf8, as: UInt64.self).map(Self.memory)
            case .p2p: Self.peerIDBytes(value).map(Self.p2p)
            case .dns, .dns4, .dns6, .dnsaddr, .sni: Self(kind, text: String(value))
            case .unix, .quicV1, .tls, .ws, .wss, .p2pCircuit: nil
            }
        guard let component else { return nil }
        self = component
    }

    /// A bare multihash in base58btc begins with `1` or `Qm`; anything else is a CID (libp2p specs, peer-ids).
    private static func peerIDBytes(_ text: Substring) -> [UInt8]? {
        if text.hasPrefix("1") || text.hasPrefix("Qm") {
            return (try? Base58.decode(String(text))).flatMap(peerID)
        }
        guard let id = try? CID(String(text)), id.codec == .libp2pKey else { return nil }
        return peerID(id.hash.bytes)
    }

    /// The bytes, if they can be the id of a peer: a SHA-256 or identity multihash.
    ///
    /// Only those begin with `Qm` and `1`.
    static func peerID(_ bytes: [UInt8]) -> [UInt8]? {
        guard let hash = try? Multihash(bytes: bytes), hash.code == .sha256 || hash.code == .identity else {
            return nil
        }
        return bytes
    }

    /// The layer as it stands in an address, with its leading `/`.
    public var description: String {
        let prefix = "/" + kind.name
        return switch self {
        case .ip4(let address): "\(prefix)/\(address)"
        case .ip6(let address): "\(prefix)/\(address)"
        case .tcp(let port), .udp(let port): "\(prefix)/\(port)"
        case .memory(let place): "\(prefix)/\(place)"
        case .dns(let name), .dns4(let name), .dns6(let name), .dnsaddr(let name), .sni(let name):
            "\(prefix)/\(name)"
        case .unix(let path): prefix + path
        case .p2p(let bytes): "\(prefix)/\(Base58.encode(bytes))"
        case .quicV1, .tls, .ws, .wss, .p2pCircuit: prefix
        }
    }
}
