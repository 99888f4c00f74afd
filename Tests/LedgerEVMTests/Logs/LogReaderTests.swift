import LatticeTesting
import Ledger
import NIOConcurrencyHelpers
import Testing

@testable import LedgerEVM

@Suite struct `A reader of logs` {
    private func withReader(
        _ chain: SimulatedChain,
        _ body: (SendingStore, LogReader) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let store = try SendingStore(path: folder + "/a.sqlite", ledger: .zero)
            try await body(store, reader(chain, store))
            try store.close()
        }
    }

    private func reader(_ chain: SimulatedChain, _ store: SendingStore) -> LogReader {
        LogReader(client: chain.client, store: store, contracts: [SimulatedChain.contract], firstBlock: 1)
    }

    @Test func `gives pages in order, with what is final`() async throws {
        let chain = SimulatedChain(depth: 3)
        for number in 1...10 { chain.append(logs: number % 3) }
        try await withReader(chain) { _, reader in
            let page = try await reader.page(after: nil, limit: 4) { _ in true }
            #expect(page.logs.map(\.log.block) == [1, 2, 2, 4])
            #expect(page.finalized == 7)
            #expect(page.next == page.logs.last?.cursor)
            #expect(page.logs.map(\.time) == [1_001, 1_002, 1_002, 1_004])
            let rest = try await reader.page(after: page.next, limit: 100) { _ in true }
            #expect(rest.logs.map(\.log.block) == [5, 5, 7, 8, 8, 10])
            let none = try await reader.page(after: rest.next, limit: 100) { _ in true }
            #expect(none.logs.isEmpty)
            #expect(none.next == rest.next)
            let newest = try await reader.newest(limit: 3) { _ in true }
            #expect(newest.logs.map(\.log.block) == [10, 8, 8])
        }
    }

    @Test func `asks for fewer blocks where an endpoint gives only few`() async throws {
        let chain = SimulatedChain(depth: 3)
        for _ in 1...100 { chain.append(logs: 1) }
        chain.state.withLockedValue { $0.widest = 7 }
        try await withReader(chain) { _, reader in
            var follower = Follower()
            try await follower.catchUp(reader)
            #expect(follower.seen.map(\.what) == chain.everything)
            #expect(try await reader.newest(limit: 40) { _ in true }.logs.count == 40)
        }
    }

    @Test func `does not search the same empty blocks twice`() async throws {
        let chain = SimulatedChain(depth: 3)
        chain.append(logs: 1)
        for _ in 1...3_000 { chain.append(logs: 0) }
        try await withReader(chain) { _, reader in
            var follower = Follower()
            try await follower.catchUp(reader)
            _ = try await follower.read(reader, limit: 5)
            let before = chain.state.withLockedValue(\.questions)
            chain.append(logs: 0)
            _ = try await follower.read(reader, limit: 5)
            #expect(chain.state.withLockedValue(\.questions) == before + 1)
            #expect(chain.state.withLockedValue(\.ranges).last == 1)
        }
    }

    @Test(arguments: [1, 3, 12])
    func `is told how far a reorganisation goes back`(depth: Int) async throws {
        let chain = SimulatedChain(depth: 20)
        for _ in 1...40 { chain.append(logs: 1) }
        try await withReader(chain) { _, reader in
            var follower = Follower()
            // In small pages, so that there are blocks to step back to.
            while try await follower.read(reader, limit: 1) {}
            chain.remove(depth)
            for _ in 0...depth { chain.append(logs: 2) }
            let page = try await reader.page(after: follower.cursor, limit: 10) { _ in true }
            #expect(page.rolledBackTo?.block == UInt64(40 - depth))
            #expect(page.logs.isEmpty)
            try await follower.catchUp(reader)
            #expect(follower.seen.map(\.what) == chain.everything)
        }
    }

    @Test func `is told of one that happened while nobody looked`() async throws {
        let chain = SimulatedChain(depth: 20)
        for _ in 1...40 { chain.append(logs: 1) }
        try await withTemporaryDirectory { folder in
            var follower = Follower()
            let first = try SendingStore(path: folder + "/a.sqlite", ledger: .zero)
            while try await follower.read(reader(chain, first), limit: 1) {}
            try first.close()
            chain.remove(5)
            for _ in 0...5 { chain.append(logs: 2) }
            let second = try SendingStore(path: folder + "/a.sqlite", ledger: .zero)
            try await follower.catchUp(reader(chain, second))
            #expect(follower.rollbacks == 1)
            #expect(follower.seen.map(\.what) == chain.everything)
            try second.close()
        }
    }

    @Test func `whose place is of another chain begins anew`() async throws {
        let chain = SimulatedChain(depth: 2)
        for _ in 1...20 { chain.append(logs: 1) }
        try await withReader(chain) { _, reader in
            var follower = Follower(cursor: Cursor(block: 5, hash: Keccak256.hash([9]), log: 0))
            try await follower.catchUp(reader)
            #expect(follower.seen.map(\.what) == chain.everything)
        }
    }

    @Test(arguments: 0..<(isLongRun ? 500 : 40) as Range<UInt64>)
    func `ends with what the chain holds, whatever was taken back`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let chain = SimulatedChain(depth: 8)
        try await withReader(chain) { store, first in
            var reader = first
            var followers = [Follower(), Follower(), Follower()]
            for _ in 0..<60 {
                switch Int.random(in: 0..<10, using: &generator) {
                case 0..<3:
                    for _ in 0..<Int.random(in: 1...4, using: &generator) {
                        chain.append(logs: Int.random(in: 0...2, using: &generator))
                    }
                case 3..<5:
                    let depth = Int.random(in: 1...8, using: &generator)
                    guard chain.head > UInt64(depth), chain.head - UInt64(depth) >= chain.finalized else { continue }
                    let finalized = chain.finalized
                    chain.remove(depth)
                    // What was final stays final: the other branch is longer.
                    repeat {
                        chain.append(logs: Int.random(in: 0...2, using: &generator))
                    } while chain.finalized < finalized || Bool.random(using: &generator)
                case 5: reader = self.reader(chain, store)
                default:
                    let index = Int.random(in: followers.indices, using: &generator)
                    _ = try await followers[index].read(reader, limit: Int.random(in: 1...5, using: &generator))
                }
            }
            for index in followers.indices {
                try await followers[index].catchUp(reader)
                #expect(followers[index].seen.map(\.what) == chain.everything, "seed \(seed)")
            }
        }
    }
}
