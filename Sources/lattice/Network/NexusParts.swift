import Foundation
import Lattica
import LatticaCore
import Ledger
import LedgerEmbedded
import Logging
import Multiformats
import Nexus
import NexusHTTP
import ServiceLifecycle

/// A Nexus with its ledger, its peer and its HTTP face, put together from settings.
struct NexusParts {
    let host: LatticaHost
    private let startedHost: StartedHost
    let ledger: any Ledger
    private let openedLedger: OpenedLedger
    let kernel: Kernel
    let listening: Listening
    let server: NexusHTTPServer

    /// Where a started server can be reached.
    struct Listening: Sendable {
        private let stream: AsyncStream<Int>
        fileprivate let continuation: AsyncStream<Int>.Continuation

        init() {
            (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        }

        /// The port, as soon as it is known.
        func port() async -> Int? {
            for await port in stream { return port }
            return nil
        }
    }

    /// Opens everything but the HTTP port.
    init(settings: Settings, folder: DataFolder, metrics: PrometheusRegistry, logger: Logger) async throws {
        let folder = try folder.folder("nexus")
        openedLedger = try await OpenedLedger(settings: settings, folder: folder, logger: logger)
        ledger = openedLedger.ledger
        let listen = settings.text("p2p.listen", default: "/ip4/127.0.0.1/tcp/8485")
        host = LatticaHost(
            configuration: LatticaConfiguration(
                keypair: try Keypair.load(orCreateAt: folder.file("p2p.key")),
                listen: [try Multiaddr(listen)],
                logger: logger
            )
        )
        startedHost = try await StartedHost(host)
        kernel = Kernel(
            host: host,
            ledger: ledger,
            store: try NexusStore(path: folder.file("nexus.sqlite")),
            vault: try Vault(secret: folder.secret("vault.key", make: Vault.newSecret)),
            configuration: NexusConfiguration(
                roles: openedLedger.roles,
                settlement: openedLedger.settlement,
                ownsSponsoredNodes: openedLedger.ownsSponsoredNodes
            ),
            logger: logger
        )
        try await kernel.restore()
        var configuration = HTTPConfiguration(
            host: settings.text("host", default: "127.0.0.1"),
            port: try settings.number("port", default: 8484, in: 0...65535)
        )
        configuration.allowsPublicAddress = settings.text("allow.public") == "true"
        configuration.version = Build.version
        let listening = Listening()
        self.listening = listening
        server = try NexusHTTPServer(
            backend: kernel,
            configuration: configuration,
            metrics: metrics,
            logger: logger,
            onListening: { listening.continuation.yield($0) }
        )
    }

    /// The address that nodes join, with the peer id.
    var joinAddress: Multiaddr? {
        host.dialableAddresses.first
    }

    /// In the order of starting; they stop in the opposite one: first no more requests come, then what was answered is
    /// settled, then nodes on this machine leave, and the network goes last.
    func services(with nodes: [any Service] = []) -> [any Service] {
        [openedLedger, startedHost] + nodes + [kernel, server]
    }

    /// The API key of this machine's own user: the stored one if it still opens an account, else a fresh one.
    func credentials(in folder: DataFolder, baseURL: String) async throws -> Credentials {
        if var stored = Credentials.load(from: folder.path) {
            do {
                _ = try await kernel.authenticate(apiKey: stored.apiKey)
                stored.baseURL = baseURL
                try stored.save(in: folder)
                return stored
            } catch NexusError.invalidKey {
                // Another database lies here than the one that gave the key.
            }
        }
        let key = try await kernel.enrol(label: "first user").apiKey
        let credentials = Credentials(baseURL: baseURL, apiKey: key)
        try credentials.save(in: folder)
        return credentials
    }
}

extension NexusRoles {
    /// Addresses that act for a private cluster.
    ///
    /// No key stands behind them: the embedded ledger takes the caller's word, and the caller is this process.
    init(clusterPublicKey: [UInt8]) {
        func role(_ name: String) -> Address {
            Address(lastOf: Keccak256.hash(clusterPublicKey + Array(name.utf8)))
        }
        self.init(
            administrator: role("administrator"),
            registrar: role("registrar"),
            faucetSigner: role("faucet signer"),
            settler: role("settler")
        )
    }
}

extension Genesis {
    /// Credits for two hundred thousand first users; the administrator deposits more from its own supply.
    private static let faucetSupply = TokenAmount(Nano(1_000_000_000_000_000))

    /// The beginning of a private cluster: the administrator holds the supply and the faucet a share of it.
    init(cluster roles: NexusRoles) {
        self.init(
            administrator: roles.administrator,
            faucetSupply: Self.faucetSupply,
            roles: Roles(
                owner: roles.administrator,
                registrar: roles.registrar,
                reporter: roles.administrator,
                faucetSigner: roles.faucetSigner
            )
        )
    }
}
