public import Ledger
public import struct Ledger.Cursor
public import Logging

import Foundation
import GRDB
import NIOConcurrencyHelpers

/// The local ledger: the rules of the contracts in one process, kept in a hash-chained SQLite database (ledger
/// specification, §9 "Local implementation").
///
/// One writer puts commands into blocks; reads of the state answer from memory, as it is after the newest block on disk.
/// A block on disk is final.
public final class EmbeddedLedger: Ledger {
    /// The domain under which messages for this ledger are signed.
    public let domain: TypedDomain
    /// The accounts of the contracts' rules.
    public let contracts: ContractAddresses
    /// What the ledger began with, as its block zero says.
    public let genesis: Genesis

    /// The most events in one page.
    public static let mostEvents = 1_000
    /// The longest command in bytes: two hundred vouchers are 52 KB, an assertion at most 3 KB.
    static let longestCommand = 128 * 1024

    private let pool: DatabasePool
    private let lock: LedgerLock
    private let writer: BlockWriter
    private let committed: NIOLockedValueBox<Committed>
    private let now: @Sendable () -> UInt64
    private let logger: Logger

    private init(
        pool: DatabasePool,
        lock: LedgerLock,
        opened: OpenedLedger,
        key: ClusterKey,
        logger: Logger,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.pool = pool
        self.lock = lock
        self.now = now
        self.logger = logger
        domain = opened.core.domain
        contracts = opened.core.contracts
        genesis = opened.core.genesis
        committed = NIOLockedValueBox(Committed(core: opened.core, head: opened.head))
        writer = BlockWriter(
            pool: pool,
            key: key,
            opened: opened,
            committed: committed,
            logger: logger,
            now: now
        )
    }

    /// Opens the ledger at a path, or begins one there.
    ///
    /// Before it is opened, its newest thousand blocks are checked, and its tables are held against the cluster's signed
    /// checkpoint. A ledger that does not verify is not opened.
    ///
    /// - Parameters:
    ///   - path: the database file; `-wal`, `-shm` and `.lock` stand beside it.
    ///   - clusterKey: signs the blocks; the one that the ledger was begun with.
    ///   - genesis: what a ledger begins with that does not exist yet; a ledger that exists keeps its own.
    ///   - now: the time in seconds since 1970. Where it runs back, the ledger's time stands still.
    public static func open(
        path: String,
        clusterKey: ClusterKey,
        genesis: Genesis?,
        logger: Logger = Logger(label: "lattice.ledger"),
        now: @escaping @Sendable () -> UInt64 = EmbeddedLedger.systemTime
    ) async throws(LedgerOpenError) -> EmbeddedLedger {
        let lock = try LedgerLock(path: path)
        let pool = try LedgerOpening.pool(path: path)
        do {
            let opened = try await pool.write { db in
                if try LedgerOpening.isEmpty(db) {
                    guard let genesis else { throw LedgerOpenError.noLedger(path: path) }
                    if let fault = genesis.fault { throw LedgerOpenError.badGenesis(fault.rawValue) }
                    try LedgerOpening.begin(genesis, clusterKey: clusterKey, time: now(), db)
                }
                return try LedgerOpening.load(db, path: path, publicKey: clusterKey.publicKey)
            }
            logger.info(
                "the ledger is open",
                metadata: ["path": "\(path)", "block": "\(opened.head.header.number)"]
            )
            return EmbeddedLedger(
                pool: pool,
                lock: lock,
                opened: opened,
                key: clusterKey,
                logger: logger,
                now: now
            )
        } catch let error as LedgerOpenError {
            throw error
        } catch let fault as VerificationFault {
            throw .damaged(path: path, fault)
        } catch let error as MalformedRow {
            throw .damaged(path: path, VerificationFault(block: 0, table: error.table, problem: "a row is malformed"))
        } catch let error as DatabaseError where [.SQLITE_READONLY, .SQLITE_CANTOPEN].contains(error.resultCode) {
            throw .notWritable(path: path, problem: "\(error)")
        } catch {
            throw .notALedger(path: path, problem: "\(error)")
        }
    }

    /// Writes what waits, refuses what comes later, and lets go of the file.
    public func close() async {
        await writer.close()
        do {
            try pool.close()
        } catch {
            // Nothing is lost: what was answered is on disk.
            logger.warning("the ledger's file did not close", metadata: ["error": "\(error)"])
        }
        lock.release()
    }

    /// The system's clock, in seconds since 1970.
    public static let systemTime: @Sendable () -> UInt64 = { UInt64(max(0, Date().timeIntervalSince1970)) }

    // MARK: Commands

    /// Hands in a command; answers when it is on disk.
    ///
    /// The caller's address is taken as given: whoever embeds the ledger authenticates callers. What carries a user's
    /// signature is checked here.
    public func submit(
        _ command: Command,
        caller: Address,
        id: SubmissionID
    ) async throws(LedgerError) -> Submission {
        guard id != Genesis.submission else { throw .reservedName }
        if case .settle(let entries) = command, entries.count > SettleEntry.mostInOneCall {
            return Submission(id: id, outcome: .rejected(.tooMany))
        }
        let body = command.encoded()
        guard body.count <= Self.longestCommand else { return Submission(id: id, outcome: .rejected(.tooMany)) }
        let read: Command
        do {
            // What is applied is what a replay will read, whatever shapes of one command there are in memory.
            read = try Command(contract: command.contract, call: body)
        } catch {
            throw .unavailable("the command does not read back: \(error)")
        }
        let call = Call(read, caller: caller, witness: await Witness.make(read, domain: domain))
        return try await writer.submit(call, body: body, id: id).get()
    }

