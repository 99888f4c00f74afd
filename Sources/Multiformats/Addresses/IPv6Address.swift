/// An address of the Internet Protocol, version 6, without a zone.
public struct IPv6Address: Hashable, Sendable, CustomStringConvertible {
    /// The address as a number: `::1` is 1.
    public let bits: UInt128

    /// The address that a number stands for.
    public init(bits: UInt128) {
        self.bits = bits
    }

    /// Reads the text forms of RFC 4291 §2.2: groups, `::` for a run of zeros, and a version 4 address at the end.
    public init?(_ text: some StringProtocol) {
        // The longest form has 45 characters.
        guard text.utf8.count <= 45 else { return nil }
        var halves: [[UInt16]] = []
        let text = String(text)
        if let gap = Self.firstGap(in: text) {
            let before = text[..<gap]
            let after = text[text.index(gap, offsetBy: 2)...]
            guard let head = Self.groups(before, endsAddress: false), let tail = Self.groups(after, endsAddress: true),
                head.count + tail.count <= 7
            else { return nil }
            halves = [head, [UInt16](repeating: 0, count: 8 - head.count - tail.count), tail]
        } else {
            guard let all = Self.groups(text[...], endsAddress: true), all.count == 8 else { return nil }
            halves = [all]
        }
        bits = halves.joined().reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// The canonical text of RFC 5952: lower case, no leading zeros, `::` for the first longest run of zero groups.
    public var description: String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(112 - 16 * $0)) }
        if let mapped = mappedIPv4 { return "::ffff:\(mapped)" }
        var longest = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        let hex = groups.map { String($0, radix: 16) }
        // One zero group alone is written out (RFC 5952 §4.2.2).
        guard longest.count > 1 else { return hex.joined(separator: ":") }
        return hex[..<longest.lowerBound].joined(separator: ":") + "::"
            + hex[longest.upperBound...].joined(separator: ":")
    }

    /// Whether it is `::1`, or a mapped version 4 loopback address.
    public var isLoopback: Bool { bits == 1 || mappedIPv4?.isLoopback == true }

    /// Whether it is `::`, "every address of this machine" where one listens.
    public var isUnspecified: Bool { bits == 0 }

    /// Whether it is reachable only inside one site or link: fc00::/7, fe80::/10, or a mapped private address.
    public var isPrivate: Bool {
        bits >> 121 == 0x7e || bits >> 118 == 0x3fa || mappedIPv4?.isPrivate == true
    }

    /// The version 4 address inside `::ffff:0:0/96`; `nil` for other addresses.
    public var mappedIPv4: IPv4Address? {
        bits >> 32 == 0xffff ? IPv4Address(bits: UInt32(truncatingIfNeeded: bits)) : nil
    }

    private static func firstGap(in text: String) -> String.Index? {
        zip(text.indices, zip(text, text.dropFirst())).first { $0.1 == (":", ":") }?.0
    }

    /// The groups of a part without `::`; none for an empty part.
    private static func groups(_ text: Substring, endsAddress: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if endsAddress, index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                guard let last = IPv4Address(part) else { return nil }
                groups += [UInt16(last.bits >> 16), UInt16(truncatingIfNeeded: last.bits)]
            } else {
                guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups.count <= 8 ? groups : nil
    }
}
