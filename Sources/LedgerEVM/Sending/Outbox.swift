import Ledger
import Logging

/// Why work for a sender stopped; it goes on with the next look.
enum SendingError: Error, Hashable, Sendable {
    case rpc(RPCError)
    case store(SendingStoreError)
    case noKey(Address)
    case signing
}

/// A command that lets a contract take the caller's tokens, which the token allows beforehand.
struct TokenPull: Hashable, Sendable {
    var spender: Address
    /// What is taken at this moment.
    var amount: TokenAmount
    /// What is allowed: more where the amount may grow before the command is in a block.
    var allowance: TokenAmount

    init(spender: Address, amount: TokenAmount, allowance: TokenAmount? = nil) {
        self.spender = spender
        self.amount = amount
        self.allowance = allowance ?? amount
    }
}

/// Brings submissions into blocks: asks the chain, hands what it sees to ``TransactionLife``, and does what that answers.
///
/// One sequence of nonces a sender; whatever happens is on disk before the next step (ledger specification, §9).
final class Outbox: Sendable {
    /// How transactions are sent.
    struct Options: Sendable {
        var fees = FeePolicy()
        /// The most transactions of one sender that no block holds yet.
        var mostInFlight = 8
        /// The most gas of one transaction (EIP-7825).
        var gasCap: UInt64 = 16_777_216
        /// The most submissions that wait for a transaction.
        var mostWaiting = 10_000
    }

    /// What the outbox does not know of the ledger above it.
    struct Rules: Sendable {
        /// The token, which is asked for allowances.
        var token: Address
        /// The tokens that a command takes from its caller.
        var pull: @Sendable (StoredSubmission) async throws(RPCError) -> TokenPull?
        /// Whether a command waits until nothing of its caller's is under way.
        var isAlone: @Sendable (StoredSubmission) -> Bool
    }

    let client: EthereumClient
    let store: SendingStore
    let keyring: Keyring
    let options: Options
    private let rules: Rules
    private let lanes = Lanes()
    let logger: Logger
    let now: @Sendable () -> UInt64

    init(
        client: EthereumClient,
        store: SendingStore,
        keyring: Keyring,
        options: Options,
        rules: Rules,
        logger: Logger,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.client = client
        self.store = store
        self.keyring = keyring
        self.options = options
        self.rules = rules
        self.logger = logger
        self.now = now
    }

    /// Takes a submission, once for each name.
    ///
    /// - Returns: what is stored under the name, or `nil` when too many wait.
    func submit(_ submission: StoredSubmission) async throws(SendingError) -> StoredSubmission? {
        do { return try await store.begin(submission, mostWaiting: options.mostWaiting) } catch { throw .store(error) }
    }

    /// Does all that can be done for a sender at this moment.
    func progress(_ sender: Address) async throws(SendingError) {
        try await lanes.pass(sender) { () throws(SendingError) in
            for transaction in try await self.stored({ store throws(SendingStoreError) in
                try await store.unfinished(sender)
            }) {
                var transaction = transaction
                try await self.advance(&transaction)
            }
            while let submission = try await self.stored({ store throws(SendingStoreError) in
                try await store.nextWaiting(sender)
            }) {
                guard try await self.begin(submission) else { return }
            }
        }
    }

    // MARK: From a submission to a transaction

    /// - Returns: `false` when the submission has to wait, and those behind it with it.
    private func begin(_ submission: StoredSubmission) async throws(SendingError) -> Bool {
        let sender = submission.caller
        guard let key = keyring.key(of: sender) else { throw .noKey(sender) }
        let inFlight = try await stored { store throws(SendingStoreError) in try await store.unfinished(sender) }
            .filter { if case .included = $0.life.state { false } else { true } }
        guard inFlight.count < options.mostInFlight else { return false }
        guard inFlight.isEmpty || !rules.isAlone(submission) else { return false }
        guard let fees = try await fees(submission) else { return false }

        let approval = try await stored { store throws(SendingStoreError) in
            try await store.transaction(for: submission.id, .approval)
        }
        // An approval that is under way; one that failed changes nothing, and the command is tried without.
        if let approval, approval.mined == nil { return false }

        let call = CallMessage(from: sender, to: submission.contract, data: submission.call)
        switch try await trial(call) {
        case .gas(let gas):
            try await send(submission, .command, call, gas: gas, fees: fees, key: key)
            return true
        case .refusal(let reason):
            if reason == .insufficient, approval == nil, let pull = try await missingAllowance(submission) {
                let approval = CallMessage(
                    from: sender,
                    to: rules.token,
                    data: TokenCalls.approve(pull.spender, pull.allowance)
                )
                guard case .gas(let gas) = try await trial(approval) else { break }
                try await send(submission, .approval, approval, gas: gas, fees: fees, key: key)
                return try await approved(submission)
            }
            // What is under way may be what the command needs.
            guard inFlight.isEmpty else { return false }
            try await stored { store throws(SendingStoreError) in try await store.refuse(submission.id, reason) }
            return true
        }
        guard inFlight.isEmpty else { return false }
        try await stored { store throws(SendingStoreError) in try await store.refuse(submission.id, .insufficient) }
        return true
    }

