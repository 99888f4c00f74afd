public import Ledger

/// What the ledger under test does for a stage besides being a ledger.
public protocol Backstage: Sendable {
    /// The time of the newest block, in seconds since 1970.
    func now() async throws -> UInt64

    /// Makes the next block stand at that second, which is after the newest one. Blocks behind it follow each at a later second.
    func setTime(_ time: UInt64) async throws

    /// Lets a wallet call: a chain wants its key, and gives it what transactions cost.
    func admit(_ key: Secp256k1Key) async throws

    /// Is told before each command.
    func willSubmit() async throws

    /// Whether every balance is known cheaply enough to be looked at after each command.
    var auditsEveryCommand: Bool { get }
}

extension Backstage {
    /// Nothing to do.
    public func willSubmit() async throws {}
}

/// Makes ledgers to play scenarios on.
public protocol StageFactory: Sendable {
    /// Plays a scene on a fresh ledger, and checks afterwards what this kind of ledger can check of itself.
    func play(_ beginning: Beginning, _ scene: @Sendable (Stage) async throws -> Void) async throws
}

/// A ledger with a manual clock, on which scenarios are played.
///
/// It knows nothing of how the ledger is implemented. Callers are wallets, since a chain wants their signatures; no two
/// commands share a second, since a chain's blocks do not.
public struct Stage: Sendable {
    /// The ledger under test.
    public let ledger: any Ledger
    /// Its clock and its door.
    public let backstage: any Backstage
    /// What it began with.
    public let beginning: Beginning

    /// Sets a stage; the cast is admitted.
    public init(_ ledger: any Ledger, _ backstage: any Backstage, _ beginning: Beginning) async throws {
        self.ledger = ledger
        self.backstage = backstage
        self.beginning = beginning
        for key in beginning.cast.everyone { try await backstage.admit(key) }
    }

    /// Who acts.
    public var cast: Cast { beginning.cast }
    /// Holds the supply.
    public var administrator: Secp256k1Key { cast.administrator }
    /// Owns the contracts.
    public var owner: Secp256k1Key { cast.owner }
    /// Has nothing.
    public var stranger: Secp256k1Key { cast.stranger }

    // MARK: Time

    /// The time of the newest block.
    public func now() async throws -> UInt64 { try await backstage.now() }

    /// Makes the next command happen that much later than the newest one.
    public func advance(_ seconds: UInt64) async throws {
        try await backstage.setTime(try await now() + seconds)
    }

    /// Makes the next command happen at that second.
    public func setTime(_ time: UInt64) async throws { try await backstage.setTime(time) }

    // MARK: Commands

    /// Does a command and waits for what becomes of it; every nano must be accounted for afterwards.
    public func submit(_ command: Command, by caller: Secp256k1Key) async throws -> Outcome {
        try await backstage.willSubmit()
        let id = SubmissionID(.random())
        var outcome = try await ledger.submit(command, caller: caller.address, id: id).outcome
        let deadline = ContinuousClock.now + .seconds(30)
        while outcome == .pending {
            guard ContinuousClock.now < deadline else { throw StageError.undecided }
            try await Task.sleep(for: .milliseconds(2))
            outcome = try await ledger.outcome(id) ?? .pending
        }
        if backstage.auditsEveryCommand { try await audit(command) }
        return outcome
    }

    private func audit(_ command: Command) async throws {
        let (balances, contracts) = (try await ledger.balances(), ledger.contracts)
        try expect(balances.areConserved(contracts: contracts), "nano are missing after \(command)")
        let held = balances.accounts[contracts[.userRegistry]] ?? .zero
        try expect(balances.sumOfUsers, is: held, "users own after \(command)")
    }

    /// Does a command that must succeed.
    @discardableResult
    public func run(
        _ command: Command,
        by caller: Secp256k1Key? = nil,
        file: StaticString = #fileID,
        line: UInt = #line
    ) async throws -> Inclusion {
        let outcome = try await submit(command, by: caller ?? administrator)
        return try require(outcome.inclusion, "\(command.name): \(outcome)", file: file, line: line)
    }

    /// Does a command that must be refused, and leave the balances as they were.
    public func refuse(
        _ command: Command,
        by caller: Secp256k1Key? = nil,
        _ reason: Reason,
        file: StaticString = #fileID,
        line: UInt = #line
    ) async throws {
        let before = backstage.auditsEveryCommand ? try await ledger.balances() : nil
        let outcome = try await submit(command, by: caller ?? administrator)
        guard outcome == .rejected(reason) else {
            throw ScenarioFailure("\(command.name) expected \(reason), found \(outcome)", file, line)
        }
        guard let before else { return }
        var after = try await ledger.balances()
        after.block = before.block
        try expect(after == before, "a refused command moved money", file: file, line: line)
    }
}

/// Why a stage could not go on.
public enum StageError: Error, Hashable {
    /// The ledger did not decide about a command in time.
    case undecided
}

extension Bytes32 {
    static func random() -> Bytes32 {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Bytes32(bytes) ?? .zero
    }
}

extension UInt64 {
    /// Seconds.
    public static let hour: UInt64 = 3600
    /// Seconds.
    public static let day: UInt64 = 86_400
}

extension Nano {
    /// Whole LAI.
    public init(lai: UInt64) { self.init(lai * Nano.lai.count) }
}
