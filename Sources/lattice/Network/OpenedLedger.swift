import Foundation
import Ledger
import LedgerEVM
import LedgerEmbedded
import Logging
import Nexus
import ServiceLifecycle

/// The ledger that the settings name, open, with what Nexus must know to act on it.
///
/// Nobody else in the program knows which one it is.
struct OpenedLedger: Service {
    /// What `ledger` may be.
    enum Choice: String, CaseIterable {
        case local
        case evm
    }

    private enum Kind {
        case local(EmbeddedLedger)
        case evm(EVMLedger)
    }

    private let kind: Kind
    /// Who acts for Nexus.
    let roles: NexusRoles
    /// When vouchers are settled: at once where it costs nothing.
    let settlement: SettlementPolicy
    /// Whether the nodes that Nexus registers are its own: on a chain it can call for itself only.
    let ownsSponsoredNodes: Bool

    var ledger: any Ledger {
        switch kind {
        case .local(let ledger): ledger
        case .evm(let ledger): ledger
        }
    }

    /// Opens it.
    init(settings: Settings, folder: DataFolder, logger: Logger) async throws {
        switch try settings.choice("ledger", default: Choice.local) {
        case .local:
            let secret = try folder.secret("cluster.key") { ClusterKey().rawRepresentation }
            guard let key = ClusterKey(rawRepresentation: secret) else {
                throw DataFolder.Fault(description: "\(folder.file("cluster.key")) does not hold a cluster's key")
            }
            roles = NexusRoles(clusterPublicKey: key.publicKey)
            settlement = .immediate
            ownsSponsoredNodes = false
            kind = .local(
                try await EmbeddedLedger.open(
                    path: folder.file("ledger.sqlite"),
                    clusterKey: key,
                    genesis: Genesis(cluster: roles),
                    logger: logger
                )
            )
        case .evm:
            let keys = try RoleKeys(in: folder)
            roles = keys.roles
            settlement = SettlementPolicy(
                value: Nano(UInt64(try settings.number("settle.value", default: Int(Nano.lai.count), in: 1...Int.max))),
                age: UInt64(try settings.number("settle.age", default: 3600, in: 0...86_400))
            )
            ownsSponsoredNodes = true
            kind = .evm(
                try await Self.chain(settings, path: folder.file("chain.sqlite"), Keyring(keys.all), logger)
            )
        }
    }

    /// Opens the ledger on the chain that the settings name.
    ///
    /// - Parameter path: the file with what was sent and is under way.
    static func chain(
        _ settings: Settings,
        path: String,
        _ keyring: Keyring,
        _ logger: Logger
    ) async throws -> EVMLedger {
        try await EVMLedger.open(
            try deployment(settings),
            transports: try transports(settings),
            path: path,
            keyring: keyring,
            logger: logger
        )
    }

    private static func deployment(_ settings: Settings) throws -> EVMDeployment {
        guard let path = settings.text("ledger.deployment") else {
            throw Settings.Fault(
                description:
                    "ledger is 'evm', and ledger.deployment does not name the file of the contracts' addresses,"
                    + " which contracts/deploy.py prints. Set it with --ledger-deployment or"
                    + " LATTICE_LEDGER_DEPLOYMENT."
            )
        }
        guard let text = FileManager.default.contents(atPath: path) else {
            throw Settings.Fault(description: "cannot read the contracts' addresses in \(path)")
        }
        do { return try EVMDeployment(json: [UInt8](text)) } catch {
            let problem =
                switch error {
                case .malformed: "it is no JSON with chainId, contracts and block"
                case .missing(let contract): "\(contract.rawValue) has no address in it"
                }
            throw Settings.Fault(description: "\(path) does not say where the contracts are: \(problem).")
        }
    }

    private static func transports(_ settings: Settings) throws -> [any RPCTransport] {
        let urls = (settings.text("ledger.endpoint") ?? "").split(separator: ",").map(String.init)
        guard (1...2).contains(urls.count) else {
            throw Settings.Fault(
                description: "ledger is 'evm', and ledger.endpoint must name one Ethereum endpoint, or two with a comma"
                    + " between, such as http://127.0.0.1:8545. Set it with --ledger-endpoint or"
                    + " LATTICE_LEDGER_ENDPOINT."
            )
        }
        return try urls.map { url in
            do { return try HTTPTransport(url: url) } catch {
                throw Settings.Fault(description: "an endpoint in ledger.endpoint is no http:// or https:// address")
            }
        }
    }

    /// Follows what is under way on a chain; closes the ledger last, when nobody writes to it any more.
    func run() async throws {
        switch kind {
        case .local(let ledger):
            // It throws when the task is cancelled, which ends the ledger's use just as well.
            try? await gracefulShutdown()
            await ledger.close()
        case .evm(let ledger):
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await ledger.run() }
                try? await gracefulShutdown()
                ledger.close()
                group.cancelAll()
            }
        }
    }
}

/// The keys with which a Nexus acts on a chain, one a role, each in a file of its own.
struct RoleKeys {
    let administrator: Secp256k1Key
    let registrar: Secp256k1Key
    let faucetSigner: Secp256k1Key
    let settler: Secp256k1Key

    /// Reads the keys, and draws those that are not there.
    init(in folder: DataFolder) throws {
        func key(_ name: String) throws -> Secp256k1Key {
            let secret = try folder.secret(name) { Secp256k1Key().rawRepresentation }
            do { return try Secp256k1Key(rawRepresentation: secret) } catch {
                throw DataFolder.Fault(description: "\(folder.file(name)) does not hold a key")
            }
        }
        administrator = try key("administrator.key")
        registrar = try key("registrar.key")
        faucetSigner = try key("faucet.key")
        settler = try key("settler.key")
    }

    var all: [Secp256k1Key] { [administrator, registrar, faucetSigner, settler] }

    var roles: NexusRoles {
        NexusRoles(
            administrator: administrator.address,
            registrar: registrar.address,
            faucetSigner: faucetSigner.address,
            settler: settler.address
        )
    }
}
