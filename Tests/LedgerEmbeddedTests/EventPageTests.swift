import LatticeTesting
import Ledger
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
            #expect(newest.allSatisfy { $0.time == cabinet.time.now })
            await ledger.close()
        }
    }
}
