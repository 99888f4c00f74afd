import Foundation
import LatticeTesting
import Ledger
import LedgerConformance
import Logging
import NIOConcurrencyHelpers

@testable import LedgerEVM

/// Plays scenarios on the contracts: a devnet for each beginning, and its state as it was after the deployment for each scene.
actor EVMStages: StageFactory {
    static let shared = EVMStages()
    /// Every wallet allows everything beforehand, so that no command takes two blocks.
    static let allowing = EVMStages(allowsEverything: true)

    /// Devnets compute, and more of them than cores make each other late.
    private static let mostPlaying = 2

    /// Devnets that nobody plays on, by the beginning that they hold.
    private var idle: [String: [ContractsOnDevnet]] = [:]
    private var playing = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private let allowsEverything: Bool

    init(allowsEverything: Bool = false) { self.allowsEverything = allowsEverything }

    func play(_ beginning: Beginning, _ scene: @Sendable (Stage) async throws -> Void) async throws {
        if playing >= Self.mostPlaying { await withCheckedContinuation { waiting.append($0) } } else { playing += 1 }
        defer {
            if waiting.isEmpty { playing -= 1 } else { waiting.removeFirst().resume() }
        }
        try await playNow(beginning, scene)
    }

    private func playNow(_ beginning: Beginning, _ scene: @Sendable (Stage) async throws -> Void) async throws {
        let name = beginning.name
        let place: ContractsOnDevnet
        if let free = idle[name]?.popLast() { place = free } else { place = try await Self.start(beginning) }
        do {
            let snapshot = try await place.devnet.snapshot()
            try await Self.play(beginning, on: place, allowsEverything, scene)
            try await place.devnet.revert(to: snapshot)
            // The devnet keeps the states of 128 blocks, of which the one that it went back to may not be any more.
            try await place.devnet.mine()
        } catch {
            // Whatever is left on it, nobody plays on it again.
            place.devnet.stop()
            throw error
        }
        if beginning.isUsual {
            idle[name, default: []].append(place)
        } else {
            place.devnet.stop()
        }
    }

    @concurrent
    private static func start(_ beginning: Beginning) async throws -> ContractsOnDevnet {
        try ContractsOnDevnet.start(beginning, devnet: ["--clock", "manual", "--genesis-time", "1800000000"])
    }

    private static func play(
        _ beginning: Beginning,
        on place: ContractsOnDevnet,
        _ allowsEverything: Bool,
        _ scene: @Sendable (Stage) async throws -> Void
    ) async throws {
        let keyring = Keyring()
        try await withTemporaryDirectory { folder in
            let ledger = try await EVMLedger.open(
                place.deployment,
                transports: [QuickEstimates(inner: place.devnet.transport)],
                path: folder + "/evm.sqlite",
                keyring: keyring,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
            defer { ledger.close() }
            let stage = try await Stage(ledger, EVMBackstage(place, keyring, allowsEverything), beginning)
            try await withThrowingTaskGroup { group in
                group.addTask { await ledger.run() }
                try await scene(stage)
                group.cancelAll()
            }
            let balances = try await ledger.balances()
            try expect(balances.areConserved(contracts: ledger.contracts), "nano are missing at the end")
        }
    }
}

/// The clock of a devnet, and the door to its ledger.
///
/// On a local ledger a refused command takes a block as any other does, and here none; so that both clocks go alike, a block
/// is mined after a command that left none.
final class EVMBackstage: Backstage {
    private let place: ContractsOnDevnet
    private let keyring: Keyring
    private let allowsEverything: Bool
    let auditsEveryCommand = false
    /// The newest block before the last command.
    private let last = NIOLockedValueBox<UInt64?>(nil)

    init(_ place: ContractsOnDevnet, _ keyring: Keyring, _ allowsEverything: Bool) {
        self.place = place
        self.keyring = keyring
        self.allowsEverything = allowsEverything
    }

    private var devnet: Devnet { place.devnet }

    private func head() async throws -> BlockHeader {
        let head = try require(try await devnet.client.header(.latest), "no block")
        guard
            last.withLockedValue({ last in
                defer { last = nil }
                return last == head.number
            })
        else { return head }
        try await devnet.mine()
        return try require(try await devnet.client.header(.latest), "no block")
    }

    func now() async throws -> UInt64 { try await head().time }

    func setTime(_ time: UInt64) async throws {
        _ = try await head()
        try await devnet.setNextTime(time)
    }

    func willSubmit() async throws {
        let number = try await head().number
        last.withLockedValue { $0 = number }
    }

    func admit(_ key: Secp256k1Key) async throws {
        keyring.add(key)
        try await devnet.give(Wei.gwei.times(1_000_000_000).times(1_000), to: key.address)
        guard allowsEverything else { return }
        for (nonce, spender) in [Contract.userRegistry, .staking, .slashing].enumerated() {
            let transaction = Transaction(
                chainID: devnet.chainID,
                nonce: UInt64(nonce),
                to: place.deployment.contracts[.laiToken],
                data: TokenCalls.approve(place.deployment.contracts[spender], TokenAmount(units: .max)),
                gasLimit: 100_000,
                fees: .market(tip: .gwei, most: .gwei.times(100))
            )
            try await devnet.client.send(try transaction.signed(by: key))
        }
    }
}

extension Beginning {
    /// What distinguishes it from others.
    var name: String {
        let figures = Parameters.Name.allCases.map { "\(parameters[$0])" }.joined(separator: ",")
        return "\(figures) \(supply) \(faucetSupply) \(isOwnedByTimelock) \(isGovernedByStake)"
    }

    /// Whether most scenarios begin so.
    var isUsual: Bool { (try? Beginning().name) == name }
}
