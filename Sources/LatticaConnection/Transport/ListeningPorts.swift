import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where a host listens, so that it can dial from there: peers then see one address of it, inbound and outbound.
final class ListeningPorts: Sendable {
    private let addresses = NIOLockedValueBox<[SocketAddress]>([])

    func add(_ address: SocketAddress) {
        addresses.withLockedValue { $0.append(address) }
    }

    func remove(_ address: SocketAddress) {
        addresses.withLockedValue { addresses in
            if let index = addresses.firstIndex(of: address) { addresses.remove(at: index) }
        }
    }

    /// Where to dial a destination from; `nil` if no listener is on the way there.
    ///
    /// A socket that dials the port it has itself would reach itself: TCP allows it.
    func origin(for destination: SocketAddress) -> SocketAddress? {
        let isLocal = destination.isLoopback
        let candidates = addresses.withLockedValue { addresses in
            addresses.filter { address in
                address.protocol == destination.protocol
                    && (address.isUnspecified || address.isLoopback == isLocal)
            }
        }
        // The closest one; what is bound to all addresses comes second.
        let origin = candidates.first { !$0.isUnspecified } ?? candidates.first
        guard let origin, origin.port != destination.port || !Self.isHere(destination, from: origin) else { return nil }
        return origin
    }

    private static func isHere(_ destination: SocketAddress, from origin: SocketAddress) -> Bool {
        if destination.isLoopback || origin.ipAddress == destination.ipAddress { return true }
        // Without the list, an address that might be this machine's is taken for one.
        guard let devices = try? System.enumerateDevices() else { return true }
        return devices.contains { $0.address?.ipAddress == destination.ipAddress }
    }
}

extension SocketAddress {
    fileprivate var isLoopback: Bool { (try? Multiaddr(socket: self))?.isLoopback ?? false }

    fileprivate var isUnspecified: Bool { (try? Multiaddr(socket: self))?.isUnspecified ?? false }
}

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
    /// Several sockets may be bound to one port, as long as their connections differ.
    static var reusePort: Self { .init(level: .socket, name: NIOBSDSocket.Option(rawValue: SO_REUSEPORT)) }
}
