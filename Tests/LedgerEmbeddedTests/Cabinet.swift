import Foundation
import GRDB
import LatticeTesting
import Ledger
import LedgerEmbedded
import Testing

/// Whether tests with chance in them try many times as much, for minutes: `LATTICE_LONG=1`.
let isLongRun = ProcessInfo.processInfo.environment["LATTICE_LONG"] != nil

/// A ledger in a folder of its own, which can be closed, copied and opened again.
struct Cabinet {
    let folder: String
    var key = ClusterKey()
    let time = ManualTime()
    var path: String { folder + "/ledger.sqlite" }

    func open(_ genesis: Genesis? = Stage.genesis(), at path: String? = nil) async throws -> EmbeddedLedger {
        let time = time
        return try await EmbeddedLedger.open(
            path: path ?? self.path,
            clusterKey: key,
            genesis: genesis,
            now: { time.now }
        )
    }

    /// A copy of a closed ledger, in a cabinet with the same key.
    func copy(in folder: String) throws -> Cabinet {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let copy = Cabinet(folder: folder, key: key)
        try FileManager.default.copyItem(atPath: path, toPath: copy.path)
        return copy
    }

    /// Some of everything, so that every table but two has rows.
    func fill(_ ledger: EmbeddedLedger) async throws {
        let stage = Stage(ledger: ledger, time: time, genesis: ledger.genesis)
        let person = try await stage.person(deposit: Nano(lai: 3))
        let node = try await stage.node()
        try await stage.run(.grant(user: person.id), by: stage.faucetSigner)
        try await stage.settle([try stage.voucher(person.key, node, Nano(lai: 6))])
        try await stage.run(.harvest(node: node))
        let user = try #require(
            try await stage.run(.registerAttested(commitment: Keccak256.hash([5])), by: stage.registrar).registeredUser
        )
        try await stage.run(.deposit(user: user, amount: TokenAmount(Nano(9))))
        let proposal = Command.grantKeyAttested(
            user: user,
            key: P256SessionKey().keyID,
            kind: .p256,
            validUntil: time.now + .day,
            cap: Nano(1)
        )
        try await stage.run(proposal, by: stage.registrar)
        try await stage.refuse(.completeWithdraw(user: user), .nothingPending)
    }

    /// Does to the file what its owner can do with any SQLite program; the ledger may be open meanwhile.
    func tamper<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) throws -> Value {
        let queue = try DatabaseQueue(path: path)
        let value = try queue.write(body)
        try queue.close()
        return value
    }

    /// What a power cut at this moment leaves: the file and its log as they are together.
    ///
    /// `nil` when the log was written back into the file between the two reads.
    func copy(to name: String) throws -> String? {
        let target = folder + "/" + name + ".sqlite"
        let file = try Data(contentsOf: URL(filePath: path))
        let log = try Data(contentsOf: URL(filePath: path + "-wal"))
        guard try Data(contentsOf: URL(filePath: path)) == file else { return nil }
        try file.write(to: URL(filePath: target))
        try log.write(to: URL(filePath: target + "-wal"))
        return target
    }
}

extension SubmissionID {
    /// A name that a test gives, by its number.
    static func test(_ number: UInt64) -> SubmissionID { SubmissionID(Bytes32(number: number)) }
}
