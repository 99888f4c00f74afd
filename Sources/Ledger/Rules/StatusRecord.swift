/// One node's row of an epoch's report (ledger specification, §5.4).
public struct ReportRow: Hashable, Sendable {
    /// The node.
    public var node: NodeID
    /// The part of the epoch in which it answered, in hundredths of a per cent.
    public var uptime: UInt16
    /// Units of work that it served in the epoch.
    public var units: UInt64
    /// The part of its checks that it passed, in hundredths of a per cent.
    public var health: UInt16
    /// Its reputation, of 10 000.
    public var reputation: UInt16
    /// Its median latency in milliseconds.
    public var latency: UInt32

    /// Makes a row.
    public init(node: NodeID, uptime: UInt16, units: UInt64, health: UInt16, reputation: UInt16, latency: UInt32) {
        self.node = node
        self.uptime = uptime
        self.units = units
        self.health = health
        self.reputation = reputation
        self.latency = latency
    }

    /// The most rows in one call.
    public static let mostInOneCall = 250

    /// The row in one word: node, uptime, units, health, reputation and latency from the lowest bit up.
    public var packed: Bytes32 {
        Bytes32(
            UInt64(latency) >> 16,
            UInt64(latency) << 48 | UInt64(reputation) << 32 | UInt64(health) << 16 | units >> 48,
            units << 16 | UInt64(uptime),
            node.number
        )
    }

    /// Reads a row; `nil` where bits are set that it does not have.
    public init?(packed word: Bytes32) {
        guard word.words.0 >> 16 == 0 else { return nil }
        let (high, middle) = (word.words.1, word.words.2)
        self.init(
            node: NodeID(word.words.3),
            uptime: UInt16(truncatingIfNeeded: middle),
            units: high << 48 | middle >> 16,
            health: UInt16(truncatingIfNeeded: high >> 16),
            reputation: UInt16(truncatingIfNeeded: high >> 32),
            latency: UInt32(truncatingIfNeeded: word.words.0 << 16 | high >> 48)
        )
    }
}

/// A node's row as the ledger keeps it.
public struct StatusRecord: Hashable, Sendable {
    /// The epoch: days since 1970.
    public var epoch: UInt64
    /// The part of the epoch in which it answered, in hundredths of a per cent.
    public var uptime: UInt16
    /// Units of work that it served.
    public var units: UInt64
    /// The part of its checks that it passed, in hundredths of a per cent.
    public var health: UInt16
    /// Its reputation, of 10 000, moved by no more than one report may.
    public var reputation: UInt16
    /// Its median latency in milliseconds.
    public var latency: UInt32
    /// The compute that counts: what the attester measured, as far as there was stake behind it.
    public var compute: UInt64

    /// Makes a record.
    public init(
        epoch: UInt64,
        uptime: UInt16,
        units: UInt64,
        health: UInt16,
        reputation: UInt16,
        latency: UInt32,
        compute: UInt64
    ) {
        self.epoch = epoch
        self.uptime = uptime
        self.units = units
        self.health = health
        self.reputation = reputation
        self.latency = latency
        self.compute = compute
    }

    /// What a node begins with.
    public static let firstReputation: UInt16 = 5_000
    /// How far one report may move it.
    public static let reputationStep: UInt16 = 1_000
    /// Seconds of an epoch.
    public static let epochLength: UInt64 = 86_400
}

/// How far an epoch's report has come.
public struct EpochRecord: Hashable, Sendable {
    /// When it was sealed; zero while it is not.
    public var sealedAt: UInt64
    /// Zero until a report is rejected, then one.
    public var round: UInt8
    /// The compute of all valid rows.
    public var compute: UInt128
    /// The units of all valid rows.
    public var units: UInt128
    /// The number of valid rows.
    public var count: UInt64

    /// Makes a record; all zero without arguments.
    public init(sealedAt: UInt64 = 0, round: UInt8 = 0, compute: UInt128 = 0, units: UInt128 = 0, count: UInt64 = 0) {
        self.sealedAt = sealedAt
        self.round = round
        self.compute = compute
        self.units = units
        self.count = count
    }

    /// Seconds in which a sealed report may be rejected.
    public static let rejectionTime: UInt64 = 6 * 3_600

    /// Whether rewards may be claimed at that second.
    public func isFinal(at time: UInt64) -> Bool {
        sealedAt != 0 && time >= sealedAt && time - sealedAt >= Self.rejectionTime
    }
}

/// A node's reward for an epoch.
public struct RewardRecord: Hashable, Sendable {
    /// What it comes to as the report stands.
    public var amount: Nano
    /// Whether it was claimed.
    public var isClaimed: Bool

    /// Makes a record; nothing, and not claimed, without arguments.
    public init(amount: Nano = .zero, isClaimed: Bool = false) {
        self.amount = amount
        self.isClaimed = isClaimed
    }
}
