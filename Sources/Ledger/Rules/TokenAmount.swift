/// An amount of LAI in the token's smallest unit (1e-18 LAI), as token accounts hold it.
///
/// The rules count in ``Nano``; one nano is 1e9 token units (ledger specification, §1 "Words"). 128 bits hold the cap of
/// 1e27 units with room for every sum of two balances.
public struct TokenAmount: Hashable, Comparable, Sendable {
    /// The amount in token units.
    public let units: UInt128

    /// Nothing.
    public static let zero = TokenAmount(units: 0)

    /// The most tokens that can exist: 1e9 LAI (§5.1).
    public static let cap = TokenAmount(units: 1_000_000_000 * 1_000_000_000_000_000_000)

    /// What exists at the beginning unless a genesis says otherwise: 854 000 000 LAI, so that the whole schedule of minting
    /// (146 000 000 LAI) fits under the cap.
    public static let genesisSupply = TokenAmount(units: 854_000_000 * 1_000_000_000_000_000_000)

    /// Token units in one nano.
    public static let unitsPerNano: UInt128 = 1_000_000_000

    /// Makes an amount from token units.
    public init(units: UInt128) {
        self.units = units
    }

    /// The same amount of LAI in token units.
    public init(_ nano: Nano) {
        units = UInt128(nano.count) * Self.unitsPerNano
    }

    /// The amount in nano, or `nil` where it is not a whole number of them or beyond 64 bits.
    public var nano: Nano? {
        let (whole, rest) = units.quotientAndRemainder(dividingBy: Self.unitsPerNano)
        guard rest == 0, let count = UInt64(exactly: whole) else { return nil }
        return Nano(count)
    }

    /// The sum, or `nil` beyond 128 bits.
    public func adding(_ other: TokenAmount) -> TokenAmount? {
        let (sum, overflow) = units.addingReportingOverflow(other.units)
        return overflow ? nil : TokenAmount(units: sum)
    }

    /// The difference, or `nil` below zero.
    public func subtracting(_ other: TokenAmount) -> TokenAmount? {
        let (difference, overflow) = units.subtractingReportingOverflow(other.units)
        return overflow ? nil : TokenAmount(units: difference)
    }

    /// Orders amounts by size.
    public static func < (left: TokenAmount, right: TokenAmount) -> Bool { left.units < right.units }
}

extension TokenAmount {
    /// The most that may be minted on a day, counted from the genesis: 100 000 LAI, halved every 730 days (§5.1).
    ///
    /// What is not minted on its day is never minted.
    public static func mintable(day: UInt64) -> TokenAmount {
        TokenAmount(units: (100_000 * 1_000_000_000_000_000_000 as UInt128) >> (day / 730))
    }
}

extension TokenAmount: CustomStringConvertible {
    /// The amount in LAI: nine decimals, or all eighteen where nine would not show all of it.
    public var description: String {
        if let nano { return nano.description }
        let (whole, rest) = units.quotientAndRemainder(dividingBy: 1_000_000_000_000_000_000)
        let digits = String(rest)
        return "\(whole)." + String(repeating: "0", count: 18 - digits.count) + digits
    }
}
