/// Bytes as lower-case hexadecimal digits behind `0x`, the form of Ethereum tools.
public enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Two lower-case digits a byte, with `0x` in front.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = Array("0x".utf8)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads `0x` and an even number of digits of either case; `nil` for anything else.
    public static func decode(_ text: String) -> [UInt8]? {
        let text = Array(text.utf8)
        guard text.count >= 2, text.count.isMultiple(of: 2), text[0] == UInt8(ascii: "0"), text[1] == UInt8(ascii: "x")
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2 - 1)
        for index in stride(from: 2, to: text.count, by: 2) {
            guard let high = nibble(text[index]), let low = nibble(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func nibble(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// A value of a fixed number of bytes that is written as hexadecimal digits in JSON and in text.
protocol HexCoded: Codable {
    /// The bytes, most significant first.
    var bytes: [UInt8] { get }

    /// Takes exactly as many bytes as the value has; `nil` for any other number.
    init?(_ bytes: [UInt8])
}

extension HexCoded {
    /// Reads the digits of a single string.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = Hex.decode(try container.decode(String.self)), let value = Self(bytes) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "expected 0x and the hexadecimal digits of \(Self.self)"
            )
        }
        self = value
    }

    /// Writes the digits as a single string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Hex.encode(bytes))
    }
}

/// Appends the eight bytes of `word`, most significant first.
func appendBigEndian(_ word: UInt64, to bytes: inout [UInt8]) {
    // The pointer does not leave the closure, and the array copies the bytes.
    unsafe withUnsafeBytes(of: word.bigEndian) { unsafe bytes.append(contentsOf: $0) }
}

/// The number made of eight bytes from `offset`, most significant first; the caller has checked that they are there.
func bigEndianWord(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in offset..<offset + 8 {
        word = word << 8 | UInt64(bytes[index])
    }
    return word
}
