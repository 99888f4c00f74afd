import Ledger
import NIOConcurrencyHelpers

/// The steps in which a long chain is read: ranges of blocks that halve when an endpoint cannot answer, and grow again.
struct LogScan: Hashable, Sendable {
    /// The most blocks of one question.
    static let widest: UInt64 = 2_000

    private(set) var width: UInt64

    init(width: UInt64 = LogScan.widest) {
        self.width = max(1, min(width, Self.widest))
    }

    /// The next range from a block on, up to the newest.
    func range(from block: UInt64, to head: UInt64) -> ClosedRange<UInt64>? {
        guard block <= head else { return nil }
        return block...min(head, block.addingReportingOverflow(width - 1).overflow ? head : block + (width - 1))
    }

    /// The next range backwards from a block.
    func range(downFrom block: UInt64) -> ClosedRange<UInt64> { block - min(block, width - 1)...block }

    mutating func succeeded() { width = min(width * 2, Self.widest) }

    /// - Returns: `false` when the question cannot get smaller.
    mutating func failed() -> Bool {
        guard width > 1 else { return false }
        width /= 2
        return true
    }
}

/// A log, with the time of its block.
struct PlacedLog: Hashable, Sendable {
    var log: ChainLog
    var time: UInt64

    var cursor: Cursor { Cursor(block: log.block, hash: log.blockHash, log: log.index) }
}

/// What was read behind a place.
struct LogPage: Hashable, Sendable {
    var logs: [PlacedLog]
    /// Where the next page begins; `nil` where the reader began at the beginning and nothing was there.
    var next: Cursor?
    /// The block up to which nothing more is there, and what it was.
    var finalized: UInt64
    /// Set when blocks that the reader saw are no longer on the chain.
    var rolledBackTo: Cursor?
}

/// Reads logs in order, and notices when blocks that were read are no longer on the chain (ledger specification, §9).
///
/// A place in the order names the block's hash besides its number, so that any reader, also after a restart, is told of a
/// reorganisation. Hashes of blocks that may still be taken back are remembered to find the last block that held.
final class LogReader: Sendable {
    /// Reads of a chain that changes under the reader; more in a row is no chain.
    private static let mostRestarts = 5
    /// Questions of one page; a longer stretch without events is gone through by later pages.
    private static let mostQuestions = 50
    /// Places behind which nothing was found, kept so that they are not searched again.
    private static let mostMemos = 64

    let client: EthereumClient
    private let store: SendingStore
    private let contracts: Set<Address>
    /// The first block that can hold a log of the contracts.
    let firstBlock: UInt64
    private let state: NIOLockedValueBox<State>

    private struct State {
        var scan = LogScan()
        /// For places behind which nothing was found: the last block that was searched.
        var searched: [Cursor?: (block: UInt64, hash: Bytes32)] = [:]
        var order: [Cursor?] = []
    }

    init(client: EthereumClient, store: SendingStore, contracts: Set<Address>, firstBlock: UInt64) {
        self.client = client
        self.store = store
        self.contracts = contracts
        self.firstBlock = firstBlock
        state = NIOLockedValueBox(State())
    }

    /// Logs behind a place that are wanted, oldest first.
    ///
    /// - Parameter isWanted: logs for which it is false are passed over and do not count.
    func page(
        after cursor: Cursor?,
        limit: Int,
        isWanted: @Sendable (ChainLog) -> Bool
    ) async throws(SendingError) -> LogPage {
        for _ in 0..<Self.mostRestarts {
            let ends = try await asked { client throws(RPCError) in try await client.ends() }
            if let cursor, let ancestor = try await rollback(cursor, ends) {
                return LogPage(logs: [], next: ancestor, finalized: ends.finalized.number, rolledBackTo: ancestor)
            }
            if let page = try await read(after: cursor, limit: limit, ends, isWanted) { return page }
        }
        throw .rpc(.malformed("the chain changes faster than it can be read"))
    }

