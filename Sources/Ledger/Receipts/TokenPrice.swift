/// What a node asks for tokens, in nano for each million (ledger specification, §3 "Prices").
public struct TokenPrice: Hashable, Sendable, Codable {
    /// Nano for each million input tokens.
    public let input: Nano

    /// Nano for each million output tokens.
    public let output: Nano

    /// Makes a price.
    public init(input: Nano, output: Nano) {
        self.input = input
        self.output = output
    }

    /// The cost of a request, rounded up to a nano; `nil` beyond 64 bits.
    public func cost(inputTokens: UInt64, outputTokens: UInt64) -> Nano? {
        let million: UInt128 = 1_000_000
        // A product of two 64-bit numbers always fits in 128 bits; the sum of two products may not.
        let (sum, overflow) = (UInt128(inputTokens) * UInt128(input.count))
            .addingReportingOverflow(UInt128(outputTokens) * UInt128(output.count))
        guard !overflow else { return nil }
        let (quotient, rest) = sum.quotientAndRemainder(dividingBy: million)
        return UInt64(exactly: rest == 0 ? quotient : quotient + 1).map { Nano($0) }
    }
}
