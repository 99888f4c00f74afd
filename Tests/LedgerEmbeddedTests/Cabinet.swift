import Foundation
import GRDB
import LatticeTesting
import Ledger
import LedgerConformance
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

    func open(_ genesis: Genesis? = .standard, at path: String? = nil) async throws -> EmbeddedLedger {
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

    /// A stage on a ledger of this cabinet.
    func stage(_ ledger: EmbeddedLedger) async throws -> Stage {
        try await Stage(ledger, LocalBackstage(time: time), try Beginning())
    }

    /// Some of everything, so that every table has rows.
    func fill(_ ledger: EmbeddedLedger) async throws {
        let stage = try await stage(ledger)
        let person = try await stage.person(deposit: Nano(lai: 3))
        let host = try await stage.host(stake: Nano(lai: 2_000))
        try await stage.run(.grant(user: person.id), by: stage.cast.faucetSigner)
        try await stage.settle([try stage.voucher(person.key, host.id, Nano(lai: 6))])
        try await stage.run(.harvest(node: host.id))
        let attested = Command.registerAttested(commitment: Keccak256.hash([5]))
        let user = try #require(try await stage.run(attested, by: stage.cast.registrar).registeredUser)
        try await stage.run(.deposit(user: user, amount: TokenAmount(Nano(9))))
        let proposal = Command.grantKeyAttested(
            user: user,
            key: P256SessionKey().keyID,
            kind: .p256,
            validUntil: time.now + .day,
            cap: Nano(1)
        )
        try await stage.run(proposal, by: stage.cast.registrar)
        try await stage.refuse(.completeWithdraw(user: user), .nothingPending)
        try await stage.run(.requestExit(node: host.id, shares: 1_000_000), by: host.owner)
        try await stage.slashProbes(host)
        try await fillAuthority(stage, host)
    }

    private func fillAuthority(_ stage: Stage, _ host: HostedNode) async throws {
        let (timelock, function) = (stage.ledger.contracts[.timelock], FunctionSelector("pause()"))
        let call = Command.pause(.staking).encoded()
        try await stage.run(.queue(target: timelock, call: call), by: stage.cast.council)
        try await stage.run(.allowFunction(target: timelock, function, isAllowed: true), by: stage.owner)
        let propose = Command.propose(target: timelock, call: call, description: .zero, nodes: [host.id])
        try await stage.run(propose, by: host.owner)
        try await stage.run(.vote(ProposalID(1), support: true, nodes: [host.id]), by: host.owner)
        try await stage.run(.publish(name: Keccak256.hash([1]), at: timelock), by: stage.owner)
        try await stage.run(.pause(.staking), by: stage.cast.guardian)
        let committee = stage.cast.committee
        try await stage.run(.transfer(to: committee.address, amount: TokenAmount(Nano(lai: 20))))
        let quality = Command.proposeQuality(node: host.id, bps: 5, evidence: Keccak256.hash([2]))
        try await stage.run(quality, by: committee)
        let epoch = try await stage.nextDay(4)
        try await stage.run(.executeQuality(CaseID(2)))
        try await stage.finalize(epoch, [stage.row(host.id, units: 3)])
        try await stage.run(.claimReward(epoch: epoch, node: host.id))
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