    /// The newest logs that are wanted, newest first.
    func newest(limit: Int, isWanted: @Sendable (ChainLog) -> Bool) async throws(SendingError) -> LogPage {
        restart: for _ in 0..<Self.mostRestarts {
            let ends = try await asked { client throws(RPCError) in try await client.ends() }
            var scan = state.withLockedValue { LogScan(width: min($0.scan.width, 128)) }
            var logs: [PlacedLog] = []
            var block: UInt64? = ends.latest.number
            for _ in 0..<Self.mostQuestions {
                guard logs.count < limit, let last = block, last >= firstBlock else { break }
                var range = scan.range(downFrom: last)
                range = max(range.lowerBound, firstBlock)...range.upperBound
                guard let found = try await question(range, &scan) else { continue }
                guard let placed = try await place(found.filter(isWanted)) else { continue restart }
                logs += placed.reversed()
                block = range.lowerBound == 0 ? nil : range.lowerBound - 1
            }
            return LogPage(logs: Array(logs.prefix(limit)), next: nil, finalized: ends.finalized.number)
        }
        throw .rpc(.malformed("the chain changes faster than it can be read"))
    }

    // MARK: Reorganisations

    /// The place up to which what the reader saw still holds, or `nil` where all of it does.
    private func rollback(_ cursor: Cursor, _ ends: ChainEnds) async throws(SendingError) -> Cursor? {
        if cursor.block <= ends.latest.number {
            let header = try await asked { client throws(RPCError) in try await client.header(.number(cursor.block)) }
            if let header, cursor.names(header.hash) { return nil }
        }
        let before = try await stored { store throws(SendingStoreError) in try await store.blocksRead(before: cursor) }
        for block in before?.blocks ?? [] where block.number <= ends.latest.number {
            let header = try await asked { client throws(RPCError) in try await client.header(.number(block.number)) }
            if header?.hash == block.hash { return Cursor(after: block.number, hash: block.hash) }
        }
        // What was final when the reader came by still holds; a place that is not known is not of this chain, or was read
        // too long ago, and all is read again.
        let safe = max(before?.floor ?? 0, max(firstBlock, 1) - 1)
        let header = try await asked { client throws(RPCError) in try await client.header(.number(safe)) }
        guard let header else { throw .rpc(.malformed("a chain without block \(safe)")) }
        return Cursor(after: header.number, hash: header.hash)
    }

    // MARK: Reading

    /// - Returns: `nil` when the chain changed meanwhile.
    private func read(
        after cursor: Cursor?,
        limit: Int,
        _ ends: ChainEnds,
        _ isWanted: @Sendable (ChainLog) -> Bool
    ) async throws(SendingError) -> LogPage? {
        var block = max(cursor?.block ?? firstBlock, firstBlock)
        if let memo = state.withLockedValue({ $0.searched[cursor] }), memo.block <= ends.latest.number {
            let header = try await asked { client throws(RPCError) in try await client.header(.number(memo.block)) }
            if header?.hash == memo.hash { block = memo.block + 1 } else { forget(cursor) }
        }
        var scan = state.withLockedValue(\.scan)
        var logs: [PlacedLog] = []
        var searchedTo: UInt64?
        var blocks: [ReadBlock] = []
        for _ in 0..<Self.mostQuestions {
            guard logs.count < limit, let range = scan.range(from: block, to: ends.latest.number) else { break }
            guard let found = try await question(range, &scan) else { continue }
            let behind = found.filter { log in
                guard let cursor, log.block == cursor.block else { return isWanted(log) }
                return log.index > cursor.lastLog && isWanted(log)
            }
            guard let placed = try await place(behind) else { return nil }
            logs += placed
            searchedTo = range.upperBound
            block = range.upperBound + 1
        }
        let width = scan.width
        state.withLockedValue { $0.scan = LogScan(width: width) }
        logs = Array(logs.prefix(limit))
        if logs.isEmpty, let searchedTo {
            try await remember(cursor, searchedTo)
        }
        for log in logs where blocks.last?.number != log.log.block {
            blocks.append(ReadBlock(number: log.log.block, hash: log.log.blockHash))
        }
        guard try await remember(blocks.filter { $0.number > ends.finalized.number }, ends) else { return nil }
        return LogPage(logs: logs, next: logs.last?.cursor ?? cursor, finalized: ends.finalized.number)
    }

