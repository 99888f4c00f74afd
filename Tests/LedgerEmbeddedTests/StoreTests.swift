import Foundation
import GRDB
import LatticeTesting
import Ledger
import LedgerConformance
import LedgerEmbedded
import Testing

@Suite struct `Store` {
    @Test func `a ledger that is opened again is the one that was closed`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let first = try await cabinet.open()
            try await cabinet.fill(first)
            let (head, balances) = (try await first.head(), try await first.balances())
            await first.close()
            let second = try await cabinet.open(nil)
            #expect(try await second.head() == head)
            #expect(try await second.balances() == balances)
            #expect(second.genesis == .standard)
            #expect(second.domain == first.domain)
            await second.close()
        }
    }

    @Test func `a command is done once under one name, also after a restart`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Address.stranger, amount: TokenAmount(Nano(5)))
            let first = try await ledger.submit(command, caller: administrator, id: .test(1))
            let again = try await ledger.submit(command, caller: administrator, id: .test(1))
            #expect(first == again)
            let refused = try await ledger.submit(.sweep, caller: .zero, id: .test(2))
            #expect(refused.outcome == .rejected(.badAddress))
            let reopened: EmbeddedLedger
            await ledger.close()
            reopened = try await cabinet.open()
            #expect(try await reopened.submit(command, caller: administrator, id: .test(1)) == first)
            #expect(try await reopened.outcome(.test(1)) == first.outcome)
            #expect(try await reopened.outcome(.test(2)) == .rejected(.badAddress))
            #expect(try await reopened.outcome(.test(3)) == nil)
            #expect(try await reopened.account(Address.stranger) == TokenAmount(Nano(5)))
            await reopened.close()
        }
    }

    @Test func `commands that come together share blocks, and one name among them is done once`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Address.stranger, amount: TokenAmount(Nano(1)))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in UInt64(0)..<400 {
                    group.addTask {
                        _ = try await ledger.submit(command, caller: administrator, id: .test(number / 2))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await ledger.account(Address.stranger) == TokenAmount(Nano(200)))
            #expect(try await ledger.head().number < 200)
            await ledger.close()
        }
    }

    @Test func `the name of the genesis is no name for a command`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let name = try cabinet.tamper { db in
                try #require(try Data.fetchOne(db, sql: "SELECT submission FROM commands WHERE number = 0"))
            }
            let id = SubmissionID(try #require(Bytes32(Array(name))))
            await #expect(throws: LedgerError.reservedName) {
                try await ledger.submit(.sweep, caller: Address.stranger, id: id)
            }
            #expect(try await ledger.head().number == 0)
            await ledger.close()
        }
    }

    @Test func `time never runs back`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let start = cabinet.time.now
            cabinet.time.set(start - 500)
            let outcome = try await ledger.submit(.sweep, caller: Address.stranger, id: .test(1)).outcome
            #expect(outcome.inclusion?.time == start)
            await ledger.close()
        }
    }

    @Test func `a second one cannot open the same ledger`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            await #expect(throws: LedgerOpenError.inUse(path: cabinet.path)) { try await cabinet.open() }
            await ledger.close()
        }
    }

    @Test func `what cannot be opened says why and what to do`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            await #expect(throws: LedgerOpenError.noLedger(path: cabinet.path)) { try await cabinet.open(nil) }
            var genesis = Genesis.standard
            genesis.parameters[.feeBPS] = 5_000
            await #expect(throws: LedgerOpenError.badGenesis("out of bounds")) { try await cabinet.open(genesis) }
            await (try await cabinet.open()).close()
            await #expect(throws: LedgerOpenError.wrongKey(path: cabinet.path)) {
                try await EmbeddedLedger.open(path: cabinet.path, clusterKey: ClusterKey(), genesis: nil)
            }
            let other = folder + "/notes.sqlite"
            try Data("These are notes, and many of them, so that it is no empty file.".utf8).write(
                to: URL(filePath: other)
            )
            await #expect {
                try await cabinet.open(at: other)
            } throws: { error in
                guard case .notALedger? = error as? LedgerOpenError else { return false }
                return "\(error)".contains("backup")
            }
            await #expect {
                try await cabinet.open(at: folder + "/nowhere/ledger.sqlite")
            } throws: { error in
                guard case .notWritable? = error as? LedgerOpenError else { return false }
                return "\(error)".contains("data folder")
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `copies taken while it writes open at a block and verify`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            let ledger = try await cabinet.open()
            let administrator = ledger.genesis.administrator
            let command = Command.transfer(to: Address.stranger, amount: TokenAmount(Nano(1)))
            var paths: [String] = []
            for round in UInt64(0)..<(isLongRun ? 80 : 8) {
                async let writing: Void = {
                    for number in round * 15..<round * 15 + 15 {
                        _ = try await ledger.submit(command, caller: administrator, id: .test(number))
                    }
                }()
                // The blocks of the round are written meanwhile, some before and some after.
                while try await ledger.head().number < round * 15 + 3 {
                    try Task.checkCancellation()
                    await Task.yield()
                }
                if let path = try cabinet.copy(to: "copy-\(round)") { paths.append(path) }
                try await writing
            }
            await ledger.close()
            #expect(paths.count > 3)
            for path in paths {
                let copy = try await cabinet.open(nil, at: path)
                let number = try await copy.head().number
                #expect(try await copy.account(Address.stranger) == TokenAmount(Nano(number)))
                await copy.close()
                let report = try await EmbeddedLedger.verify(path: path, publicKey: cabinet.key.publicKey)
                #expect(report.fault == nil && report.blocks == number + 1)
            }
        }
    }
}
