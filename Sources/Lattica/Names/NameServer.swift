public import Multiformats

/// A server of the DNS: where to ask for names.
public struct NameServer: Hashable, Sendable {
    private enum Address: Hashable {
        case ip4(IPv4Address)
        case ip6(IPv6Address)
    }

    private let address: Address
    private let port: UInt16

    /// A server at an address, usually at port 53.
    public init(_ address: IPv4Address, port: UInt16 = 53) {
        self.address = .ip4(address)
        self.port = port
    }

    /// A server at an address, usually at port 53.
    public init(_ address: IPv6Address, port: UInt16 = 53) {
        self.address = .ip6(address)
        self.port = port
    }

    /// Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`; `nil` for anything else, names included.
    public init?(_ text: some StringProtocol) {
        if let address = IPv6Address(text) {
            self.init(address)
            return
        }
        guard let colon = text.lastIndex(of: ":") else {
            guard let address = IPv4Address(text) else { return nil }
            self.init(address)
            return
        }
        let (host, digits) = (text[..<colon], text[text.index(after: colon)...])
        guard let port = UInt16(digits), port > 0, "\(port)" == digits else { return nil }
        if let address = IPv4Address(host) {
            self.init(address, port: port)
        } else if host.hasPrefix("["), host.hasSuffix("]"), let address = IPv6Address(host.dropFirst().dropLast()) {
            self.init(address, port: port)
        } else {
            return nil
        }
    }
}

extension NameServer: CustomStringConvertible {
    /// Address and port.
    public var description: String {
        switch address {
        case .ip4(let address): "\(address):\(port)"
        case .ip6(let address): "[\(address)]:\(port)"
        }
    }
}