    /// What became of a command, or `nil` when the ledger never saw it.
    public func outcome(_ id: SubmissionID) async throws(LedgerError) -> Outcome? {
        let contracts = contracts
        return try await read { db in
            guard let stored = try LedgerDatabase.command(submission: id.bytes, db) else { return nil }
            return try LedgerDatabase.outcome(of: stored, contracts: contracts, db)
        }
    }

    // MARK: Events

    /// Events after a place, oldest first, at most ``mostEvents``.
    public func events(after cursor: Cursor?, limit: Int) async throws(LedgerError) -> EventPage {
        let limit = min(max(limit, 0), Self.mostEvents)
        let contracts = contracts
        let events = try await read { db in
            try LedgerDatabase.events(after: cursor, limit: limit, db).map { try $0.event(contracts) }
        }
        return EventPage(events: events, next: events.last?.cursor ?? cursor)
    }

    /// The newest events, newest first, at most ``mostEvents``.
    public func newestEvents(limit: Int) async throws(LedgerError) -> [LedgerEvent] {
        let limit = min(max(limit, 0), Self.mostEvents)
        let contracts = contracts
        return try await read { db in
            try LedgerDatabase.newestEvents(limit: limit, db).map { try $0.event(contracts) }
        }
    }

    private func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(LedgerError) -> Value {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_MISUSE {
            throw .closed
        } catch {
            throw .unavailable("\(error)")
        }
    }
}

// Reads of the state, from memory.
extension EmbeddedLedger {
    /// The newest block on disk; all blocks are final.
    public func head() async throws(LedgerError) -> LedgerHead {
        committed.withLockedValue { committed in
            let header = committed.head.header
            return LedgerHead(
                number: header.number,
                hash: committed.head.hash,
                time: header.time,
                finalized: header.number
            )
        }
    }

    /// A user, or `nil` when the number was never given out.
    public func user(_ id: UserID) async throws(LedgerError) -> UserRecord? {
        committed.withLockedValue { $0.core.state.users[id] }
    }

    /// The user that a root belongs to.
    public func user(root: KeyID) async throws(LedgerError) -> UserID? {
        committed.withLockedValue { $0.core.state.roots[root]?.user }
    }

    /// A user's money.
    public func funds(_ id: UserID) async throws(LedgerError) -> Funds {
        committed.withLockedValue { $0.core.state.funds[id] } ?? Funds()
    }

    /// A session key, or `nil` when it was never granted.
    public func key(_ id: KeyID) async throws(LedgerError) -> KeyRecord? {
        committed.withLockedValue { $0.core.state.keys[id] }
    }

    /// What a key paid a node.
    public func channel(_ key: KeyID, _ node: NodeID) async throws(LedgerError) -> Channel {
        committed.withLockedValue { $0.core.state.channels[ChannelName(key: key, node: node)] } ?? Channel()
    }

    /// A node, or `nil` when the number was never given out.
    public func node(_ id: NodeID) async throws(LedgerError) -> NodeRecord? {
        let time = time
        return look { $0.state.nodes[id]?.current(at: time) }
    }

    /// The node that a signing address serves.
    public func node(signer: Address) async throws(LedgerError) -> NodeID? {
        committed.withLockedValue { $0.core.state.signers[signer] }
    }

    /// What a node earned and did not yet claim.
    public func earnings(_ id: NodeID) async throws(LedgerError) -> Earnings {
        committed.withLockedValue { $0.core.state.earnings[id] } ?? Earnings()
    }

    /// The tokens of an account.
    public func account(_ address: Address) async throws(LedgerError) -> TokenAmount {
        committed.withLockedValue { $0.core.state.accounts[address]?.balance } ?? .zero
    }

    /// The nonce that the next permit of an account must carry.
    public func permitNonce(_ address: Address) async throws(LedgerError) -> UInt64 {
        committed.withLockedValue { $0.core.state.accounts[address]?.permitNonce } ?? 0
    }

    /// Looks at the state after the newest block on disk.
    func look<Value>(_ body: (LedgerCore) -> Value) -> Value {
        committed.withLockedValue { body($0.core) }
    }

    /// The time of a block that would be written at this moment.
    var time: UInt64 {
        let time = now()
        return committed.withLockedValue { max(time, $0.head.header.time) }
    }

    /// What `settle` would answer to these entries in a block of the ledger's time.
    public func preview(_ entries: [SettleEntry]) async throws(LedgerError) -> [SettleStatus] {
        guard entries.count <= SettleEntry.mostInOneCall else {
            throw .tooMany(limit: SettleEntry.mostInOneCall)
        }
        let keys = await Witness.make(.settle(entries), domain: domain).entries
        let time = now()
        return committed.withLockedValue { committed in
            committed.core.preview(entries, keys: keys, at: max(time, committed.head.header.time))
        }
    }

    /// The figures that govern the rules.
    public func parameters() async throws(LedgerError) -> Parameters {
        committed.withLockedValue { $0.core.state.parameters }
    }

    /// Every balance there is.
    public func balances() async throws(LedgerError) -> Balances {
        committed.withLockedValue { committed in
            committed.core.state.balances(block: committed.head.header.number, genesisSupply: genesis.supply)
        }
    }
}

extension TimedEvent {
    /// The event for readers.
    fileprivate func event(_ contracts: ContractAddresses) throws(MalformedRow) -> LedgerEvent {
        guard let read = event.event.event(contracts) else { throw MalformedRow(table: "events") }
        let cursor = Cursor(block: event.number, index: event.index)
        return LedgerEvent(cursor: cursor, time: time, event: read, isFinal: true)
    }
}
