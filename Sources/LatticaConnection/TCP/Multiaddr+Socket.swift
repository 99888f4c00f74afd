import Multiformats
import NIOCore

extension Multiaddr {
    /// The address of a TCP socket as the system tells it.
    init(socket: SocketAddress) throws {
        guard let host = socket.ipAddress, let port = socket.port else {
            throw MultiaddrError.malformedText
        }
        // A zone such as `%eth0` means nothing to others.
        let plain = host.prefix { $0 != "%" }
        switch socket {
        case .v6:
            guard let address = IPv6Address(plain) else { throw MultiaddrError.invalidValue(protocol: "ip6") }
            // A socket for both versions reports version 4 peers as mapped addresses.
            if let mapped = address.mappedIPv4 {
                self.init([.ip4(mapped), .tcp(UInt16(clamping: port))])
            } else {
                self.init([.ip6(address), .tcp(UInt16(clamping: port))])
            }
        case .v4, .unixDomainSocket:
            guard let address = IPv4Address(plain) else { throw MultiaddrError.invalidValue(protocol: "ip4") }
            self.init([.ip4(address), .tcp(UInt16(clamping: port))])
        }
    }
}
