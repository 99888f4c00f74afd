import Foundation
import GRDB
import Ledger
import NIOConcurrencyHelpers

/// What a ledger needs in memory, read from a database that verifies.
struct OpenedLedger {
    var core: LedgerCore
    var head: StoredBlock
    var checkpoint: Checkpoint
}

/// Opens or begins the database of a ledger.
enum LedgerOpening {
    /// Blocks whose chain, content and signatures are checked whenever a ledger is opened (specification, §9 "Start").
    ///
    /// Block zero is checked with them: it alone says who holds which role.
    static let checkedBlocks: UInt64 = 1_000

    static func pool(path: String) throws(LedgerOpenError) -> DatabasePool {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
            throw .notWritable(path: path, problem: "there is no folder \(folder)")
        }
        var configuration = Configuration()
        configuration.label = "lattice.ledger"
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            // GRDB takes NORMAL for a write-ahead log, which may lose the last commits when the power fails.
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        do {
            return try DatabasePool(path: path, configuration: configuration)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .notALedger(path: path, problem: "it is no SQLite database")
        } catch {
            throw .notWritable(path: path, problem: "\(error)")
        }
    }

    /// Whether the database holds anything.
    static func isEmpty(_ db: Database) throws -> Bool {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
    }

    /// Writes block zero.
    static func begin(
        _ genesis: Genesis,
        clusterKey: ClusterKey,
        time: UInt64,
        _ db: Database
    ) throws {
        let domain = TypedDomain.local(clusterPublicKey: clusterKey.publicKey)
        var core = LedgerCore(genesis: genesis, domain: domain)
        let events = core.begin(at: time)
        let command = BlockCommand(
            submission: Genesis.submission.bytes,
            caller: genesis.administrator,
            contract: core.contracts[.userRegistry],
            body: genesis.encoded(),
            outcome: ""
        )
        try LedgerDatabase.create(db, publicKey: clusterKey.publicKey)
        let block = NewBlock(
            number: 0,
            parent: .zero,
            time: time,
            commands: [command],
            events: events.map { BlockEvent($0, command: 0, contracts: core.contracts) }
        )
        var checkpoint = Checkpoint(number: 0, hash: block.hash)
        try block.write(changes: core.state.takeChanges(), checkpoint: &checkpoint, key: clusterKey, db)
    }

    /// Refuses another program's database, and one whose rules are not those of this version.
    static func checkFormat(path: String, _ db: Database) throws {
        guard try Int.fetchOne(db, sql: "PRAGMA application_id") == LedgerDatabase.applicationID else {
            throw LedgerOpenError.notALedger(path: path, problem: "its application id is another program's")
        }
        let format = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard format == LedgerDatabase.version else {
            throw LedgerOpenError.otherFormat(path: path, format: format, expected: LedgerDatabase.version)
        }
    }

    /// Checks the newest blocks and the tables, and reads the state.
    static func load(_ db: Database, path: String, publicKey expected: [UInt8]) throws -> OpenedLedger {
        try checkFormat(path: path, db)
        guard try LedgerDatabase.publicKey(db) == expected, let verifier = ClusterVerifier(publicKey: expected) else {
            throw LedgerOpenError.wrongKey(path: path)
        }
        guard let head = try LedgerDatabase.head(db) else {
            throw VerificationFault(block: 0, table: "blocks", problem: "there is none")
        }
        let number = head.header.number
        do {
            try checkPlaces(upTo: number, db)
            try checkChain(upTo: number, verifier, db)
            let genesis = try readGenesis(db)
            var core = LedgerCore(genesis: genesis, domain: .local(clusterPublicKey: expected))
            let checkpoint = try checkTables(head, verifier, into: &core.state, db)
            return OpenedLedger(core: core, head: head, checkpoint: checkpoint)
        } catch let error as MalformedRow {
            throw VerificationFault(block: number, table: error.table, problem: "a row has values of other types")
        } catch let error as DatabaseError {
            throw VerificationFault(block: number, problem: "the database cannot be read: \(error)")
        }
    }

    private static func checkChain(upTo number: UInt64, _ verifier: ClusterVerifier, _ db: Database) throws {
        let first = number >= checkedBlocks ? number - checkedBlocks + 1 : 0
        if first > 0 { try checkBlocks(from: 0, to: 0, verifier, db) }
        try checkBlocks(from: first, to: number, verifier, db)
    }

    private static func checkBlocks(
        from first: UInt64,
        to number: UInt64,
        _ verifier: ClusterVerifier,
        _ db: Database
    ) throws {
        let before = first == 0 ? nil : try LedgerDatabase.blocks(from: first - 1, to: first - 1, db).first
        var checker = ChainChecker(verifier: verifier, after: before)
        // A hundred blocks at a time bound the memory.
        for start in stride(from: first, through: number, by: 100) {
            let end = min(start + 99, number)
            let blocks = try LedgerDatabase.blocks(from: start, to: end, db)
            guard blocks.count == Int(end - start) + 1 else {
                throw VerificationFault(block: start, table: "blocks", problem: "blocks up to \(end) are missing")
            }
            var slices = BlockSlices(
                commands: try LedgerDatabase.commands(from: start, to: end, db),
                events: try LedgerDatabase.events(from: start, to: end, db)
            )
            for block in blocks {
                let (commands, events) = slices.take(block.header.number)
                try checker.check(block, commands: slices.commands[commands], events: slices.events[events])
            }
        }
    }

    /// Refuses rows that belong to no block of the chain: one there would stop the writer, or pass for the answer to a
    /// command that nobody sent yet.
    static func checkPlaces(upTo number: UInt64, _ db: Database) throws {
        for table in ["blocks", "commands", "events"] where try LedgerDatabase.hasRows(of: table, beyond: number, db) {
            throw VerificationFault(block: number, table: table, problem: "it has rows outside the chain")
        }
    }

    static func readGenesis(_ db: Database) throws -> Genesis {
        guard let command = try LedgerDatabase.commands(from: 0, to: 0, db).first,
            let genesis = Genesis(call: command.command.body)
        else { throw VerificationFault(block: 0, table: "commands", problem: "there is no genesis") }
        return genesis
    }

    /// Holds the state tables against the cluster's checkpoint and reads them.
    static func checkTables(
        _ head: StoredBlock,
        _ verifier: ClusterVerifier,
        into state: inout LedgerState,
        _ db: Database
    ) throws -> Checkpoint {
        let number = head.header.number
        guard let (checkpoint, signature) = try LedgerDatabase.checkpoint(db), checkpoint.number == number,
            checkpoint.hash == head.hash, verifier.isValid(signature, for: checkpoint.signingBytes)
        else {
            throw VerificationFault(
                block: number,
                table: "checkpoint",
                problem: "it is not the cluster's for this block"
            )
        }
        for table in LedgerState.tables {
            var digest = TableDigest()
            try LedgerDatabase.forEachRow(of: table, db) { cells in
                digest.add(cells, of: table.name)
                let key = Array(cells.prefix(table.keyColumns.count))
                try state.adopt(RowChange(table: table.name, key: key, before: nil, after: cells))
            }
            guard digest == checkpoint.digests[table.name] ?? TableDigest() else {
                throw VerificationFault(
                    block: number,
                    table: table.name,
                    problem: "its rows are not those that the block left"
                )
            }
        }
        return checkpoint
    }
}

