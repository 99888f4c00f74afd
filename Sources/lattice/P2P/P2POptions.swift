import ArgumentParser
import Foundation
import Lattica
import LatticaConnection
import LatticaCore
import Logging
import Multiformats

/// Who dials, and how.
struct P2POptions: ParsableArguments {
    @Option(help: "The file of the identity to use; made if it is not there (LATTICE_KEY; default: one for this run).")
    var key: String?

    @Option(help: "The network's protocol version, which peers compare (LATTICE_PROTOCOL; default: /lattica/1.0.0).")
    var `protocol`: String?

    @Option(
        help: "The file of a private network's key, as Kubo's swarm.key (LATTICE_PSK)."
    )
    var psk: String?

    @Option(help: "Write the decrypted frames of the connection to this file; only for debugging (LATTICE_CAPTURE).")
    var capture: String?

    @Option(
        help: "Ask this server of the DNS for /dnsaddr: ADDRESS[:PORT] (LATTICE_DNS; default: those of the system)."
    )
    var dns: String?

    @Option(help: "How long connecting may take, in seconds (LATTICE_TIMEOUT; default: 10).")
    var timeout: Int?

    @Option(help: "A YAML file of settings (LATTICE_CONFIG).")
    var config: String?

    @Option(help: "trace, debug, info, notice, warning or error (LATTICE_LOG_LEVEL; default: warning).")
    var logLevel: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    private var settings: Settings {
        get async throws {
            try await Settings(
                flags: [
                    "key": key, "protocol": `protocol`, "psk": psk, "capture": capture,
                    "dns": dns, "timeout": timeout.map(String.init), "log.level": logLevel,
                ],
                file: config
            )
        }
    }

    /// A host for one command, as configured.
    ///
    /// - Parameter capture: where it writes its frames.
    func host(capture: FrameCapture? = nil) async throws -> LatticaHost {
        let settings = try await settings
        let keypair = try settings.text("key").map { path throws(KeyFileError) in try Keypair.load(orCreateAt: path) }
        let privateNetwork = try settings.text("psk").map(Self.preSharedKey)
        var configuration = LatticaConfiguration(
            keypair: keypair ?? Keypair(),
            protocolVersion: settings.text("protocol", default: LatticaConfiguration.defaultProtocolVersion),
            agentVersion: "lattice/\(Build.version)",
            dialTimeout: .seconds(try settings.number("timeout", default: 10, in: 1...3600)),
            // Whoever has a key must not be led out of its network.
            transports: [.tcp(privateNetwork: privateNetwork), .webSocket(privateNetwork: privateNetwork)],
            logger: try CommonOptions.logger(settings, label: "p2p")
        )
        configuration.capture = capture
        configuration.txtResolver = DNSResolver(
            servers: try settings.text("dns").map { [try Self.nameServer($0)] } ?? []
        )
        return LatticaHost(configuration: configuration)
    }

    private static func preSharedKey(at path: String) throws -> PreSharedKey {
        do {
            return try PreSharedKey(text: String(contentsOfFile: path, encoding: .utf8))
        } catch let error as PreSharedKeyError {
            throw Settings.Fault(
                description: "\(path) holds no key of a private network: \(error). Name another with --psk."
            )
        } catch {
            throw Settings.Fault(
                description: "cannot read \(path): \((error as NSError).localizedDescription). Name another with --psk."
            )
        }
    }

    /// Connects to a peer, does the work, and hangs up whatever comes of it.
    func withPeer<Value: Sendable>(
        at address: String,
        _ body: @escaping @Sendable (LatticaHost, PeerID) async throws -> Value
    ) async throws -> Value {
        let address = try Self.multiaddr(address)
        let capture = try await settings.text("capture").map { path throws(FrameCaptureError) in
            try FrameCapture(path: path)
        }
        let host = try await host(capture: capture)
        try await host.start()
        let outcome: Result<Value, any Error>
        do {
            let value = try await Interrupt.cancelling {
                try await body(host, try await Self.connect(host, to: address))
            }
            outcome = .success(value)
        } catch {
            outcome = .failure(error)
        }
        await host.stop()
        await capture?.close()
        return try outcome.get()
    }

    /// Reads an address as people type it.
    static func multiaddr(_ text: String) throws -> Multiaddr {
        do {
            return try Multiaddr(text)
        } catch {
            throw Settings.Fault(
                description: "'\(text)' is no address of a peer (\(error)). Give one such as /ip4/127.0.0.1/tcp/4001."
            )
        }
    }

    private static func nameServer(_ text: String) throws -> NameServer {
        guard let server = NameServer(text) else {
            throw Settings.Fault(
                description: "dns is '\(text)': it must be ADDRESS or ADDRESS:PORT. Set it with --dns."
            )
        }
        return server
    }

    private static func connect(_ host: LatticaHost, to address: Multiaddr) async throws -> PeerID {
        do {
            return try await host.connect(to: address)
        } catch {
            // These name the address themselves.
            let isNamed = if case .unreachable = error { true } else { false }
            let what = isNamed ? "\(error)" : "cannot connect to \(address): \(error)"
            throw Settings.Fault(description: "\(what). \(advice(for: error))")
        }
    }

    private static func advice(for error: DialError) -> String {
        switch error {
        case .unreachable, .noAddress: "Is the peer running, and is this where it listens?"
        case .handshakeFailed:
            "Leave /p2p/ID off the address to accept whoever answers; in a private network, give its key with --psk."
        case .nameNotResolved:
            "Name another server of the DNS with --dns, or give the address that the name stands for."
        case .timedOut: "Give it longer with --timeout."
        case .protocolsNotSupported, .limitReached, .stopped: "--log-level debug tells more."
        }
    }

    /// Prints what was found: for programs, or for people.
    func show(_ found: some Encodable & CustomStringConvertible) throws {
        print(json ? try JSON.text(found) : found.description)
    }
}

extension Duration {
    /// In milliseconds, to the microsecond.
    var inMilliseconds: Double {
        (self / .microseconds(1)).rounded() / 1000
    }
}
