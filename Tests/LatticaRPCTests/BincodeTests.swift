import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

/// Bytes from text of hexadecimal digits; quoted parts stand for themselves.
func hex(_ text: String) -> ByteBuffer {
    var bytes = ByteBuffer()
    for (index, part) in text.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
        if index.isMultiple(of: 2) {
            let digits = part.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
            for place in stride(from: 0, to: digits.count - 1, by: 2) {
                bytes.writeInteger(UInt8(digits[place] << 4 | digits[place + 1]))
            }
        } else {
            bytes.writeString(String(part))
        }
    }
    return bytes
}

@Suite struct `Bincode` {
    @Test(
        arguments: [
            (0, "00"), (250, "fa"), (251, "fbfb00"), (300, "fb2c01"), (65535, "fbffff"), (65536, "fc00000100"),
            (4_294_967_295, "fcffffffff"), (4_294_967_296, "fd0000000001000000"), (.max, "fdffffffffffffffff"),
        ] as [(UInt64, String)]
    ) func `integers take their shortest form`(value: UInt64, bytes: String) throws {
        var writer = BincodeWriter()
        writer.unsigned(value)
        #expect(writer.buffer == hex(bytes))
        var reader = BincodeReader(writer.buffer)
        #expect(try reader.unsigned() == value)
        #expect(reader.rest.readableBytes == 0)
    }

    @Test func `any value reads as it was written`() throws {
        var random = SeededGenerator(seed: 31)
        for _ in 0..<500 {
            let number = UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0..<64, using: &random)
            let double = Double(bitPattern: UInt64.random(in: 0...UInt64.max >> 2, using: &random))
            let bytes = ByteBuffer(bytes: random.bytes(Int.random(in: 0..<600, using: &random)))
            let texts = (0..<Int.random(in: 0..<5, using: &random)).map { "é\($0)\(number)" }
            let flag = Bool.random(using: &random)
            let maybe = flag ? number : nil
            var writer = BincodeWriter()
            writer.unsigned(number)
            writer.double(double)
            writer.bytes(bytes)
            writer.list(texts) { $0.text($1) }
            writer.bool(flag)
            writer.option(maybe) { $0.unsigned($1) }
            var reader = BincodeReader(writer.buffer)
            #expect(try reader.unsigned() == number)
            #expect(try reader.double() == double)
            #expect(try reader.bytes() == bytes)
            #expect(try reader.list(limit: 10) { (reader) throws(BincodeError) in try reader.text() } == texts)
            #expect(try reader.bool() == flag)
            #expect(try reader.option { (reader) throws(BincodeError) in try reader.unsigned() } == maybe)
            #expect(reader.rest.readableBytes == 0)
        }
    }

    /// Lattica wire, §19: a record and the index of its subkeys.
    @Test func `records of the hash table read as the package writes them`() throws {
        var record = BincodeReader(hex("10 80049505000000000000008c0176942e 73bbfed952c0da41"))
        #expect(try PickleValue(pickle: record.bytes()) == "v")
        #expect(try record.double() > 1_700_000_000)
        var index = BincodeReader(hex("01 05 \"alice\" b2d4fed952c0da41"))
        #expect(try index.list(limit: 100) { (reader) throws(BincodeError) in try reader.text() } == ["alice"])
        #expect(try index.double() > 1_700_000_000)
    }

    @Test func `a length beyond the bytes or the limit is refused before anything is made`() {
        var beyond = BincodeReader(hex("fd ffffffffffffff7f 00"))
        #expect(throws: BincodeError.truncated) { try beyond.bytes() }
        var list = BincodeReader(hex("fc ffffffff 00"))
        #expect(throws: BincodeError.truncated) {
            try list.list(limit: .max) { (reader) throws(BincodeError) in try reader.bool() }
        }
        var long = BincodeReader(hex("05 \"hello\""))
        #expect(throws: BincodeError.tooLong(declared: 5, limit: 4)) { try long.text(limit: 4) }
    }

    @Test func `what is no value is told`() {
        var wide = BincodeReader(hex("fe"))
        #expect(throws: BincodeError.integerTooWide) { try wide.unsigned() }
        var variant = BincodeReader(hex("fd 0000000001000000"))
        #expect(throws: BincodeError.integerTooWide) { try variant.variant() }
        var text = BincodeReader(hex("01 ff"))
        #expect(throws: BincodeError.invalidText) { try text.text() }
        var bool = BincodeReader(hex("02"))
        #expect(throws: BincodeError.invalidBool(2)) { try bool.bool() }
        var nothing = BincodeReader(ByteBuffer())
        #expect(throws: BincodeError.truncated) { try nothing.double() }
    }
}
