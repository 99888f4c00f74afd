/// An address of the Internet Protocol, version 4.
public struct IPv4Address: Hashable, Sendable, CustomStringConvertible {
    /// The address as a number: `127.0.0.1` is `0x7f000001`.
    public let bits: UInt32

    /// The address that a number stands for.
    public init(bits: UInt32) {
        self.bits = bits
    }

    /// Reads four decimal numbers with dots between them; `nil` for anything else, short and octal forms included.
    public init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard part.count <= 3, part.count == 1 || part.first != UInt8(ascii: "0"),
                let value = decimalNumber(part, as: UInt8.self)
            else { return nil }
            bits = bits << 8 | UInt32(value)
        }
        self.bits = bits
    }

    /// Four decimal numbers with dots between them.
    public var description: String {
        "\(bits >> 24).\(bits >> 16 & 0xff).\(bits >> 8 & 0xff).\(bits & 0xff)"
    }

    /// Whether packets to it stay on this machine (127.0.0.0/8).
    public var isLoopback: Bool { bits >> 24 == 127 }

    /// Whether it is 0.0.0.0, "every address of this machine" where one listens.
    public var isUnspecified: Bool { bits == 0 }

    /// Whether it is reachable only inside one site or link (RFC 1918, RFC 6598, RFC 3927).
    public var isPrivate: Bool {
        bits >> 24 == 10 || bits >> 20 == 0xac1 || bits >> 16 == 0xc0a8 || bits >> 22 == 0x191 || bits >> 16 == 0xa9fe
    }
}

/// The number that only decimal digits stand for, at least one and no sign; `nil` for anything else.
func decimalNumber<Number: FixedWidthInteger>(
    _ digits: some Collection<UInt8>,
    as type: Number.Type
) -> Number? {
    guard !digits.isEmpty else { return nil }
    var value: Number = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(Number(digit - UInt8(ascii: "0")))
        if overflow || carry { return nil }
        value = sum
    }
    return value
}
