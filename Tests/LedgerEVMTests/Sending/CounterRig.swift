import Foundation
import LatticeTesting
import Ledger
import Logging
import Testing

@testable import LedgerEVM

/// A counter on a devnet and an outbox that makes it count: what was sent once and only once shows in the sum.
struct CounterRig: Sendable {
    let devnet: Devnet
    let counter: Address
    let key: Secp256k1Key
    let folder: String

    private struct Code: Decodable { var bytecode: HexBytes }

    /// - Parameters:
    ///   - finality: how many blocks may be taken back; one of few, since each has a devnet of its own.
    ///   - limit: the sum beyond which the counter refuses.
    static func run(
        finality: Int = 2,
        baseFee: Wei = .gwei,
        limit: UInt64 = 1_000,
        body: @Sendable (CounterRig) async throws -> Void
    ) async throws {
        let arguments = ["--finality-depth", "\(finality)", "--base-fee", "\(baseFee.count)"]
        try await DevnetPool.shared.borrow(arguments) { devnet in
            let file = vectorsFolder.appending(path: "Counter.json")
            let code = try JSONDecoder().decode(Code.self, from: try Data(contentsOf: file)).bytecode.bytes
            let deployer = devnet.keys[9]
            let nonce = try await devnet.client.transactionCount(deployer.address, at: .latest)
            let transaction = Transaction(
                chainID: devnet.chainID,
                nonce: nonce,
                to: nil,
                data: code + ABI.encode([.uint(limit)]),
                gasLimit: 1_000_000,
                fees: .market(tip: .gwei, most: .gwei.times(1_000))
            )
            try await devnet.client.send(try transaction.signed(by: deployer))
            let counter = Address.created(by: deployer.address, nonce: nonce)
            try #require(try await !devnet.client.code(counter).isEmpty)
            let key = Secp256k1Key()
            try await devnet.give(Wei.gwei.times(1_000_000_000), to: key.address)
            // Into a block, so that no reorganisation takes it back.
            try await devnet.mine()
            try await withTemporaryDirectory { folder in
                try await body(CounterRig(devnet: devnet, counter: counter, key: key, folder: folder))
            }
        }
    }

    /// An outbox on the rig's file, which must not be open elsewhere.
    func withOutbox<Result>(
        transport: (any RPCTransport)? = nil,
        options: Outbox.Options = Outbox.Options(),
        now: @escaping @Sendable () -> UInt64 = { 0 },
        _ body: (Outbox) async throws -> Result
    ) async throws -> Result {
        let rpc = RPCOptions(deadline: .seconds(10), attempts: 1, backoff: .milliseconds(1))
        let client = EthereumClient(transports: [transport ?? devnet.transport], chainID: devnet.chainID, options: rpc)
        let store = try SendingStore(path: folder + "/sending.sqlite", ledger: Bytes32(number: 1))
        let rules = Outbox.Rules(token: counter, pull: { _ in nil }, isAlone: { _ in false })
        let outbox = Outbox(
            client: client,
            store: store,
            keyring: Keyring([key]),
            options: options,
            rules: rules,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            now: now
        )
        do {
            let result = try await body(outbox)
            try store.close()
            return result
        } catch {
            try? store.close()
            throw error
        }
    }

    func bump(_ amount: UInt64, _ name: UInt64, isUrgent: Bool = false) -> StoredSubmission {
        StoredSubmission(
            number: 0,
            id: SubmissionID(Bytes32(number: name)),
            caller: key.address,
            contract: counter,
            call: ABI.selector("bump(uint256)") + ABI.encode([.uint(amount)]),
            isUrgent: isUrgent,
            created: 0
        )
    }

    func total() async throws -> UInt64? {
        let answer = try await devnet.client.call(CallMessage(to: counter, data: ABI.selector("total()")))
        return Bytes32(answer)?.number
    }

    /// Follows a submission until it is final or refused, with a block between two looks.
    func settle(_ outbox: Outbox, _ name: UInt64) async throws -> StoredTransaction? {
        let id = SubmissionID(Bytes32(number: name))
        for _ in 0..<60 {
            try? await outbox.progress(key.address)
            if try await outbox.store.submission(id)?.refusal != nil { return nil }
            if let transaction = try await outbox.store.transaction(for: id, .command), transaction.life.isOver {
                return transaction
            }
            try await devnet.mine()
        }
        throw DevnetError.undecided(name: name)
    }
}
