extension Multiaddr {
    /// Reads the binary form, which must be all of the bytes.
    public init(bytes: some Collection<UInt8>) throws(MultiaddrError) {
        guard bytes.count <= Self.maximumByteCount else { throw .tooLong(limit: Self.maximumByteCount) }
        var reader = Reader(bytes: Array(bytes)[...])
        guard !reader.bytes.isEmpty else { throw .empty }
        var components: [Component] = []
        while !reader.bytes.isEmpty {
            guard components.count < Self.maximumComponentCount else {
                throw .tooLong(limit: Self.maximumComponentCount)
            }
            components.append(try reader.component())
        }
        self.init(components)
    }

    /// The binary form: for each layer its number as a varint, then its value.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for component in components { component.append(to: &bytes) }
        return bytes
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func uvarint() throws(MultiaddrError) -> UInt64 {
            let decoded: (value: UInt64, length: Int)?
            do { decoded = try Varint.decode(bytes) } catch { throw .varint(error) }
            guard let decoded else { throw .truncated }
            bytes = bytes.dropFirst(decoded.length)
            return decoded.value
        }

        mutating func take(_ count: UInt64) throws(MultiaddrError) -> ArraySlice<UInt8> {
            guard count <= UInt64(bytes.count) else { throw .truncated }
            defer { bytes = bytes.dropFirst(Int(count)) }
            return bytes.prefix(Int(count))
        }

        mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(MultiaddrError) -> Number {
            try take(UInt64(Number.bitWidth / 8)).reduce(0) { $0 << 8 | Number($1) }
        }

        mutating func component() throws(MultiaddrError) -> Component {
            let code = try uvarint()
            guard let kind = Component.Kind(rawValue: code) else { throw .unknownCode(code) }
            switch kind {
            case .ip4: return .ip4(IPv4Address(bits: try number(UInt32.self)))
            case .ip6: return .ip6(IPv6Address(bits: try number(UInt128.self)))
            case .tcp: return .tcp(try number(UInt16.self))
            case .udp: return .udp(try number(UInt16.self))
            case .memory: return .memory(try number(UInt64.self))
            case .quicV1: return .quicV1
            case .tls: return .tls
            case .ws: return .ws
            case .wss: return .wss
            case .p2pCircuit: return .p2pCircuit
            case .p2p:
                guard let id = Component.peerID(Array(try take(try uvarint()))) else {
                    throw .invalidValue(protocol: kind.name)
                }
                return .p2p(id)
            case .dns, .dns4, .dns6, .dnsaddr, .sni, .unix:
                let value = try take(try uvarint())
                guard let text = String(validating: value, as: UTF8.self), let component = Component(kind, text: text)
                else { throw .invalidValue(protocol: kind.name) }
                return component
            }
        }
    }
}

extension Multiaddr.Component {
    fileprivate func append(to bytes: inout [UInt8]) {
        Varint.append(kind.rawValue, to: &bytes)
        switch self {
        case .ip4(let address): bytes.appendBigEndian(address.bits)
        case .ip6(let address): bytes.appendBigEndian(address.bits)
        case .tcp(let port), .udp(let port): bytes.appendBigEndian(port)
        case .memory(let place): bytes.appendBigEndian(place)
        case .quicV1, .tls, .ws, .wss, .p2pCircuit: break
        case .p2p(let id):
            Varint.append(UInt64(id.count), to: &bytes)
            bytes += id
        case .dns(let text), .dns4(let text), .dns6(let text), .dnsaddr(let text), .sni(let text), .unix(let text):
            Varint.append(UInt64(text.utf8.count), to: &bytes)
            bytes += text.utf8
        }
    }
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ number: some FixedWidthInteger) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
