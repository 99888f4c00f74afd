import GRDB
public import Ledger

/// What verifying a ledger found.
public struct VerificationReport: Hashable, Sendable {
    /// Blocks that were replayed without a fault.
    public var blocks: UInt64 = 0
    /// Commands in them, refused ones included.
    public var commands: UInt64 = 0
    /// Events in them.
    public var events: UInt64 = 0
    /// The hash of the last of them.
    public var head = Bytes32.zero
    /// The public key whose signatures were checked.
    public var publicKey: [UInt8] = []
    /// Every balance as the replay has it; `nil` unless all of it verifies.
    public var balances: Balances?
    /// The addresses of the contracts.
    public var contracts: ContractAddresses?
    /// The first fault; `nil` when all of it verifies.
    public var fault: VerificationFault?

    /// Whether all of it verifies.
    public var isSound: Bool { fault == nil }
}

extension EmbeddedLedger {
    /// Replays a ledger from its genesis and compares every block, command, event and table with what that gives.
    ///
    /// Reads only, also while another process writes; what is written meanwhile is not looked at.
    ///
    /// - Parameters:
    ///   - publicKey: the cluster's key, from somewhere else than the file; without it, the one in the file is believed.
    ///   - progress: is told the block that was replayed and the last one, about a hundred times in all.
    public static func verify(
        path: String,
        publicKey: [UInt8]? = nil,
        progress: @Sendable (_ block: UInt64, _ last: UInt64) -> Void = { _, _ in }
    ) async throws(LedgerOpenError) -> VerificationReport {
        var replay: Replay
        do {
            replay = try Replay(path: path, publicKey: publicKey)
        } catch let error as LedgerOpenError {
            throw error
        } catch let fault as VerificationFault {
            return VerificationReport(fault: fault)
        } catch {
            throw .notALedger(path: path, problem: "\(error)")
        }
        do {
            try await replay.run(progress)
        } catch let fault as VerificationFault {
            replay.report.fault = fault
        } catch let error as MalformedRow {
            replay.report.fault = VerificationFault(
                block: replay.next,
                table: error.table,
                problem: "a row has values of other types"
            )
        } catch {
            replay.report.fault = VerificationFault(block: replay.next, problem: "it cannot be read: \(error)")
        }
        return replay.report
    }
}

/// A replay of a ledger from its database.
private struct Replay {
    /// Blocks that are read at once.
    ///
    /// With at most 512 commands each this bounds the memory.
    private static let stride: UInt64 = 64

    private let snapshot: DatabaseSnapshot
    private let last: StoredBlock
    private let verifier: ClusterVerifier
    private var core: LedgerCore
    private var checker: ChainChecker
    private var checkpoint: Checkpoint
    /// The block that wrote each row last, to name it when the row is wrong.
    private var writers: [Place: UInt64] = [:]
    private(set) var next: UInt64 = 0
    var report = VerificationReport()

    private struct Place: Hashable {
        let table: String
        let key: [Cell]
    }

    init(path: String, publicKey: [UInt8]?) throws {
        var configuration = Configuration()
        configuration.readonly = true
        guard let pool = try? DatabasePool(path: path, configuration: configuration) else {
            throw LedgerOpenError.noLedger(path: path)
        }
        snapshot = try pool.makeSnapshot()
        let (stored, head, genesis) = try snapshot.read { db in
            try LedgerOpening.checkFormat(path: path, db)
            let head = try LedgerDatabase.head(db)
            try LedgerOpening.checkPlaces(upTo: head?.header.number ?? 0, db)
            return (try LedgerDatabase.publicKey(db), head, try LedgerOpening.readGenesis(db))
        }
        if let publicKey, publicKey != stored { throw LedgerOpenError.wrongKey(path: path) }
        guard let verifier = ClusterVerifier(publicKey: stored) else {
            throw VerificationFault(block: 0, table: "ledger", problem: "its public key is none")
        }
        guard let head else { throw VerificationFault(block: 0, table: "blocks", problem: "there is none") }
        self.verifier = verifier
        last = head
        report.publicKey = stored
        core = LedgerCore(genesis: genesis, domain: .local(clusterPublicKey: stored))
        checker = ChainChecker(verifier: verifier)
        checkpoint = Checkpoint(number: 0, hash: .zero)
    }