/// A block that is about to be written.
struct NewBlock {
    let header: BlockHeader
    let hash: Bytes32
    let commands: [BlockCommand]
    let events: [BlockEvent]

    init(number: UInt64, parent: Bytes32, time: UInt64, commands: [BlockCommand], events: [BlockEvent]) {
        self.commands = commands
        self.events = events
        header = BlockHeader(
            number: number,
            parent: parent,
            time: time,
            commandsRoot: MerkleTree.root(commands.map(\.leaf)),
            eventsRoot: MerkleTree.root(events.map(\.leaf))
        )
        hash = header.hash
    }

    /// Writes the block with its state and the checkpoint after it, within the transaction of the caller.
    func write(
        changes: [RowChange],
        checkpoint: inout Checkpoint,
        key: ClusterKey,
        _ db: Database
    ) throws {
        checkpoint.number = header.number
        checkpoint.hash = hash
        for change in changes {
            checkpoint.apply(change)
            try LedgerDatabase.write(change, db)
        }
        guard let signature = key.sign(hash.bytes), let checkpointSignature = key.sign(checkpoint.signingBytes) else {
            throw LedgerError.unavailable("the cluster key does not sign")
        }
        try LedgerDatabase.insert(header, hash: hash, signature: signature, db)
        for (index, command) in commands.enumerated() {
            try LedgerDatabase.insert(command, number: header.number, index: index, db)
        }
        for (index, event) in events.enumerated() {
            try LedgerDatabase.insert(event, number: header.number, index: index, db)
        }
        try LedgerDatabase.write(checkpoint, signature: checkpointSignature, db)
    }

    /// The block as a reader finds it; the signature is in the database only.
    var stored: StoredBlock { StoredBlock(header: header, hash: hash, signature: []) }
}
