import Foundation
import GRDB
import Ledger

// Submissions.
extension SendingStore {
    /// Writes a submission unless there is one of its name, and answers the one that there is.
    ///
    /// - Returns: `nil` when too many wait.
    func begin(_ submission: StoredSubmission, mostWaiting: Int) async throws(SendingStoreError) -> StoredSubmission? {
        try await write { db in
            if let stored = try Self.submission(submission.id, db) { return stored }
            let waiting = try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM submissions WHERE refusal IS NULL AND nonce IS NULL"
            )
            guard waiting ?? 0 < mostWaiting else { return nil }
            try db.execute(
                sql: """
                    INSERT INTO submissions (id, caller, contract, call, urgent, created, refusal)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Data(submission.id.bytes.bytes), Data(submission.caller.bytes), Data(submission.contract.bytes),
                    Data(submission.call), submission.isUrgent ? 1 : 0, Int64(bitPattern: submission.created),
                    submission.refusal?.rawValue,
                ]
            )
            return try Self.submission(submission.id, db)
        }
    }

    func submission(_ id: SubmissionID) async throws(SendingStoreError) -> StoredSubmission? {
        try await read { db in try Self.submission(id, db) }
    }

    /// The next submission of a caller that no transaction carries.
    func nextWaiting(_ caller: Address) async throws(SendingStoreError) -> StoredSubmission? {
        try await read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM submissions WHERE caller = ? AND refusal IS NULL AND nonce IS NULL
                    ORDER BY number LIMIT 1
                    """,
                arguments: [Data(caller.bytes)]
            ).map(Self.submission)
        }
    }

    func refuse(_ id: SubmissionID, _ reason: Reason) async throws(SendingStoreError) {
        try await write { db in
            try db.execute(
                sql: "UPDATE submissions SET refusal = ? WHERE id = ?",
                arguments: [reason.rawValue, Data(id.bytes.bytes)]
            )
        }
    }

    /// Everyone for whom something is not finished.
    func busySenders() async throws(SendingStoreError) -> [Address] {
        try await read { db in
            let rows = try Data.fetchAll(
                db,
                sql: """
                    SELECT caller FROM submissions WHERE refusal IS NULL AND nonce IS NULL
                    UNION SELECT sender FROM transactions WHERE state NOT IN ('final', 'dropped')
                    """
            )
            return try rows.map { try Self.address($0, "submissions") }
        }
    }

    private static func submission(_ id: SubmissionID, _ db: Database) throws -> StoredSubmission? {
        try Row.fetchOne(db, sql: "SELECT * FROM submissions WHERE id = ?", arguments: [Data(id.bytes.bytes)])
            .map(submission)
    }

    private static func submission(_ row: Row) throws -> StoredSubmission {
        let refusal: String? = row["refusal"]
        let nonce: Int64? = row["nonce"]
        return StoredSubmission(
            number: row["number"],
            id: SubmissionID(try word(row["id"], "submissions")),
            caller: try address(row["caller"], "submissions"),
            contract: try address(row["contract"], "submissions"),
            call: Array(row["call"] as Data),
            isUrgent: row["urgent"] == 1,
            created: UInt64(bitPattern: row["created"]),
            refusal: refusal.map { Reason(rawValue: $0) },
            nonce: nonce.map { UInt64(bitPattern: $0) }
        )
    }
}

// Transactions.
extension SendingStore {
    /// Writes a transaction with its first attempt, before anyone has its bytes.
    func prepare(_ transaction: StoredTransaction) async throws(SendingStoreError) {
        try await write { db in
            try db.execute(
                sql: """
                    INSERT INTO transactions (sender, nonce, submission, purpose, target, data, gas, state)
                    VALUES (?, ?, ?, ?, ?, ?, ?, 'prepared')
                    """,
                arguments: [
                    Data(transaction.sender.bytes), Int64(bitPattern: transaction.nonce),
                    Data(transaction.submission.bytes.bytes), transaction.purpose.rawValue,
                    Data(transaction.to.bytes), Data(transaction.data), Int64(bitPattern: transaction.gasLimit),
                ]
            )
            for attempt in transaction.attempts { try Self.insert(attempt, db) }
            if transaction.purpose == .command {
                try db.execute(
                    sql: "UPDATE submissions SET nonce = ? WHERE id = ?",
                    arguments: [
                        Int64(bitPattern: transaction.nonce), Data(transaction.submission.bytes.bytes),
                    ]
                )
            }
        }
    }

