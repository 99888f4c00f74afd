import Durability
import Foundation
import GRDB
import NIOConcurrencyHelpers
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Group commit` {
    private struct Refused: Error, Equatable { let number: Int }

    /// Counts transactions.
    private final class Commits: TransactionObserver, Sendable {
        private let count = NIOLockedValueBox(0)

        var number: Int { count.withLockedValue { $0 } }

        func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
        func databaseDidChange(with event: DatabaseEvent) {}
        func databaseDidCommit(_ db: Database) { count.withLockedValue { $0 += 1 } }
        func databaseDidRollback(_ db: Database) {}
    }

    private func withDatabase(_ body: (DatabasePool) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let pool = try DatabasePool(path: folder.appending(path: "database.sqlite").path)
        try await pool.write { try $0.execute(sql: "CREATE TABLE numbers (number INTEGER PRIMARY KEY)") }
        try await body(pool)
    }

    @Test func `is answered when others can read it`() async throws {
        try await withDatabase { pool in
            let commit = GroupCommit(pool)
            for number in 0..<20 {
                let answer = try await commit.write { database in
                    try database.execute(sql: "INSERT INTO numbers VALUES (?)", arguments: [number])
                    return number * 2
                }
                #expect(answer == number * 2)
                let count = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM numbers") }
                #expect(count == number + 1)
            }
        }
    }

    @Test func `writes that gather share transactions`() async throws {
        try await withDatabase { pool in
            let commits = Commits()
            pool.add(transactionObserver: commits)
            let commit = GroupCommit(pool)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2000 {
                    group.addTask {
                        try await commit.write {
                            try $0.execute(sql: "INSERT INTO numbers VALUES (?)", arguments: [number])
                        }
                    }
                }
                try await group.waitForAll()
            }
            let count = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM numbers") }
            #expect(count == 2000)
            #expect(commits.number < 1000)
        }
    }

    @Test func `a write that fails takes no other with it`() async throws {
        try await withDatabase { pool in
            let commit = GroupCommit(pool)
            let failed = await withTaskGroup(of: Int?.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        do {
                            try await commit.write { database in
                                try database.execute(sql: "INSERT INTO numbers VALUES (?)", arguments: [number])
                                if number % 10 == 0 { throw Refused(number: number) }
                            }
                            return nil
                        } catch let refused as Refused {
                            return refused.number
                        } catch {
                            return -1
                        }
                    }
                }
                return await group.reduce(into: Set<Int>()) { $0.formUnion($1.map { [$0] } ?? []) }
            }
            #expect(failed == Set(stride(from: 0, to: 300, by: 10)))
            let count = try await pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM numbers") }
            #expect(count == 270)
        }
    }
}
