public import Ledger
public import Logging

import Foundation
import NIOConcurrencyHelpers

/// The ledger on an Ethereum chain: the contracts behind the same protocol as the local ledger (ledger specification, §9).
///
/// A command is tried first, which gives a refusal without paying gas; then it is signed with its caller's key and followed
/// until no reorganisation can take it back. Everything about it is on disk before it is sent. Whoever opens the ledger also
/// runs ``run()``, which follows what is under way.
public final class EVMLedger: Ledger {
    /// The domain under which users sign for the registry.
    public let domain: TypedDomain
    /// The addresses of the contracts.
    public let contracts: ContractAddresses
    /// The most events in one page.
    public static let mostEvents = 1_000

    let client: EthereumClient
    let outbox: Outbox
    let reader: LogReader
    let holders: TokenHolders
    private let store: SendingStore
    private let keyring: Keyring
    private let options: EVMLedgerOptions
    private let clock: any Clock<Duration>
    private let logger: Logger
    private let now: @Sendable () -> UInt64
    private let isClosed = NIOLockedValueBox(false)

    private init(
        deployment: EVMDeployment,
        client: EthereumClient,
        store: SendingStore,
        keyring: Keyring,
        options: EVMLedgerOptions,
        clock: any Clock<Duration>,
        logger: Logger,
        now: @escaping @Sendable () -> UInt64
    ) {
        domain = deployment.domain
        contracts = deployment.contracts
        self.client = client
        self.store = store
        self.keyring = keyring
        self.options = options
        self.clock = clock
        self.logger = logger
        self.now = now
        let contracts = deployment.contracts
        outbox = Outbox(
            client: client,
            store: store,
            keyring: keyring,
            options: Outbox.Options(
                fees: options.fees,
                mostInFlight: options.mostInFlight,
                gasCap: options.gasCap,
                mostWaiting: options.mostWaiting
            ),
            rules: Outbox.Rules(
                token: contracts[.laiToken],
                pull: { submission throws(RPCError) in
                    try await Command(submission, contracts)?.pull(contracts, client)
                },
                isAlone: { Command($0, contracts)?.isAlone ?? false }
            ),
            logger: logger,
            now: now
        )
        reader = LogReader(
            client: client,
            store: store,
            contracts: Set(Contract.allCases.map { contracts[$0] }),
            firstBlock: deployment.firstBlock
        )
        holders = TokenHolders(client: client, token: contracts[.laiToken], firstBlock: deployment.firstBlock)
    }

    /// Opens the ledger: checks chain, contracts and domain, and goes on with what the file says is under way.
    ///
    /// - Parameters:
    ///   - transports: one endpoint, or two that check each other.
    ///   - path: the file with submissions and transactions; one process at a time has it open.
    ///   - keyring: the keys of the callers whose commands can be sent; keys may be added later.
    public static func open(
        _ deployment: EVMDeployment,
        transports: [any RPCTransport],
        path: String,
        keyring: Keyring,
        options: EVMLedgerOptions = EVMLedgerOptions(),
        rpc: RPCOptions = RPCOptions(),
        clock: any Clock<Duration> = ContinuousClock(),
        logger: Logger = Logger(label: "ledger-evm"),
        now: @escaping @Sendable () -> UInt64 = EVMLedger.systemTime
    ) async throws(EVMLedgerOpenError) -> EVMLedger {
        let client = EthereumClient(transports: transports, chainID: deployment.chainID, options: rpc, clock: clock)
        for contract in Contract.allCases {
            let code = try await asking(client) { client throws(RPCError) in
                try await client.code(deployment.contracts[contract])
            }
            guard !code.isEmpty else { throw .noContract(contract) }
            let known = options.knownCode[contract] ?? []
            guard known.isEmpty || known.contains(where: { $0.matches(code) }) else { throw .unknownCode(contract) }
        }
        let (separator, genesis) = try await asking(client) { client throws(RPCError) in
            let call = ContractView(.userRegistry, "domain_separator()").call
            let answer = try await client.call(CallMessage(to: deployment.contracts[.userRegistry], data: call))
            guard let first = try await client.header(.number(0)) else { throw .malformed("no first block") }
            return (answer, first.hash)
        }
        guard separator == deployment.domain.separator.bytes else { throw .otherDomain }
        var identity = Keccak256()
        identity.update(genesis)
        identity.update(deployment.domain.separator)
        let store: SendingStore
        do { store = try SendingStore(path: path, ledger: identity.finalize()) } catch { throw .store(error) }
        return EVMLedger(
            deployment: deployment,
            client: client,
            store: store,
            keyring: keyring,
            options: options,
            clock: clock,
            logger: logger,
            now: now
        )
    }

    private static func asking<Value>(
        _ client: EthereumClient,
        _ body: (EthereumClient) async throws(RPCError) -> Value
    ) async throws(EVMLedgerOpenError) -> Value {
        do { return try await body(client) } catch { throw .endpoint(error) }
    }

    /// Follows what is under way until the task is cancelled.
    ///
    /// An endpoint that is away for a while is no reason to stop: what is on disk waits.
    public func run() async {
        var reported: [Address: SendingError] = [:]
        while !Task.isCancelled, !isClosed.withLockedValue(\.self) {
            let senders = (try? await store.busySenders()) ?? []
            for sender in senders {
                do throws(SendingError) {
                    try await outbox.progress(sender)
                    reported[sender] = nil
                } catch {
                    // Once for each change, since it comes again with every look.
                    if reported.updateValue(error, forKey: sender) != error { report(error, of: sender) }
                }
            }
            do { try await clock.sleep(for: options.pollInterval) } catch { return }
        }
    }

