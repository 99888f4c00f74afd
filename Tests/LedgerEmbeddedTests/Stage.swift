import Foundation
import Ledger
import LedgerEmbedded
import NIOConcurrencyHelpers
import Testing

/// A clock that stands still until a test moves it.
final class ManualTime: Sendable {
    private let seconds: NIOLockedValueBox<UInt64>

    init(_ start: UInt64 = 1_800_000_000) { seconds = NIOLockedValueBox(start) }

    var now: UInt64 { seconds.withLockedValue { $0 } }
    func advance(_ delta: UInt64) { seconds.withLockedValue { $0 += delta } }
    func set(_ value: UInt64) { seconds.withLockedValue { $0 = value } }
}

extension UInt64 {
    static let hour: UInt64 = 3600
    static let day: UInt64 = 86_400
}

extension Nano {
    init(lai: UInt64) { self.init(lai * Nano.lai.count) }
}

/// A user with the wallet that is its root and one session key.
struct Person: Sendable {
    let id: UserID
    let wallet: Secp256k1Key
    let key: Secp256k1Key
}

/// A ledger with a manual clock, on which scenarios are played.
///
/// It knows nothing of how the ledger is implemented.
struct Stage: Sendable {
    let ledger: any Ledger
    let time: ManualTime
    let administrator: Address
    let registrar: Address
    let reporter: Address
    let faucetSigner: Address

    /// A stranger with nothing.
    static let stranger = Address(lastOf: Keccak256.hash([1]))

