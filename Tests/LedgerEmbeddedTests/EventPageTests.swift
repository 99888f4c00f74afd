import GRDB
import LatticeTesting
import Ledger
import LedgerConformance
import LedgerEmbedded
import Testing

@Suite struct `Event pages` {
    @Test func `events come in pages, in order, and the newest first on request`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            try await cabinet.fill(ledger)
            var all: [LedgerEvent] = []
            var cursor: LedgerEventCursor?
            while true {
                let page = try await ledger.events(after: cursor, limit: 7)
                #expect(page.events.count <= 7)
                if page.events.isEmpty { break }
                all += page.events
                cursor = page.next
            }
            #expect(all.map(\.cursor) == all.map(\.cursor).sorted())
            #expect(all.count > 30 && all.allSatisfy(\.isFinal))
            let newest = try await ledger.newestEvents(limit: 5)
            #expect(newest == all.suffix(5).reversed())
            #expect(newest.first?.time == cabinet.time.now)
            await ledger.close()
        }
    }

    @Test func `a page reads no block but those of its events`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Address.stranger, amount: TokenAmount(Nano(1)))
            _ = try await ledger.submit(command, caller: administrator, id: .test(1))
            for number in UInt64(2)...6 {
                cabinet.time.advance(1)
                let refused = try await ledger.submit(.sweep, caller: .zero, id: .test(number))
                #expect(refused.outcome == .rejected(.badAddress))
            }
            cabinet.time.advance(1)
            _ = try await ledger.submit(command, caller: administrator, id: .test(7))
            // A block without events that cannot be read: whoever reads it fails.
            try cabinet.tamper { try $0.execute(sql: "UPDATE blocks SET hash = zeroblob(5) WHERE number = 4") }
            let start = LedgerEventCursor(block: 0, index: .max)
            let page = try await ledger.events(after: start, limit: 10)
            #expect(
                page.events.map(\.cursor) == [
                    LedgerEventCursor(block: 1, index: 0), LedgerEventCursor(block: 7, index: 0),
                ]
            )
            #expect(page.events.map(\.time) == [cabinet.time.now - 6, cabinet.time.now])
            #expect(try await ledger.newestEvents(limit: 2) == page.events.reversed())
            await ledger.close()
        }
    }

    @Test(arguments: [1, 1 << 63, .max] as [UInt64])
    func `after a place behind all events there is nothing`(distance: UInt64) async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            for cursor in [
                LedgerEventCursor(block: distance, index: 0), LedgerEventCursor(block: 0, index: max(distance, 99)),
            ] {
                let page = try await ledger.events(after: cursor, limit: 10)
                #expect(page.events.isEmpty && page.next == cursor)
            }
            await ledger.close()
        }
    }
}