    /// Refuses what comes later and lets go of the file; what is under way goes on when the ledger is opened again.
    public func close() {
        guard
            !isClosed.withLockedValue({ closed in
                defer { closed = true }
                return closed
            })
        else { return }
        do { try store.close() } catch {
            // Nothing is lost: what was answered is on disk.
            logger.warning("the file of submissions did not close", metadata: ["error": "\(error)"])
        }
    }

    private func report(_ error: SendingError, of sender: Address) {
        logger.warning("a sender's commands wait", metadata: ["sender": "\(sender)", "error": "\(error)"])
    }

    // MARK: Commands

    /// Hands in a command.
    ///
    /// Answers when it is on disk and was tried once; while the endpoint cannot be reached it is ``Outcome/pending``. The
    /// caller's key must be in the keyring.
    public func submit(
        _ command: Command,
        caller: Address,
        id: SubmissionID
    ) async throws(LedgerError) -> Submission {
        try await submit(command, caller: caller, id: id, isUrgent: false)
    }

    /// Hands in a command.
    ///
    /// - Parameter isUrgent: whether it goes out however dear gas is; revocations, vetoes and pauses always do.
    public func submit(
        _ command: Command,
        caller: Address,
        id: SubmissionID,
        isUrgent: Bool
    ) async throws(LedgerError) -> Submission {
        try checkOpen()
        guard keyring.holdsKey(of: caller) else { throw .noKey(caller) }
        let submission = StoredSubmission(
            number: 0,
            id: id,
            caller: caller,
            contract: contracts[command.contract],
            call: command.encoded(),
            isUrgent: isUrgent || command.isSafety,
            created: now(),
            refusal: command.isTooLong ? .tooMany : nil,
            nonce: nil
        )
        let stored: StoredSubmission?
        do throws(SendingError) { stored = try await outbox.submit(submission) } catch { throw LedgerError(error) }
        guard let stored else { throw .overloaded }
        if stored.isWaiting {
            do throws(SendingError) { try await outbox.progress(stored.caller) } catch {
                // It is on disk, and goes out with a later look.
                if case .store = error { throw LedgerError(error) }
                report(error, of: stored.caller)
            }
        }
        return Submission(id: id, outcome: try await outcome(id) ?? .pending)
    }

    /// What became of a command, or `nil` when it was never handed in here.
    public func outcome(_ id: SubmissionID) async throws(LedgerError) -> Outcome? {
        try checkOpen()
        do throws(SendingStoreError) {
            guard let submission = try await store.submission(id) else { return nil }
            if let refusal = submission.refusal { return .rejected(refusal) }
            guard let transaction = try await store.transaction(for: id, .command), let mined = transaction.mined,
                let effect = transaction.effect
            else { return .pending }
            let isFinal = transaction.life.isOver
            guard mined.succeeded else { return isFinal ? .rejected(effect.failure ?? .reverted) : .pending }
            let inclusion = Inclusion(
                block: mined.block,
                time: effect.time,
                events: try events(effect.logs)
            )
            return isFinal ? .final(inclusion) : .included(inclusion)
        } catch {
            throw LedgerError(.store(error))
        }
    }

    private func events(_ logs: [StoredLog]) throws(SendingStoreError) -> [Event] {
        var events: [Event] = []
        for log in logs {
            guard let contract = contracts.contract(at: log.address) else { continue }
            do throws(LedgerCodingError) {
                events.append(try Event(EncodedEvent(contract: contract, topics: log.topics, data: log.data)))
            } catch {
                // An approval of the token is no event of the ledger.
                guard error != .unknownKind else { continue }
                throw .failed("a log of \(contract.rawValue) cannot be read")
            }
        }
        return events
    }

    func checkOpen() throws(LedgerError) {
        guard !isClosed.withLockedValue(\.self) else { throw .closed }
    }

    // MARK: Blocks

    /// The newest block.
    public func head() async throws(LedgerError) -> LedgerHead {
        let ends = try await asking { client throws(RPCError) in try await client.ends() }
        return LedgerHead(
            number: ends.latest.number,
            hash: ends.latest.hash,
            time: ends.latest.time,
            finalized: ends.finalized.number
        )
    }

    func asking<Value>(
        _ body: (EthereumClient) async throws(RPCError) -> Value
    ) async throws(LedgerError) -> Value {
        try checkOpen()
        do { return try await body(client) } catch { throw LedgerError(.rpc(error)) }
    }

    /// The system's clock, in seconds since 1970.
    public static let systemTime: @Sendable () -> UInt64 = { UInt64(max(0, Date().timeIntervalSince1970)) }
}

extension LedgerError {
    /// The error as callers of any ledger know it.
    init(_ error: SendingError) {
        switch error {
        case .rpc(let error): self = .unavailable(error.description)
        case .store(.inUse(let path)): self = .unavailable("\(path) is in use")
        case .store(.otherLedger(let path)): self = .unavailable("\(path) belongs to another ledger")
        case .store(.damaged(let path, let problem)): self = .unavailable("\(path) is damaged: \(problem)")
        case .store(.failed(let problem)): self = .unavailable(problem)
        case .noKey(let address): self = .noKey(address)
        case .signing: self = .unavailable("a transaction could not be signed")
        }
    }
}