    /// Remembers blocks that a reader is shown, so that all of one epoch are known to lie on one chain.
    ///
    /// - Returns: `false` when the chain changed meanwhile.
    private func remember(_ fresh: [ReadBlock], _ ends: ChainEnds) async throws(SendingError) -> Bool {
        guard let last = fresh.last else { return true }
        var alive = try await stored { store throws(SendingStoreError) in try await store.newestBlocks() }
        let known = alive.first
        let headers = try await asked { client throws(RPCError) in
            try await client.headers([last.number, known?.number ?? last.number])
        }
        guard headers[0]?.hash == last.hash else { return false }
        var dead: [ReadBlock] = []
        if let known, headers[1]?.hash != known.hash {
            // A reorganisation: what is not on the chain any more is marked, and a new epoch begins.
            while let block = alive.first {
                let header = try await asked { client throws(RPCError) in try await client.header(.number(block.number))
                }
                if header?.hash == block.hash { break }
                dead.append(block)
                alive.removeFirst()
            }
        }
        let (marked, finalized) = (dead, ends.finalized.number)
        try await stored { store throws(SendingStoreError) in
            try await store.remember(fresh, marking: marked, finalized: finalized)
        }
        return true
    }

    /// - Returns: `nil` when the question has to be asked for fewer blocks.
    private func question(_ range: ClosedRange<UInt64>, _ scan: inout LogScan) async throws(SendingError) -> [ChainLog]?
    {
        do throws(RPCError) {
            let logs = try await client.logs(range, of: contracts)
            scan.succeeded()
            return logs
        } catch {
            guard error.mayBeTooMuch, scan.failed() else { throw .rpc(error) }
            return nil
        }
    }

    /// The logs with the times of their blocks, or `nil` when one of them is not on the chain.
    private func place(_ logs: [ChainLog]) async throws(SendingError) -> [PlacedLog]? {
        var numbers: [UInt64] = []
        for log in logs where numbers.last != log.block { numbers.append(log.block) }
        guard !numbers.isEmpty else { return [] }
        let asked = numbers
        let headers = try await self.asked { client throws(RPCError) in try await client.headers(asked) }
        var byNumber: [UInt64: BlockHeader] = [:]
        for header in headers.compactMap(\.self) { byNumber[header.number] = header }
        var placed: [PlacedLog] = []
        for log in logs {
            guard let header = byNumber[log.block], header.hash == log.blockHash else { return nil }
            placed.append(PlacedLog(log: log, time: header.time))
        }
        return placed
    }

    private func remember(_ cursor: Cursor?, _ block: UInt64) async throws(SendingError) {
        guard let header = try await asked({ client throws(RPCError) in try await client.header(.number(block)) })
        else {
            return
        }
        state.withLockedValue { state in
            if state.searched[cursor] == nil { state.order.append(cursor) }
            state.searched[cursor] = (block, header.hash)
            while state.order.count > Self.mostMemos { state.searched[state.order.removeFirst()] = nil }
        }
    }

    private func forget(_ cursor: Cursor?) {
        state.withLockedValue { state in
            state.searched[cursor] = nil
            state.order.removeAll { $0 == cursor }
        }
    }

    private func asked<Value>(_ body: (EthereumClient) async throws(RPCError) -> Value) async throws(SendingError)
        -> Value
    {
        do { return try await body(client) } catch { throw .rpc(error) }
    }

    @discardableResult
    private func stored<Value>(
        _ body: (SendingStore) async throws(SendingStoreError) -> Value
    ) async throws(SendingError) -> Value {
        do { return try await body(store) } catch { throw .store(error) }
    }
}

extension Cursor {
    /// Logs of a block that can be told apart; a block's gas pays for a twentieth of them.
    private static let logBits: UInt64 = 20

    /// The place of a log: its number in the block, below 32 bits of the block's hash.
    ///
    /// Together 52 bits, so that the number survives readers that hold numbers as floating point.
    init(block: UInt64, hash: Bytes32, log: UInt64) {
        let most: UInt64 = 1 << Self.logBits - 1
        self.init(block: block, index: Self.mark(of: hash) << Self.logBits | min(log, most))
    }

    /// The place behind all logs of a block.
    init(after block: UInt64, hash: Bytes32) {
        self.init(block: block, hash: hash, log: .max)
    }

    /// Whether it is a place in the block of this hash.
    func names(_ hash: Bytes32) -> Bool { index >> Self.logBits == Self.mark(of: hash) }

    /// The part of its block's hash that is in the place.
    var mark: UInt64 { index >> Self.logBits }

    /// The number of the last log that stands before it.
    var lastLog: UInt64 { index & (1 << Self.logBits - 1) }

    /// The part of a block's hash that is in a place.
    static func mark(of hash: Bytes32) -> UInt64 { hash.bytes.prefix(4).reduce(0) { $0 << 8 | UInt64($1) } }
}
