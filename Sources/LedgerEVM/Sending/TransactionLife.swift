public import Ledger

/// The life of one nonce of a sending key: from the bytes on disk to a block that nobody takes back (ledger specification, §9).
///
/// ```
///                 ┌────────────── replaced (fees + 12.5 %, same content) ◄─┐
///                 ▼                                                        │
///   prepared ── sent ──► waits ── 3 blocks ────────────────────────────────┘
///      ▲  ▲       │
///      │  └ lost ─┤ (swallowed, forgotten, reorganised away)
///      │          ▼
///      └───── included ──► final
///
///   prepared, sent or included ──► dropped    another transaction used the nonce for good
/// ```
///
/// It holds no socket, clock or file. Every attempt at the nonce has the same content and differs by its fees alone, so that
/// it does not matter which of them a block takes.
public struct TransactionLife: Hashable, Sendable {
    /// Where it stands.
    public enum State: Hashable, Sendable {
        /// Signed and on disk; whether anyone has it is not known.
        case prepared
        /// An endpoint had it when the newest block was this one.
        case sent(since: UInt64)
        /// In a block that may be taken back.
        case included(Mined)
        /// In a block for good.
        case final(Mined)
        /// The nonce was used, for good, by a transaction that is not one of the attempts.
        case dropped
    }

    /// The place of an attempt in a block.
    public struct Mined: Hashable, Sendable {
        /// The attempt.
        public var hash: Bytes32
        /// The block's number.
        public var block: UInt64
        /// The block's hash.
        public var blockHash: Bytes32
        /// Whether the call did what it was to do.
        public var succeeded: Bool

        /// Makes a place.
        public init(hash: Bytes32, block: UInt64, blockHash: Bytes32, succeeded: Bool) {
            self.hash = hash
            self.block = block
            self.blockHash = blockHash
            self.succeeded = succeeded
        }
    }

    /// What an endpoint said to the newest attempt.
    public enum SendAnswer: Hashable, Sendable {
        /// It took it, or had it.
        case taken
        /// The nonce is used.
        case nonceTooLow
        /// The fees are too low, or too little above those of an earlier attempt.
        case underpriced
        /// The sender's account cannot pay for the gas.
        case unaffordable
        /// It refuses for another reason.
        case refused
        /// No answer: the transaction may have arrived.
        case none
    }

    /// What was found when it was looked for.
    public enum Sighting: Hashable, Sendable {
        /// A block of the chain holds one of the attempts.
        case mined(Mined)
        /// An endpoint has one of the attempts, and no block does.
        case waiting
        /// Nobody has any.
        case nowhere
    }

    /// The chain at the time of looking, asked for before the attempts were.
    public struct View: Hashable, Sendable {
        /// The number of the newest block.
        public var head: UInt64
        /// The number of the newest block that cannot be taken back.
        public var finalized: UInt64
        /// Nonces below this are used in the newest block.
        public var usedNonces: UInt64
        /// Nonces below this are used for good.
        public var finalNonces: UInt64

        /// Makes a view.
        public init(head: UInt64, finalized: UInt64, usedNonces: UInt64, finalNonces: UInt64) {
            self.head = head
            self.finalized = finalized
            self.usedNonces = usedNonces
            self.finalNonces = finalNonces
        }
    }

    /// What happens to it.
    public enum Event: Hashable, Sendable {
        /// An endpoint answered to the newest attempt.
        case answered(SendAnswer, head: UInt64)
        /// It was looked for.
        case looked(Sighting, View)
        /// A further attempt with higher fees is on disk.
        case replaced
    }

    /// What is to be done.
    public enum Action: Hashable, Sendable {
        /// Nothing until the next look.
        case wait
        /// Look for it.
        case look
        /// Send the newest attempt.
        case send
        /// Write an attempt with higher fees to disk, then report ``Event/replaced``; where fees are at their limit, wait.
        case replace
        /// Nothing came of it, and nothing can: the content needs another nonce.
        case startOver
    }