    /// Writes a further attempt, before anyone has its bytes.
    func add(_ attempt: SignedTransaction, _ life: TransactionLife) async throws(SendingStoreError) {
        try await write { db in
            try Self.insert(attempt, db)
            try Self.update(attempt.sender, life, nil, db)
        }
    }

    /// Writes where a transaction stands.
    func save(_ transaction: StoredTransaction) async throws(SendingStoreError) {
        try await write { db in
            try Self.update(transaction.sender, transaction.life, transaction.effect, db)
            if transaction.life.state == .dropped, transaction.purpose == .command {
                try db.execute(
                    sql: "UPDATE submissions SET nonce = NULL WHERE id = ? AND nonce = ?",
                    arguments: [
                        Data(transaction.submission.bytes.bytes), Int64(bitPattern: transaction.nonce),
                    ]
                )
            }
        }
    }

    /// The transactions of a sender that are not over, in the order of their nonces.
    func unfinished(_ sender: Address) async throws(SendingStoreError) -> [StoredTransaction] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM transactions WHERE sender = ? AND state NOT IN ('final', 'dropped') ORDER BY nonce
                    """,
                arguments: [Data(sender.bytes)]
            ).map { try Self.transaction($0, db) }
        }
    }

    /// The transaction that carries a submission, or the newest that lets its tokens be taken.
    func transaction(
        for submission: SubmissionID,
        _ purpose: Purpose
    ) async throws(SendingStoreError) -> StoredTransaction? {
        try await read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM transactions WHERE submission = ? AND purpose = ? AND state != 'dropped'
                    ORDER BY nonce DESC LIMIT 1
                    """,
                arguments: [Data(submission.bytes.bytes), purpose.rawValue]
            ).map { try Self.transaction($0, db) }
        }
    }

    /// The nonce behind the last that was given out; zero where none was.
    func nextNonce(_ sender: Address) async throws(SendingStoreError) -> UInt64 {
        try await read { db in
            let last = try Int64.fetchOne(
                db,
                sql: "SELECT max(nonce) FROM transactions WHERE sender = ? AND state != 'dropped'",
                arguments: [Data(sender.bytes)]
            )
            return last.map { UInt64(bitPattern: $0) + 1 } ?? 0
        }
    }

    private static func insert(_ attempt: SignedTransaction, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO attempts
                SELECT ?1, ?2, count(*), ?3 FROM attempts WHERE sender = ?1 AND nonce = ?2
                """,
            arguments: [
                Data(attempt.sender.bytes), Int64(bitPattern: attempt.transaction.nonce), Data(attempt.raw),
            ]
        )
    }

    private static func update(_ sender: Address, _ life: TransactionLife, _ effect: Effect?, _ db: Database) throws {
        let (name, mined) = life.state.columns
        try db.execute(
            sql: """
                UPDATE transactions SET state = ?, first_sent = ?, missed_since = ?, mined_hash = ?, block = ?, block_hash = ?,
                    succeeded = ?, time = ?, logs = ?, failure = ? WHERE sender = ? AND nonce = ?
                """,
            arguments: [
                name, life.firstSent.map { Int64(bitPattern: $0) }, life.missedSince.map { Int64(bitPattern: $0) },
                mined.map { Data($0.hash.bytes) },
                mined.map { Int64(bitPattern: $0.block) }, mined.map { Data($0.blockHash.bytes) },
                mined.map { $0.succeeded ? 1 : 0 }, effect.map { Int64(bitPattern: $0.time) },
                effect.map { Data(RLP.list($0.logs.map(\.rlp)).encoded()) }, effect?.failure?.rawValue,
                Data(sender.bytes), Int64(bitPattern: life.nonce),
            ]
        )
    }

    private static func transaction(_ row: Row, _ db: Database) throws -> StoredTransaction {
        let table = "transactions"
        let sender = try address(row["sender"], table)
        let nonce = UInt64(bitPattern: row["nonce"])
        let firstSent: Int64? = row["first_sent"]
        let missedSince: Int64? = row["missed_since"]
        var mined: TransactionLife.Mined?
        if let hash: Data = row["mined_hash"], let block: Int64 = row["block"], let blockHash: Data = row["block_hash"]
        {
            mined = TransactionLife.Mined(
                hash: try word(hash, table),
                block: UInt64(bitPattern: block),
                blockHash: try word(blockHash, table),
                succeeded: row["succeeded"] == 1
            )
        }
        guard
            let state = TransactionLife.State(
                column: row["state"],
                mined: mined,
                since: firstSent.map { UInt64(bitPattern: $0) }
            ), let purpose = Purpose(rawValue: row["purpose"])
        else { throw BadRow(table: table) }
        let raws = try Data.fetchAll(
            db,
            sql: "SELECT raw FROM attempts WHERE sender = ? AND nonce = ? ORDER BY position",
            arguments: [Data(sender.bytes), Int64(bitPattern: nonce)]
        )
        let attempts = try raws.map { raw in
            guard let attempt = try? SignedTransaction(raw: Array(raw)), attempt.sender == sender,
                attempt.transaction.nonce == nonce
            else { throw BadRow(table: "attempts") }
            return attempt
        }
        guard !attempts.isEmpty else { throw BadRow(table: "attempts") }
        return StoredTransaction(
            sender: sender,
            submission: SubmissionID(try word(row["submission"], table)),
            purpose: purpose,
            to: try address(row["target"], table),
            data: Array(row["data"] as Data),
            gasLimit: UInt64(bitPattern: row["gas"]),
            life: TransactionLife(
                nonce: nonce,
                state: state,
                firstSent: firstSent.map { UInt64(bitPattern: $0) },
                missedSince: missedSince.map { UInt64(bitPattern: $0) }
            ),
            attempts: attempts,
            effect: try effect(row)
        )
    }

    private static func effect(_ row: Row) throws -> Effect? {
        guard let time: Int64 = row["time"], let bytes: Data = row["logs"] else { return nil }
        guard case .list(let items)? = try? RLP(Array(bytes)) else { throw BadRow(table: "transactions") }
        let failure: String? = row["failure"]
        return Effect(
            time: UInt64(bitPattern: time),
            logs: try items.map { item in
                guard let log = StoredLog(item) else { throw BadRow(table: "transactions") }
                return log
            },
            failure: failure.map { Reason(rawValue: $0) }
        )
    }

    static func word(_ data: Data, _ table: String) throws -> Bytes32 {
        guard let word = Bytes32(Array(data)) else { throw BadRow(table: table) }
        return word
    }

    static func address(_ data: Data, _ table: String) throws -> Address {
        guard let address = Address(Array(data)) else { throw BadRow(table: table) }
        return address
    }
}

extension TransactionLife.State {
    fileprivate var columns: (name: String, mined: TransactionLife.Mined?) {
        switch self {
        case .prepared: ("prepared", nil)
        case .sent: ("sent", nil)
        case .included(let mined): ("included", mined)
        case .final(let mined): ("final", mined)
        case .dropped: ("dropped", nil)
        }
    }

    fileprivate init?(column: String, mined: TransactionLife.Mined?, since: UInt64?) {
        switch (column, mined, since) {
        case ("prepared", _, _): self = .prepared
        case ("sent", _, let since?): self = .sent(since: since)
        case ("included", let mined?, _): self = .included(mined)
        case ("final", let mined?, _): self = .final(mined)
        case ("dropped", _, _): self = .dropped
        default: return nil
        }
    }
}
