import Foundation
import GRDB
import Ledger
import struct Ledger.Cursor

/// A block whose logs a reader was shown.
struct ReadBlock: Hashable, Sendable {
    var number: UInt64
    var hash: Bytes32
}

/// What a reader at a place saw before it, as far as that could be taken back when it was read.
struct ReadBefore: Hashable, Sendable {
    /// Newest first.
    var blocks: [ReadBlock]
    /// The block that was final when the place was read.
    var floor: UInt64
}

// Blocks that could still be taken back when they were read.
//
// They are kept with the epoch in which they were read; an epoch ends when a reorganisation is noticed. All blocks of one
// epoch lie on one chain, so that the blocks below a reader's place that are of its epoch or an earlier one, and were never
// off the chain, are its ancestors.
extension SendingStore {
    /// For so many blocks behind the final one a reader that was away learns exactly how far a reorganisation went; a
    /// later one reads all again.
    private static let memory: UInt64 = 100_000

    /// Adds blocks to the present epoch, or, where blocks are marked as taken back, to the next.
    func remember(
        _ blocks: [ReadBlock],
        marking dead: [ReadBlock],
        finalized: UInt64
    ) async throws(SendingStoreError) {
        try await write { db in
            var epoch = try Int64.fetchOne(db, sql: "SELECT max(epoch) FROM blocks") ?? 0
            for block in dead {
                try db.execute(
                    sql: "UPDATE blocks SET dead = 1 WHERE number = ? AND hash = ?",
                    arguments: [Int64(bitPattern: block.number), Data(block.hash.bytes)]
                )
            }
            if !dead.isEmpty { epoch += 1 }
            for block in blocks {
                try db.execute(
                    sql: """
                        INSERT INTO blocks VALUES (?, ?, ?, ?, 0)
                        ON CONFLICT DO UPDATE SET epoch = excluded.epoch, floor = excluded.floor, dead = 0 WHERE dead = 1
                        """,
                    arguments: [
                        Int64(bitPattern: block.number), Data(block.hash.bytes), epoch, Int64(bitPattern: finalized),
                    ]
                )
            }
            let limit = finalized - min(finalized, Self.memory)
            try db.execute(sql: "DELETE FROM blocks WHERE number < ?", arguments: [Int64(bitPattern: limit)])
        }
    }

    /// Blocks that were on the chain when they were last looked at, newest first.
    func newestBlocks() async throws(SendingStoreError) -> [ReadBlock] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT number, hash FROM blocks WHERE dead = 0 ORDER BY number DESC")
                .map(Self.block)
        }
    }

    /// What a reader at this place saw before it; `nil` where the place is not known.
    func blocksRead(before cursor: Cursor) async throws(SendingStoreError) -> ReadBefore? {
        try await read { db in
            let same = try Row.fetchAll(
                db,
                sql: "SELECT number, hash, epoch, floor FROM blocks WHERE number = ?",
                arguments: [Int64(bitPattern: cursor.block)]
            )
            guard let place = try same.first(where: { cursor.names(try Self.block($0).hash) }) else { return nil }
            let floor: Int64 = place["floor"]
            let blocks = try Row.fetchAll(
                db,
                sql: """
                    SELECT number, hash FROM blocks
                    WHERE number < ? AND number > ? AND epoch <= ? AND dead = 0 ORDER BY number DESC
                    """,
                arguments: [Int64(bitPattern: cursor.block), floor, place["epoch"] as Int64]
            ).map(Self.block)
            return ReadBefore(blocks: blocks, floor: UInt64(bitPattern: floor))
        }
    }

    private static func block(_ row: Row) throws -> ReadBlock {
        ReadBlock(number: UInt64(bitPattern: row["number"]), hash: try word(row["hash"], "blocks"))
    }
}
