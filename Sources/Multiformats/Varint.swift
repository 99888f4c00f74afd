/// Unsigned LEB128 as multiformats, protobuf and every length prefix of libp2p use it: seven bits a byte, low ones first.
///
/// One value has one form: an encoding with needless trailing zero groups is refused, so that equal bytes and equal
/// values mean the same (multiformats/unsigned-varint). Ten bytes are taken, not nine, since protobuf fields hold
/// whole 64-bit words.
public enum Varint {
    /// The bytes of the longest encoding, that of `UInt64.max`.
    public static let maximumLength = 10

    /// The encoding of a value, one to ten bytes.
    @inlinable
    public static func encode(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encodedLength(value))
        append(value, to: &bytes)
        return bytes
    }

    /// How many bytes ``encode(_:)`` gives.
    @inlinable
    public static func encodedLength(_ value: UInt64) -> Int {
        max(1, (UInt64.bitWidth - value.leadingZeroBitCount + 6) / 7)
    }

    /// Puts the encoding of a value behind what is there.
    @inlinable
    public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Reads the value at the front.
    ///
    /// - Returns: the value and how many bytes it took; `nil` while bytes are missing.
    @inlinable
    public static func decode(_ bytes: some Collection<UInt8>) throws(VarintError) -> (value: UInt64, length: Int)? {
        var value: UInt64 = 0
        var length = 0
        for byte in bytes {
            // The tenth byte has room for the one bit that is left of 64.
            if length == maximumLength - 1, byte > 1 { throw .tooLong }
            value |= UInt64(byte & 0x7f) << UInt64(7 * length)
            length += 1
            if byte & 0x80 == 0 {
                if byte == 0, length > 1 { throw .notMinimal }
                return (value, length)
            }
        }
        return nil
    }
}

/// Why bytes are not an unsigned varint.
public enum VarintError: Error, Hashable {
    /// The value does not fit into 64 bits.
    case tooLong
    /// A shorter form of the same value exists.
    case notMinimal
}