    private func approved(_ submission: StoredSubmission) async throws(SendingError) -> Bool {
        try await stored { store throws(SendingStoreError) in
            try await store.transaction(for: submission.id, .approval)
        }?.mined != nil
    }

    private enum Trial {
        case gas(UInt64)
        case refusal(Reason)
    }

    /// Tries a call on the newest state, which costs nothing.
    private func trial(_ call: CallMessage) async throws(SendingError) -> Trial {
        do throws(RPCError) {
            let gas = try await client.estimateGas(call)
            // A quarter more, since another transaction may come first; never beyond what the chain takes.
            return .gas(min(max(gas, gas &+ gas / 4), options.gasCap))
        } catch {
            guard case .refused(let refusal) = error, !refusal.isInternal else { throw .rpc(error) }
            if refusal.isRevert { return .refusal(Reason(refusal)) }
            // Some endpoints say why only to a plain call.
            do throws(RPCError) {
                _ = try await client.call(call)
                return .gas(options.gasCap)
            } catch {
                guard case .refused(let refusal) = error, !refusal.isInternal else { throw .rpc(error) }
                return .refusal(Reason(refusal))
            }
        }
    }

    /// What must be allowed so that the submission can take its caller's tokens, where that is all that it lacks.
    private func missingAllowance(_ submission: StoredSubmission) async throws(SendingError) -> TokenPull? {
        try await asked { client throws(RPCError) in
            guard let pull = try await self.rules.pull(submission) else { return nil }
            let balance = try await TokenCalls.balance(of: submission.caller, token: self.rules.token, client)
            let allowance = try await TokenCalls.allowance(
                of: submission.caller,
                to: pull.spender,
                token: self.rules.token,
                client
            )
            return allowance < pull.amount && pull.amount <= balance ? pull : nil
        }
    }

    private func send(
        _ submission: StoredSubmission,
        _ purpose: Purpose,
        _ call: CallMessage,
        gas: UInt64,
        fees: Transaction.Fees,
        key: Secp256k1Key
    ) async throws(SendingError) {
        let given = try await stored { store throws(SendingStoreError) in try await store.nextNonce(key.address) }
        let used = try await asked { client throws(RPCError) in
            try await client.transactionCount(key.address, at: .latest)
        }
        let transaction = Transaction(
            chainID: client.chainID,
            nonce: max(given, used),
            to: call.to,
            data: call.data,
            gasLimit: gas,
            fees: fees
        )
        var stored = StoredTransaction(
            sender: key.address,
            submission: submission.id,
            purpose: purpose,
            to: call.to,
            data: call.data,
            gasLimit: gas,
            life: TransactionLife(nonce: transaction.nonce),
            attempts: [try sign(transaction, key)]
        )
        let prepared = stored
        try await self.stored { store throws(SendingStoreError) in try await store.prepare(prepared) }
        // Nobody has bytes that were signed this moment, so there is nothing to look for.
        try await advance(&stored, first: .send)
    }

    // MARK: Errors

    func sign(_ transaction: Transaction, _ key: Secp256k1Key) throws(SendingError) -> SignedTransaction {
        do { return try transaction.signed(by: key) } catch { throw .signing }
    }

    func asked<Value>(_ body: (EthereumClient) async throws(RPCError) -> Value) async throws(SendingError)
        -> Value
    {
        do { return try await body(client) } catch { throw .rpc(error) }
    }

    @discardableResult
    func stored<Value>(
        _ body: (SendingStore) async throws(SendingStoreError) -> Value
    ) async throws(SendingError) -> Value {
        do { return try await body(store) } catch { throw .store(error) }
    }
}
