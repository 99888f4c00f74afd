import Lattica
import LatticaConnection
import LatticaCore
import LatticaRPC
import Logging
import Multiformats

/// What the command line asks for.
struct Options {
    enum Role: String { case serve, run }
    enum Kind: String { case unary, stream, upload, handshake, idle }
    enum Reply: String { case echo, size }

    var role: Role
    var peers: [Multiaddr] = []
    var kind = Kind.unary
    var reply = Reply.echo
    var size = 128
    var inFlight = 1
    var hosts = 1
    var seconds = 3.0
    var limits = RPCLimits()
    /// What secures connections, the preferred first.
    var security: [SecurityProtocol] = [.tls, .noise]
    /// The process at the other end, whose CPU time is counted too.
    var processID: Int?

    enum Fault: Error, CustomStringConvertible {
        case missingRole
        case missingPeer
        case invalid(option: String, value: String?)

        var description: String {
            switch self {
            case .missingRole: "name a role: serve or run"
            case .missingPeer: "name the other end with --peer"
            case .invalid(let option, let value?): "\(option) cannot be '\(value)'"
            case .invalid(let option, nil): "\(option) needs a value"
            }
        }
    }

    init(_ arguments: some Sequence<String>) throws {
        var arguments = arguments.makeIterator()
        guard let role = arguments.next().flatMap(Role.init) else { throw Fault.missingRole }
        self.role = role
        while let name = arguments.next() {
            guard let value = arguments.next() else { throw Fault.invalid(option: name, value: nil) }
            func parsed<Value>(_ result: Value?) throws -> Value {
                guard let result else { throw Fault.invalid(option: name, value: value) }
                return result
            }
            switch name {
            case "--peer": peers.append(try Multiaddr(value))
            case "--kind": kind = try parsed(Kind(rawValue: value))
            case "--message-limit": limits.maximumMessage = ByteCount(try parsed(Int(value)))
            case "--reply": reply = try parsed(Reply(rawValue: value))
            case "--size": size = try parsed(Int(value))
            case "--in-flight": inFlight = try parsed(Int(value))
            case "--hosts": hosts = try parsed(Int(value))
            case "--seconds": seconds = try parsed(Double(value))
            case "--security": security = [try parsed(SecurityProtocol(rawValue: value))]
            case "--pid": processID = try parsed(Int(value))
            default: throw Fault.invalid(option: name, value: value)
            }
        }
        if role == .run, peers.isEmpty { throw Fault.missingPeer }
    }

    /// A host with room for what is measured; its own limits are not.
    func host(listening: Bool) throws -> LatticaHost {
        var logger = Logger(label: "rpc-bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        var configuration = LatticaConfiguration(
            listen: listening ? [try Multiaddr("/ip4/127.0.0.1/tcp/0")] : [],
            logger: logger
        )
        configuration.security = security
        configuration.limits.connections = 20_000
        configuration.limits.handshakes = 1_000
        return LatticaHost(configuration: configuration)
    }
}
