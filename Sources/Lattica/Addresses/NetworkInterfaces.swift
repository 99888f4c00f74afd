import Multiformats
import NIOCore

/// The addresses of this machine.
enum NetworkInterfaces {
    /// The addresses that an unspecified one stands for; any other stands for itself.
    static func expand(_ address: Multiaddr) -> [Multiaddr] {
        guard address.isUnspecified else { return [address] }
        // Where the system does not tell, the address is left as it is, for people to see.
        guard let devices = try? System.enumerateDevices() else { return [address] }
        let isVersion4 = if case .ip4 = address.components.first { true } else { false }
        return devices.compactMap { device in
            guard let text = device.address?.ipAddress else { return nil }
            let behind = address.components.dropFirst()
            if let host = IPv4Address(text) {
                // A socket for both versions takes version 4 too, but only the version asked for is promised.
                return isVersion4 ? Multiaddr([.ip4(host)] + behind) : nil
            }
            // Link-local addresses carry a zone, which means nothing elsewhere, and fail to parse.
            guard !isVersion4, let host = IPv6Address(text) else { return nil }
            return Multiaddr([.ip6(host)] + behind)
        }
    }
}
