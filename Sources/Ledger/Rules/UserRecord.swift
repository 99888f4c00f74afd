/// How a user came to be (ledger specification, §2).
public enum UserKind: UInt8, Sendable, CaseIterable, Codable {
    /// Registered by a wallet.
    case wallet = 1
    /// Registered by a passkey.
    case passkey = 2
    /// Registered by the registrar for someone who can sign nothing.
    case attested = 3
}

/// A user.
public struct UserRecord: Hashable, Sendable {
    /// How the user registered.
    public var kind: UserKind
    /// The roots that control the user, at most four.
    public var roots: UInt8
    /// The nonce that the next signed message must carry.
    public var nonce: UInt64
    /// When the user registered, in seconds since 1970.
    public var created: UInt64

    /// Makes a record.
    public init(kind: UserKind, roots: UInt8, nonce: UInt64, created: UInt64) {
        self.kind = kind
        self.roots = roots
        self.nonce = nonce
        self.created = created
    }

    /// The most roots of a user.
    public static let mostRoots: UInt8 = 4
}

/// A user's money.
public struct Funds: Hashable, Sendable {
    /// What may be spent and withdrawn.
    public var available: Nano
    /// What the faucet gave: spent first, never withdrawn.
    public var bonus: Nano
    /// What was asked to be withdrawn and is still charged by settlement.
    public var thawing: Nano
    /// From this second on the withdrawal may be completed; zero when there is none.
    public var thawEnd: UInt64
    /// Whom the withdrawal pays; zero when there is none.
    public var withdrawTo: Address
    /// From this second on anyone may return the bonus to the faucet; zero when there is none.
    public var bonusEnd: UInt64
    /// Keys of an older generation are ended.
    public var generation: UInt16
    /// Until this second keys of the generation before still settle.
    public var generationEnd: UInt64

    /// Makes a record; all zero without arguments.
    public init(
        available: Nano = .zero,
        bonus: Nano = .zero,
        thawing: Nano = .zero,
        thawEnd: UInt64 = 0,
        withdrawTo: Address = .zero,
        bonusEnd: UInt64 = 0,
        generation: UInt16 = 0,
        generationEnd: UInt64 = 0
    ) {
        self.available = available
        self.bonus = bonus
        self.thawing = thawing
        self.thawEnd = thawEnd
        self.withdrawTo = withdrawTo
        self.bonusEnd = bonusEnd
        self.generation = generation
        self.generationEnd = generationEnd
    }

    /// What settlement may take: bonus, available and thawing.
    ///
    /// The supply's cap keeps the sum below 64 bits.
    public var chargeable: Nano { available.clampedAdding(bonus).clampedAdding(thawing) }
}

/// A session key, which signs vouchers.
public struct KeyRecord: Hashable, Sendable {
    /// The user that it spends for, for ever.
    public var user: UserID
    /// The last second in which its vouchers settle.
    public var validUntil: UInt64
    /// Its curve.
    public var kind: KeyKind
    /// The user's generation in which it was granted.
    public var generation: UInt16
    /// The most it may ever spend in total.
    public var cap: Nano
    /// What it spent over all its channels.
    public var spent: Nano

    /// Makes a record.
    public init(user: UserID, validUntil: UInt64, kind: KeyKind, generation: UInt16, cap: Nano, spent: Nano) {
        self.user = user
        self.validUntil = validUntil
        self.kind = kind
        self.generation = generation
        self.cap = cap
        self.spent = spent
    }

    /// Whether a voucher of this key settles at that second.
    public func isLive(at time: UInt64, funds: Funds) -> Bool {
        guard time <= validUntil else { return false }
        if generation == funds.generation { return true }
        return generation &+ 1 == funds.generation && time <= funds.generationEnd
    }
}

/// What one key paid one node.
///
/// Both figures only grow.
public struct Channel: Hashable, Sendable {
    /// The total that was charged.
    public var paid: Nano
    /// The units of work behind it.
    public var units: UInt64

    /// Makes a record; all zero without arguments.
    public init(paid: Nano = .zero, units: UInt64 = 0) {
        self.paid = paid
        self.units = units
    }
}