    /// Plays on a fresh local ledger, which must verify afterwards.
    static func play(_ parameters: Parameters = Parameters(), _ scene: (Stage) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "ledger.sqlite").path(percentEncoded: false)
        let time = ManualTime()
        let genesis = Self.genesis(parameters)
        let ledger = try await EmbeddedLedger.open(
            path: path,
            clusterKey: ClusterKey(),
            genesis: genesis,
            now: { time.now }
        )
        let stage = Stage(ledger: ledger, time: time, genesis: genesis)
        do { try await scene(stage) } catch {
            await ledger.close()
            throw error
        }
        await ledger.close()
        let report = try await EmbeddedLedger.verify(path: path)
        #expect(report.fault == nil)
    }

    static func genesis(_ parameters: Parameters = Parameters()) -> Genesis {
        func address(_ number: UInt8) -> Address { Address(lastOf: Keccak256.hash([0xaa, number])) }
        return Genesis(
            administrator: address(1),
            faucetSupply: TokenAmount(Nano(lai: 1_000_000)),
            roles: Roles(owner: address(1), registrar: address(2), reporter: address(3), faucetSigner: address(4)),
            parameters: parameters
        )
    }

    init(ledger: any Ledger, time: ManualTime, genesis: Genesis) {
        self.ledger = ledger
        self.time = time
        administrator = genesis.administrator
        registrar = genesis.roles.registrar
        reporter = genesis.roles.reporter
        faucetSigner = genesis.roles.faucetSigner
    }

    // MARK: Commands

    /// Does a command; every nano must be accounted for afterwards, whatever came of it.
    func submit(_ command: Command, by caller: Address) async throws -> Outcome {
        var generator = SystemRandomNumberGenerator()
        let id = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let outcome = try await ledger.submit(command, caller: caller, id: SubmissionID(try #require(Bytes32(id))))
            .outcome
        let balances = try await ledger.balances()
        #expect(balances.areConserved(contracts: ledger.contracts), "after \(command)")
        #expect(balances.sumOfUsers == balances.accounts[ledger.contracts[.userRegistry]] ?? .zero)
        return outcome
    }

    /// Does a command that must succeed.
    @discardableResult
    func run(
        _ command: Command,
        by caller: Address? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> Inclusion {
        let outcome = try await submit(command, by: caller ?? administrator)
        return try #require(outcome.inclusion, "\(outcome)", sourceLocation: location)
    }

    /// Does a command that must be refused, and leave the balances as they were.
    func refuse(
        _ command: Command,
        by caller: Address? = nil,
        _ reason: Reason,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try await ledger.balances()
        let outcome = try await submit(command, by: caller ?? administrator)
        #expect(outcome == .rejected(reason), sourceLocation: location)
        var after = try await ledger.balances()
        after.block = before.block
        #expect(after == before, sourceLocation: location)
    }

    // MARK: People

    func person(deposit: Nano = .zero, cap: Nano = Nano(.max)) async throws -> Person {
        let wallet = Secp256k1Key()
        let registered = try await run(.registerWallet(owner: wallet.address, signature: nil), by: wallet.address)
        let person = Person(id: try #require(registered.registeredUser), wallet: wallet, key: Secp256k1Key())
        if deposit != .zero { try await run(.deposit(user: person.id, amount: TokenAmount(deposit))) }
        try await grant(person.key.keyID, to: person, cap: cap)
        return person
    }

    func nonce(_ user: UserID) async throws -> UInt64 {
        try #require(try await ledger.user(user)).nonce
    }

    @discardableResult
    func grant(
        _ key: KeyID,
        _ kind: KeyKind = .secp256k1,
        to person: Person,
        validFor: UInt64 = 20 * .day,
        cap: Nano = Nano(.max)
    ) async throws -> Inclusion {
        let message = KeyGrant(
            user: person.id,
            key: key,
            kind: kind,
            validUntil: time.now + validFor,
            cap: cap,
            nonce: try await nonce(person.id)
        )
        return try await run(.grantKey(message, auth: nil), by: person.wallet.address)
    }

    func withdraw(_ amount: Nano, by person: Person, to: Address? = nil) async throws -> Command {
        let message = Withdraw(
            user: person.id,
            amount: amount,
            to: to ?? person.wallet.address,
            nonce: try await nonce(person.id)
        )
        return .requestWithdraw(message, auth: try sign(message, person.wallet))
    }

    func cancel(_ person: Person) async throws -> Command {
        let message = CancelWithdraw(user: person.id, nonce: try await nonce(person.id))
        return .cancelWithdraw(message, auth: try sign(message, person.wallet))
    }

    func sign(_ message: some TypedMessage, _ wallet: Secp256k1Key) throws -> Auth {
        let signature = try wallet.sign(message, in: ledger.domain)
        return Auth(r: signature.r, vs: signature.s)
    }

    // MARK: Nodes and vouchers

    func node(_ owner: Address? = nil, status: NodeStatus = .active) async throws -> NodeID {
        let owner = owner ?? Secp256k1Key().address
        let stake = Nano(lai: 1_000)
        try await run(.transfer(to: owner, amount: TokenAmount(stake)))
        let application = NodeApplication(
            kind: .llm,
            model: .zero,
            meta: .zero,
            payout: owner,
            signer: Secp256k1Key().address,
            selfStake: stake
        )
        let node = try #require(try await run(.registerNode(application), by: owner).registeredNode)
        if status != .pending { try await run(.resume(node: node), by: reporter) }
        return node
    }

    func voucher(_ key: Secp256k1Key, _ node: NodeID, _ amount: Nano, units: UInt64 = 1) throws -> SettleEntry {
        let voucher = Voucher(node: node, amount: amount, units: units, receipts: Keccak256.hash([7]))
        return SettleEntry(voucher, signature: try key.sign(voucher, in: ledger.domain))
    }

    func voucher(_ key: P256SessionKey, _ node: NodeID, _ amount: Nano, units: UInt64 = 1) throws -> SettleEntry {
        let voucher = Voucher(node: node, amount: amount, units: units, receipts: Keccak256.hash([7]))
        return SettleEntry(voucher, signature: try key.sign(voucher, in: ledger.domain))
    }

    /// Settles; the preview must have said the same.
    @discardableResult
    func settle(_ entries: [SettleEntry], by caller: Address = Stage.stranger) async throws -> [SettleStatus] {
        let preview = try await ledger.preview(entries)
        let inclusion = try await run(.settle(entries), by: caller)
        let statuses = try #require(inclusion.settleStatuses(count: entries.count))
        #expect(statuses == preview)
        return statuses
    }

    func funds(_ person: Person) async throws -> Funds { try await ledger.funds(person.id) }
}
