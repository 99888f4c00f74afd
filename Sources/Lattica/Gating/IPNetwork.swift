public import Multiformats

/// The addresses that share a prefix, such as `10.0.0.0/8` or `fc00::/7`.
public struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    private enum Prefix: Hashable {
        case version4(UInt32)
        case version6(UInt128)
    }

    private let prefix: Prefix
    private let length: Int

    /// All addresses whose first bits are those of this one; `nil` if an address has not so many bits.
    public init?(_ address: IPv4Address, prefixLength: Int) {
        guard (0...32).contains(prefixLength) else { return nil }
        prefix = .version4(Self.cut(address.bits, to: prefixLength))
        length = prefixLength
    }

    /// All addresses whose first bits are those of this one; `nil` if an address has not so many bits.
    public init?(_ address: IPv6Address, prefixLength: Int) {
        guard (0...128).contains(prefixLength) else { return nil }
        prefix = .version6(Self.cut(address.bits, to: prefixLength))
        length = prefixLength
    }

    /// Reads `10.0.0.0/8`; an address alone is a network of one.
    ///
    /// `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { return nil }
        var length: Int?
        if parts.count == 2 {
            guard let number = UInt8(parts[1]), "\(number)" == parts[1] else { return nil }
            length = Int(number)
        }
        if let address = IPv4Address(first) {
            self.init(address, prefixLength: length ?? 32)
        } else if let address = IPv6Address(first) {
            self.init(address, prefixLength: length ?? 128)
        } else {
            return nil
        }
    }

    /// Whether an address is one of the network; a version 4 address mapped into version 6 is judged as what it maps.
    public func contains(_ host: Multiaddr.Host) -> Bool {
        switch (prefix, host) {
        case (.version4(let bits), .ip4(let address)):
            Self.cut(address.bits, to: length) == bits
        case (.version4(let bits), .ip6(let address)):
            address.mappedIPv4.map { Self.cut($0.bits, to: length) == bits } ?? false
        case (.version6(let bits), .ip6(let address)):
            Self.cut(address.bits, to: length) == bits
        case (.version6, .ip4), (_, .dns), (_, .dns4), (_, .dns6):
            false
        }
    }

    /// `10.0.0.0/8`.
    public var description: String {
        switch prefix {
        case .version4(let bits): "\(IPv4Address(bits: bits))/\(length)"
        case .version6(let bits): "\(IPv6Address(bits: bits))/\(length)"
        }
    }

    private static func cut<Bits: FixedWidthInteger>(_ bits: Bits, to length: Int) -> Bits {
        let rest = Bits.bitWidth - length
        // Shifting by the whole width gives zero.
        return (bits >> rest) << rest
    }
}

extension Multiaddr {
    /// The machine that the address names first; `nil` where it does not begin with one.
    var host: Host? {
        switch components.first {
        case .ip4(let address): .ip4(address)
        case .ip6(let address): .ip6(address)
        case .dns(let name): .dns(name)
        case .dns4(let name): .dns4(name)
        case .dns6(let name): .dns6(name)
        default: nil
        }
    }
}
