public import Ledger

/// Two ledgers that did the same commands and are not the same.
public struct Difference: Error, Sendable, CustomStringConvertible {
    /// The seed of the commands.
    public let seed: UInt64
    /// The commands up to the one after which the ledgers differ.
    public let prefix: [String]
    /// What is not the same: the left one's, then the right one's.
    public let what: String

    /// The seed, the difference and the commands that lead to it.
    public var description: String {
        "seed \(seed), after \(prefix.count) commands: \(what)\n" + prefix.joined(separator: "\n")
    }
}

/// Gives the commands of a seed to two ledgers, and compares outcomes, events and all that can be read (ledger
/// specification, §11 "Differential run").
public struct Differential: Sendable {
    /// Decides the commands.
    public let seed: UInt64
    /// How many.
    public let count: Int
    /// After how many commands all that can be read is compared; outcomes and events are compared after each.
    public let stride: Int

    /// Describes a run.
    public init(seed: UInt64, count: Int, comparingEvery stride: Int = 1) {
        self.seed = seed
        self.count = count
        self.stride = max(stride, 1)
    }

    /// What the run begins with, on both ledgers.
    public func beginning() throws -> Beginning { try RandomCommands.beginning(seed: seed) }

    /// Runs on two ledgers that began alike.
    ///
    /// - Returns: the first difference, or `nil` where there is none.
    public func run(_ left: Stage, _ right: Stage) async throws -> Difference? {
        var commands = try RandomCommands(seed: seed, left.beginning)
        for caller in commands.callers {
            try await left.backstage.admit(caller)
            try await right.backstage.admit(caller)
        }
        let people = (commands.callers + left.cast.everyone).map(\.address)
        // Both clocks begin at one second, whatever setting the stages took.
        var now = max(try await left.now(), try await right.now()) + 60
        var prefix: [String] = []
        for index in 0..<count {
            let step = try await commands.next(on: left.ledger, now: now)
            now = step.time
            prefix.append(step.description)
            let (one, other) = (try await left.play(step), try await right.play(step))
            var what = Self.difference(one, other, left.ledger.contracts, right.ledger.contracts)
            if what == nil, index.isMultiple(of: stride) || index == count - 1 {
                let epoch = now / .day
                let keys = commands.keyIDs
                what = try await Snapshot(of: left.ledger, people: people, keys: keys, epoch: epoch)
                    .difference(from: Snapshot(of: right.ledger, people: people, keys: keys, epoch: epoch))
            }
            if let what { return Difference(seed: seed, prefix: prefix, what: what) }
        }
        return nil
    }

    /// Runs on ledgers of two kinds, and where they differ runs again on fresh ones, comparing everything after each command,
    /// to find the shortest prefix that shows it.
    public func run(_ left: some StageFactory, _ right: some StageFactory) async throws -> Difference? {
        guard let found = try await once(left, right) else { return nil }
        guard stride > 1 else { return found }
        let closer = Differential(seed: seed, count: found.prefix.count)
        return try await closer.once(left, right) ?? found
    }

    private func once(_ left: some StageFactory, _ right: some StageFactory) async throws -> Difference? {
        let found = Found()
        let beginning = try beginning()
        try await left.play(beginning) { one in
            try await right.play(beginning) { other in
                await found.set(try await run(one, other))
            }
        }
        return await found.difference
    }

    private actor Found {
        private(set) var difference: Difference?

        func set(_ difference: Difference?) { self.difference = difference }
    }

    /// What two outcomes of one command have not in common, block numbers aside.
    private static func difference(
        _ left: Outcome,
        _ right: Outcome,
        _ leftContracts: ContractAddresses,
        _ rightContracts: ContractAddresses
    ) -> String? {
        guard let one = left.inclusion, let other = right.inclusion else {
            return left == right ? nil : "outcome \(short(left)) and \(short(right))"
        }
        guard one.time == other.time else { return "time \(one.time) and \(other.time)" }
        let events = (one.events.map { named($0, leftContracts) }, other.events.map { named($0, rightContracts) })
        for index in 0..<max(events.0.count, events.1.count) {
            let pair = (
                index < events.0.count ? events.0[index] : "nothing",
                index < events.1.count ? events.1[index] : "nothing"
            )
            if pair.0 != pair.1 { return "event \(index): \(pair.0) and \(pair.1)" }
        }
        return nil
    }

    private static func short(_ outcome: Outcome) -> String {
        guard let inclusion = outcome.inclusion else { return "\(outcome)" }
        return "done with \(inclusion.events.map(\.name))"
    }

    /// An event with the contracts' addresses as their names.
    private static func named(_ event: Event, _ contracts: ContractAddresses) -> String {
        let log = event.encoded()
        let words = Dictionary(uniqueKeysWithValues: Contract.allCases.map { (contracts[$0].word, $0.rawValue) })
        var all = log.topics.dropFirst().map { $0 }
        for start in Swift.stride(from: 0, to: log.data.count, by: 32) {
            all.append(Bytes32(Array(log.data[start..<start + 32])) ?? .zero)
        }
        let fields = all.map { words[$0] ?? "\($0)" }
        return "\(event.name) of \(log.contract.rawValue) \(fields.joined(separator: " "))"
    }
}

extension Stage {
    /// Does a step of a random run at its time.
    public func play(_ step: Step) async throws -> Outcome {
        try await setTime(step.time)
        return try await submit(try step.command(for: ledger), by: step.caller)
    }
}
