import LatticeTesting
import Ledger
import LedgerConformance
import Logging
import Testing

@testable import LedgerEVM

/// Contracts on a devnet whose blocks may be taken back, and a ledger that can be opened again.
private struct Chain {
    let place: ContractsOnDevnet
    let keyring = Keyring()
    let folder: String

    var devnet: Devnet { place.devnet }

    static func run(_ body: (Chain) async throws -> Void) async throws {
        let place = try await start()
        defer { place.devnet.stop() }
        try await withTemporaryDirectory { folder in try await body(Chain(place: place, folder: folder)) }
    }

    @concurrent
    private static func start() async throws -> ContractsOnDevnet {
        try ContractsOnDevnet.start(
            try Beginning(),
            devnet: ["--clock", "manual", "--genesis-time", "1800000000", "--finality-depth", "16"]
        )
    }

    func open(_ options: EVMLedgerOptions = EVMLedgerOptions()) async throws -> EVMLedger {
        try await EVMLedger.open(
            place.deployment,
            transports: [devnet.transport],
            path: folder + "/evm.sqlite",
            keyring: keyring,
            options: options,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    func stage(_ ledger: EVMLedger) async throws -> Stage {
        let stage = try await Stage(ledger, EVMBackstage(place, keyring, false), try Beginning())
        // Coins of the wallets into a block, so that no reorganisation takes them back.
        try await devnet.mine()
        return stage
    }

    /// Looks and mines until a command is final or refused.
    func decide(_ ledger: EVMLedger, _ id: SubmissionID, of caller: Address) async throws -> Outcome {
        for _ in 0..<60 {
            try await ledger.outbox.progress(caller)
            switch try await ledger.outcome(id) {
            case .final(let inclusion): return .final(inclusion)
            case .rejected(let reason): return .rejected(reason)
            case .pending, .included, nil: try await devnet.mine()
            }
        }
        throw DevnetError.undecided(name: 0)
    }
}

@Suite(.enabled(if: Devnet.isAvailable), .serialized, .timeLimit(.minutes(5))) struct `A ledger on a chain` {
    @Test func `takes no more of its caller's tokens than the command does`() async throws {
        try await Chain.run { chain in
            let ledger = try await chain.open()
            let stage = try await chain.stage(ledger)
            let person = try await stage.person()
            let tokens = TokenAmount(Nano(lai: 3))
            let events = try await stage.run(.deposit(user: person.id, amount: tokens)).events
            #expect(events.map(\.name) == ["Transfer", "Deposited"])
            let left = try await TokenCalls.allowance(
                of: stage.administrator.address,
                to: ledger.contracts[.userRegistry],
                token: ledger.contracts[.laiToken],
                ledger.client
            )
            #expect(left == .zero)
            // Refused before anything is allowed.
            let nonce = try await ledger.client.transactionCount(stage.administrator.address, at: .latest)
            try await stage.refuse(.deposit(user: UserID(99), amount: tokens), .unknownUser)
            try await stage.refuse(.deposit(user: person.id, amount: .cap), .insufficient)
            #expect(try await ledger.client.transactionCount(stage.administrator.address, at: .latest) == nonce)
            let stranger = Secp256k1Key().address
            await #expect(throws: LedgerError.noKey(stranger)) {
                _ = try await ledger.submit(.sweep, caller: stranger, id: SubmissionID(Bytes32(number: 1)))
            }
            ledger.close()
        }
    }

    @Test(arguments: [1, 3, 12], [false, true])
    func `settles once when the settlement's block is taken away`(depth: Int, isDropped: Bool) async throws {
        try await Chain.run { chain in
            var ledger = try await chain.open()
            let stage = try await chain.stage(ledger)
            let person = try await stage.person(deposit: Nano(1_000))
            let node = try await stage.node()
            let entries = [try stage.voucher(person.key, node, Nano(600))]
            let id = SubmissionID(Bytes32(number: 77))
            let caller = stage.stranger.address
            let submitted = try await ledger.submit(.settle(entries), caller: caller, id: id).outcome
            #expect(submitted.inclusion?.settleStatuses(count: 1) == [.settled])

            var read = try await ledger.events(after: nil, limit: 1_000)
            let before = read.events.map(\.event)
            let cursor = try #require(read.next)
            try await chain.devnet.mine(depth - 1)
            try await chain.devnet.setAutomine(false)
            try await chain.devnet.reorganise(depth, dropping: isDropped)
            // The process ends here, and another goes on.
            ledger.close()
            ledger = try await chain.open()
            read = try await ledger.events(after: cursor, limit: 1_000)
            #expect(read.rolledBackTo != nil)
            #expect(read.events.isEmpty)

            let outcome = try await chain.decide(ledger, id, of: caller)
            #expect(outcome.inclusion?.settleStatuses(count: 1) == [.settled])
            _ = try await ledger.submit(.settle(entries), caller: caller, id: id)
            #expect(try await ledger.channel(person.key.keyID, node).paid == Nano(600))
            #expect(try await ledger.funds(person.id).available == Nano(400))
            let after = try await ledger.events(after: nil, limit: 1_000).events.map(\.event)
            #expect(after == before)
            ledger.close()
        }
    }

    @Test func `does not open on what it does not know`() async throws {
        try await Chain.run { chain in
            let deployment = chain.place.deployment
            func error(_ change: (inout EVMDeployment, inout EVMLedgerOptions) -> Void) async throws
                -> EVMLedgerOpenError?
            {
                var (deployment, options) = (deployment, EVMLedgerOptions())
                change(&deployment, &options)
                do throws(EVMLedgerOpenError) {
                    try await EVMLedger.open(
                        deployment,
                        transports: [chain.devnet.transport],
                        path: chain.folder + "/b.sqlite",
                        keyring: Keyring(),
                        options: options
                    ).close()
                    return nil
                } catch { return error }
            }
            #expect(
                try await error {
                    $0.chainID = 1; _ = $1
                } == .endpoint(.wrongChain(expected: 1, answered: 31_337))
            )
            let nobody = Secp256k1Key().address
            #expect(
                try await error { deployment, _ in
                    let contracts = deployment.contracts
                    deployment.contracts = ContractAddresses { $0 == .staking ? nobody : contracts[$0] }
                } == .noContract(.staking)
            )
            #expect(
                try await error { deployment, _ in
                    let contracts = deployment.contracts
                    deployment.contracts = ContractAddresses { contracts[$0 == .userRegistry ? .laiToken : $0] }
                } != nil
            )
            #expect(
                try await error {
                    $1.knownCode[.faucet] = [CodeFingerprint(of: [1, 2, 3])]; _ = $0
                }
                    == .unknownCode(.faucet)
            )
            for contract in Contract.allCases {
                let known = try ContractsOnDevnet.code(of: contract)
                #expect(
                    try await error {
                        $1.knownCode[contract] = [known]; _ = $0
                    } == nil
                )
            }
        }
    }
}
