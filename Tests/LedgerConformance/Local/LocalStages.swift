import Foundation
import LatticeTesting
public import Ledger
public import LedgerEmbedded
import NIOConcurrencyHelpers
import Testing

/// A clock that stands still until a test moves it.
public final class ManualTime: Sendable {
    private let seconds: NIOLockedValueBox<UInt64>

    /// Stands at a second.
    public init(_ start: UInt64 = 1_800_000_000) { seconds = NIOLockedValueBox(start) }

    /// The second at which it stands.
    public var now: UInt64 { seconds.withLockedValue { $0 } }
    /// Moves on.
    public func advance(_ delta: UInt64) { seconds.withLockedValue { $0 += delta } }
    /// Moves to a second.
    public func set(_ value: UInt64) { seconds.withLockedValue { $0 = value } }
}

/// The clock of a local ledger on a stage: each command stands a second behind the one before it, as on a chain.
public struct LocalBackstage: Backstage {
    private let time: ManualTime
    /// Whether every nano is counted after each command.
    public let auditsEveryCommand: Bool
    /// The time that the next command was given, if it was.
    private let next = NIOLockedValueBox<UInt64?>(nil)

    /// Runs a stage by a clock.
    public init(time: ManualTime, auditsEveryCommand: Bool = true) {
        self.time = time
        self.auditsEveryCommand = auditsEveryCommand
    }

    /// The time of the newest block.
    public func now() async throws -> UInt64 { time.now }

    /// Makes the next command happen at that second.
    public func setTime(_ time: UInt64) async throws {
        next.withLockedValue { $0 = time }
    }

    /// Nothing to do: a local ledger takes the caller's word.
    public func admit(_ key: Secp256k1Key) async throws {}

    /// Moves the clock to where the next command stands.
    public func willSubmit() async throws {
        let given = next.withLockedValue { next in
            defer { next = nil }
            return next
        }
        if let given { time.set(given) } else { time.advance(1) }
    }
}

/// Plays on fresh local ledgers, each of which must verify afterwards.
public struct LocalStages: StageFactory {
    private let auditsEveryCommand: Bool

    /// Plays on ledgers that are audited after every command, or at the end only.
    public init(auditsEveryCommand: Bool = true) { self.auditsEveryCommand = auditsEveryCommand }

    /// Plays a scene on a ledger of its own.
    public func play(_ beginning: Beginning, _ scene: @Sendable (Stage) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/ledger.sqlite"
            let key = ClusterKey()
            let time = ManualTime()
            let ledger = try await EmbeddedLedger.open(
                path: path,
                clusterKey: key,
                genesis: Genesis(beginning, clusterPublicKey: key.publicKey),
                now: { time.now }
            )
            do {
                try await scene(
                    try await Stage(
                        ledger,
                        LocalBackstage(time: time, auditsEveryCommand: auditsEveryCommand),
                        beginning
                    )
                )
            } catch {
                await ledger.close()
                throw error
            }
            await ledger.close()
            let report = try await EmbeddedLedger.verify(path: path, publicKey: key.publicKey)
            #expect(report.fault == nil)
        }
    }
}

extension Genesis {
    /// What a stage begins with, as a local ledger takes it.
    public init(_ beginning: Beginning, clusterPublicKey: [UInt8]) {
        let contracts = ContractAddresses.local(clusterPublicKey: clusterPublicKey)
        let cast = beginning.cast
        self.init(
            administrator: cast.administrator.address,
            supply: beginning.supply,
            faucetSupply: beginning.faucetSupply,
            roles: Roles(
                owner: beginning.isOwnedByTimelock ? contracts[.timelock] : cast.owner.address,
                registrar: cast.registrar.address,
                reporter: cast.reporter.address,
                faucetSigner: cast.faucetSigner.address,
                guardian: cast.guardian.address,
                attester: cast.attester.address,
                committee: cast.committee.address,
                council: beginning.isGovernedByStake ? contracts[.governor] : cast.council.address
            ),
            parameters: beginning.parameters
        )
    }
}