    mutating func run(_ progress: (UInt64, UInt64) -> Void) async throws {
        let end = last.header.number
        let step = max(end / 100, 1)
        while next <= end {
            let (from, to) = (next, min(next + Self.stride - 1, end))
            let (blocks, commands, events) = try await snapshot.read { db in
                (
                    try LedgerDatabase.blocks(from: from, to: to, db),
                    try LedgerDatabase.commands(from: from, to: to, db),
                    try LedgerDatabase.events(from: from, to: to, db)
                )
            }
            let calls = await Self.calls(commands, core)
            var slices = BlockSlices(commands: commands, events: events)
            for block in blocks {
                guard block.header.number == next else { break }
                let (commandRange, eventRange) = slices.take(next)
                try checker.check(block, commands: commands[commandRange], events: events[eventRange])
                try replay(block, commands[commandRange], calls[commandRange], events[eventRange])
                report.blocks += 1
                report.commands += UInt64(commandRange.count)
                report.events += UInt64(eventRange.count)
                report.head = block.hash
                if next.isMultiple(of: step) || next == end { progress(next, end) }
                next += 1
            }
            guard next == to + 1, slices.isEmpty else {
                throw VerificationFault(block: next, table: "blocks", problem: "it is missing")
            }
        }
        next = end
        try compareTables()
        report.balances = core.state.balances(block: end, genesisSupply: core.genesis.supply)
        report.contracts = core.contracts
    }

    /// Decodes commands and checks their signatures, by several tasks.
    private static func calls(_ commands: [StoredCommand], _ core: LedgerCore) async -> [Call?] {
        let (domain, contracts) = (core.domain, core.contracts)
        let stride = 64
        return await withTaskGroup(of: (Int, [Call?]).self) { group in
            for start in Swift.stride(from: 0, to: commands.count, by: stride) {
                let part = commands[start..<min(start + stride, commands.count)]
                group.addTask {
                    let calls = part.map { stored -> Call? in
                        guard let contract = contracts.contract(at: stored.command.contract),
                            let command = try? Command(contract: contract, call: stored.command.body)
                        else { return nil }
                        return Call(command, caller: stored.command.caller, domain: domain)
                    }
                    return (start, calls)
                }
            }
            var calls = [Call?](repeating: nil, count: commands.count)
            for await (start, part) in group { calls.replaceSubrange(start..<start + part.count, with: part) }
            return calls
        }
    }

    private mutating func replay(
        _ block: StoredBlock,
        _ commands: ArraySlice<StoredCommand>,
        _ calls: ArraySlice<Call?>,
        _ events: ArraySlice<StoredEvent>
    ) throws(VerificationFault) {
        var expected: [BlockEvent] = []
        if block.header.number == 0 {
            expected = core.begin(at: block.header.time).map { BlockEvent($0, command: 0, contracts: core.contracts) }
        } else {
            for (stored, call) in zip(commands, calls) {
                guard let call else { throw fault(block, "command \(stored.index) cannot be read") }
                var outcome = ""
                switch core.apply(call, at: block.header.time) {
                case .success(let done):
                    expected += done.map { BlockEvent($0, command: stored.index, contracts: core.contracts) }
                case .failure(let reason): outcome = reason.rawValue
                }
                guard outcome == stored.command.outcome else {
                    throw fault(block, "command \(stored.index) came to another outcome")
                }
            }
        }
        guard expected == events.map(\.event) else {
            throw VerificationFault(
                block: block.header.number,
                table: "events",
                problem: "its commands give other events"
            )
        }
        for change in core.state.takeChanges() {
            checkpoint.apply(change)
            writers[Place(table: change.table, key: change.key)] = block.header.number
        }
        checkpoint.number = block.header.number
        checkpoint.hash = block.hash
    }

    private func fault(_ block: StoredBlock, _ problem: String) -> VerificationFault {
        VerificationFault(block: block.header.number, table: "commands", problem: problem)
    }

    /// Compares every row of every table with the replayed state, and names the block that wrote a row last.
    private func compareTables() throws {
        let rows = core.state.allRows()
        try snapshot.read { db in
            for table in LedgerState.tables {
                var expected = rows[table.name] ?? [:]
                try LedgerDatabase.forEachRow(of: table, db) { cells in
                    let key = Array(cells.prefix(table.keyColumns.count))
                    guard let row = expected.removeValue(forKey: key) else {
                        throw wrongRow(table.name, key, "there is a row that no block wrote")
                    }
                    guard row == cells else { throw wrongRow(table.name, key, "a row is not what the block left") }
                }
                if let key = expected.keys.first { throw wrongRow(table.name, key, "a row is missing") }
            }
            guard let (stored, signature) = try LedgerDatabase.checkpoint(db), stored == checkpoint,
                verifier.isValid(signature, for: stored.signingBytes)
            else {
                throw VerificationFault(
                    block: last.header.number,
                    table: "checkpoint",
                    problem: "it is not the cluster's for this block"
                )
            }
        }
    }

    private func wrongRow(_ table: String, _ key: [Cell], _ problem: String) -> VerificationFault {
        let block = writers[Place(table: table, key: key)] ?? last.header.number
        return VerificationFault(block: block, table: table, problem: problem)
    }
}
