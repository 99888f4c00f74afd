import NIOCore

/// Numbers as Protocol Buffers write them: seven bits a byte, the lowest first.
extension ByteBuffer {
    /// The most bytes a number of 64 bits takes.
    static let maximumUvarintLength = 10

    /// How many bytes a number takes.
    static func uvarintLength(_ value: UInt64) -> Int {
        value < 0x80 ? 1 : (70 - (value | 1).leadingZeroBitCount) / 7
    }

    /// Writes a number in its shortest form.
    mutating func writeUvarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    /// Takes a number; `nil`, with nothing taken, while bytes are missing.
    mutating func readUvarint() throws(RPCError) -> UInt64? {
        var value: UInt64 = 0
        var index = readerIndex
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = getInteger(at: index, as: UInt8.self) else { return nil }
            index += 1
            let bits = UInt64(byte & 0x7F)
            guard shift < 63 || bits <= 1 else { break }
            value |= bits << shift
            if byte < 0x80 {
                moveReaderIndex(to: index)
                return value
            }
        }
        throw .protocolViolation("a number is longer than 64 bits")
    }
}