    /// Blocks without it after which it is replaced (ledger specification, §7).
    public static let patience: UInt64 = 3

    /// Its number among the sender's transactions.
    public let nonce: UInt64
    /// Where it stands.
    public private(set) var state: State
    /// When the newest attempt was first taken: the number of the newest block at that time.
    private(set) var firstSent: UInt64?
    /// The newest block when the nonce was first found used for good by nobody's attempt; a second look at a later block has
    /// to agree, since the machines behind one address may lag behind one another.
    private(set) var missedSince: UInt64?

    /// Begins with bytes on disk, or goes on after a restart.
    ///
    /// The first thing to do is always to look: they may have been sent.
    public init(nonce: UInt64, state: State = .prepared, firstSent: UInt64? = nil, missedSince: UInt64? = nil) {
        self.nonce = nonce
        self.state = state
        self.firstSent = firstSent
        self.missedSince = missedSince
    }

    /// Whether nothing can happen to it any more.
    public var isOver: Bool {
        switch state {
        case .final, .dropped: true
        case .prepared, .sent, .included: false
        }
    }

    /// Takes what happened and answers what to do.
    public mutating func handle(_ event: Event) -> Action {
        switch (state, event) {
        case (.final, _), (.dropped, _): return .wait
        case (.included, .answered), (.included, .replaced): return .look
        case (.prepared, .answered(let answer, let head)), (.sent, .answered(let answer, let head)):
            return handle(answer, head: head)
        case (.prepared, .replaced), (.sent, .replaced):
            state = .prepared
            firstSent = nil
            return .send
        case (_, .looked(.mined(let mined), let view)):
            missedSince = nil
            state = mined.block <= view.finalized ? .final(mined) : .included(mined)
            return .wait
        case (_, .looked(.waiting, let view)):
            missedSince = nil
            let since = firstSent ?? view.head
            firstSent = since
            state = .sent(since: since)
            // Behind another nonce it waits for that one, and not for higher fees.
            return isImpatient(view) && view.usedNonces == nonce ? .replace : .wait
        case (_, .looked(.nowhere, let view)): return handleAbsence(view)
        }
    }

    private mutating func handle(_ answer: SendAnswer, head: UInt64) -> Action {
        switch answer {
        case .taken:
            let since = firstSent ?? head
            firstSent = since
            state = .sent(since: since)
            return .look
        case .nonceTooLow: return .look
        case .underpriced: return .replace
        case .none:
            state = .prepared
            return .look
        case .unaffordable, .refused: return .wait
        }
    }

    private mutating func handleAbsence(_ view: View) -> Action {
        state = .prepared
        if view.finalNonces > nonce {
            guard let missedSince, view.head > missedSince else {
                missedSince = missedSince ?? view.head
                return .wait
            }
            state = .dropped
            return .startOver
        }
        missedSince = nil
        // Used by another transaction that may still be taken back.
        guard view.usedNonces <= nonce else { return .wait }
        return isImpatient(view) && view.usedNonces == nonce ? .replace : .send
    }

    private func isImpatient(_ view: View) -> Bool {
        guard let firstSent else { return false }
        return view.head >= firstSent && view.head - firstSent >= Self.patience
    }
}

extension RPCError {
    /// What an answer to `eth_sendRawTransaction` says; endpoints say it in words that differ.
    var sendAnswer: TransactionLife.SendAnswer {
        guard case .refused(let refusal) = self else { return .none }
        if refusal.isInternal { return .none }
        let message = refusal.message.lowercased()
        func says(_ words: String...) -> Bool { words.contains { message.contains($0) } }
        if says("already known", "known transaction", "already imported", "alreadyknown") { return .taken }
        if says("nonce too low", "nonce is too low", "oldnonce", "invalid nonce") { return .nonceTooLow }
        if says("underpriced", "fee too low", "gas price too low", "feetoolow", "less than block base fee") {
            return .underpriced
        }
        if says("insufficient funds", "insufficientfunds", "insufficient balance") { return .unaffordable }
        return .refused
    }
}
