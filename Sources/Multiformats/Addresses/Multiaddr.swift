/// An address that describes itself, layer by layer: `/ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…` (multiformats/multiaddr).
///
/// Two addresses are equal when their layers are. Text and bytes are two forms of the same value; every value that
/// was parsed prints to what parses to it again.
public struct Multiaddr: Hashable, Sendable {
    /// The longest binary form taken.
    ///
    /// Addresses in use have 10 to 150 bytes.
    public static let maximumByteCount = 1024
    /// The longest text taken.
    public static let maximumTextLength = 2048
    /// The most layers taken.
    ///
    /// A relayed WebSocket address has eight.
    public static let maximumComponentCount = 32

    /// The layers, the outermost first; at least one in an address that was parsed.
    public let components: [Component]

    /// Joins layers.
    ///
    /// Names in them are trusted to hold no `/`; use the parsers for anything from outside.
    public init(_ components: [Component]) {
        self.components = components
    }

    /// This address with a layer behind it.
    public func appending(_ component: Component) -> Multiaddr {
        Multiaddr(components + [component])
    }

    /// This address without the id of the peer at its end.
    public var withoutPeerID: Multiaddr {
        peerIDBytes == nil ? self : Multiaddr(components.dropLast())
    }

    /// The bytes of the id of the peer that the address leads to: the last layer, if it is `p2p`.
    public var peerIDBytes: [UInt8]? {
        guard case .p2p(let bytes) = components.last else { return nil }
        return bytes
    }

    /// Whether the way leads over a relay.
    public var isRelayed: Bool { components.contains(.p2pCircuit) }

    /// Whether it leads to this machine only.
    public var isLoopback: Bool {
        switch components.first {
        case .ip4(let address): address.isLoopback
        case .ip6(let address): address.isLoopback
        case .dns(let name), .dns4(let name), .dns6(let name): name == "localhost"
        default: false
        }
    }

    /// Whether it names every address of this machine, which one can listen at but not dial.
    public var isUnspecified: Bool {
        switch components.first {
        case .ip4(let address): address.isUnspecified
        case .ip6(let address): address.isUnspecified
        default: false
        }
    }

    /// A machine as an address names it.
    public enum Host: Hashable, Sendable {
        /// By its address, version 4.
        case ip4(IPv4Address)
        /// By its address, version 6.
        case ip6(IPv6Address)
        /// By a name that has addresses of either version.
        case dns(String)
        /// By a name whose version 4 addresses are meant.
        case dns4(String)
        /// By a name whose version 6 addresses are meant.
        case dns6(String)
    }

    /// Where to connect, if the address is plain TCP: machine, port, and at most the peer's id behind them.
    public var tcpEndpoint: (host: Host, port: UInt16)? {
        let layers = withoutPeerID.components
        guard layers.count == 2, case .tcp(let port) = layers[1] else { return nil }
        return switch layers[0] {
        case .ip4(let address): (.ip4(address), port)
        case .ip6(let address): (.ip6(address), port)
        case .dns(let name): (.dns(name), port)
        case .dns4(let name): (.dns4(name), port)
        case .dns6(let name): (.dns6(name), port)
        default: nil
        }
    }
}

extension Multiaddr: Codable {
    /// Reads the text form.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            try self.init(text)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no multiaddr: \(error)")
        }
    }

    /// Writes the text form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why something is not an address.
public enum MultiaddrError: Error, Hashable {
    /// It has no layers.
    case empty
    /// A text that does not begin with `/`, or has an empty part.
    case malformedText
    /// It is longer than addresses are, or has more layers.
    case tooLong(limit: Int)
    /// A layer of this name is not understood.
    case unknownProtocol(String)
    /// A layer with this number is not understood.
    case unknownCode(UInt64)
    /// A layer lacks its value.
    case missingValue(protocol: String)
    /// A layer has a value that it cannot have.
    case invalidValue(protocol: String)
    /// The bytes end in the middle of a layer.
    case truncated
    /// A number is malformed.
    case varint(VarintError)
}
