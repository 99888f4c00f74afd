import Lattica
import LatticaConnection
import LatticaCore
import Logging
import Multiformats

/// What the command line asks for.
///
/// usage: interop-peer [--listen ADDR]… [--protocol VERSION] [--security noise|tls] [--verbose]
struct Options {
    private var listen: [Multiaddr] = []
    private var version = LatticaConfiguration.defaultProtocolVersion
    private(set) var security = SecurityProtocol.noise
    private var isVerbose = false

    enum Usage: Error {
        case missingValue(String), unknown(String)
    }

    init(_ arguments: some Sequence<String>) throws {
        var arguments = arguments.makeIterator()
        while let name = arguments.next() {
            if name == "--verbose" {
                isVerbose = true
                continue
            }
            guard let value = arguments.next() else { throw Usage.missingValue(name) }
            switch name {
            case "--listen": listen.append(try Multiaddr(value))
            case "--protocol": version = value
            case "--security":
                guard let security = SecurityProtocol(rawValue: value) else { throw Usage.unknown(value) }
                self.security = security
            default: throw Usage.unknown(name)
            }
        }
    }

    /// Speaks one security protocol, so that a test knows which it has tested.
    var configuration: LatticaConfiguration {
        get throws {
            var logger = Logger(label: "interop-peer", factory: StreamLogHandler.standardError(label:))
            logger.logLevel = isVerbose ? .trace : .debug
            var configuration = LatticaConfiguration(
                listen: listen,
                protocolVersion: version,
                transports: [.tcp, .webSocket()],
                logger: logger
            )
            configuration.security = [security]
            return configuration
        }
    }
}
