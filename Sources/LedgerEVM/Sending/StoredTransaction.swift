import Ledger

/// A command as it was handed in.
struct StoredSubmission: Hashable, Sendable {
    /// Its place among all.
    var number: Int64
    var id: SubmissionID
    var caller: Address
    var contract: Address
    var call: [UInt8]
    /// Whether it goes out however dear gas is.
    var isUrgent: Bool
    /// When it was handed in, in seconds since 1970.
    var created: UInt64
    /// Why it was refused before anything was sent.
    var refusal: Reason?
    /// The nonce of the transaction that carries it.
    var nonce: UInt64?

    var isWaiting: Bool { refusal == nil && nonce == nil }
}

/// What a transaction is for.
enum Purpose: Int64, Sendable {
    /// The command itself.
    case command = 0
    /// Lets a contract take the tokens that the command pays.
    case approval = 1
}

/// What a transaction did, once a block holds it.
struct Effect: Hashable, Sendable {
    /// The block's time in seconds since 1970.
    var time: UInt64
    var logs: [StoredLog]
    /// Why it did nothing; `nil` where it did what it was to do, or where the reason is not known yet.
    var failure: Reason?
}

/// A log as it is kept: what a receipt said of it, less the place.
struct StoredLog: Hashable, Sendable {
    var address: Address
    var topics: [Bytes32]
    var data: [UInt8]

    init(_ log: ChainLog) {
        address = log.address
        topics = log.topics
        data = log.data
    }

    var rlp: RLP { .list([.bytes(address.bytes), .list(topics.map { .bytes($0.bytes) }), .bytes(data)]) }

    init?(_ item: RLP) {
        guard case .list(let parts) = item, parts.count == 3, case .bytes(let place) = parts[0],
            let address = Address(place), case .list(let words) = parts[1], case .bytes(let data) = parts[2]
        else { return nil }
        var topics: [Bytes32] = []
        for case .bytes(let bytes) in words {
            guard let word = Bytes32(bytes) else { return nil }
            topics.append(word)
        }
        self.address = address
        self.topics = topics
        self.data = data
    }
}

/// One nonce of a sender: its content, its attempts and where it stands.
struct StoredTransaction: Hashable, Sendable {
    var sender: Address
    var submission: SubmissionID
    var purpose: Purpose
    var to: Address
    var data: [UInt8]
    var gasLimit: UInt64
    var life: TransactionLife
    /// Oldest first; all with the same content.
    var attempts: [SignedTransaction]
    var effect: Effect?

    var nonce: UInt64 { life.nonce }
}
