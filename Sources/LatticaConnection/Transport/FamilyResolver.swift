import NIOCore
import NIOPosix

/// Looks a name up and keeps the addresses of one version of IP, as `/dns4` and `/dns6` ask.
///
/// Used once, by one connection attempt.
final class FamilyResolver: Resolver, Sendable {
    enum Family {
        case v4, v6
    }

    private let family: Family
    private let system: NIORandomizedDNSResolver

    /// - Parameter loop: whose thread asks the system.
    init(_ family: Family, loop: any EventLoop) {
        self.family = family
        system = NIORandomizedDNSResolver(loop: loop)
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        let family = family
        return system.initiateAQuery(host: host, port: port).map { family == .v4 ? $0 : [] }
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        let family = family
        return system.initiateAAAAQuery(host: host, port: port).map { family == .v6 ? $0 : [] }
    }

    func cancelQueries() {
        system.cancelQueries()
    }
}
