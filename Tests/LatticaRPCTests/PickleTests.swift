import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

@Suite struct `Pickles` {
    private static let ints: PickleValue = [
        0, 255, 256, 65535, 65536, -1, 2_147_483_647, -2_147_483_648, 2_147_483_648, .int(.max), .int(.min),
    ]
    private static let nested: PickleValue = [
        "a": .tuple([1, 2.5, [.none, ["k": .bytes([0x78])]]]), "e": .tuple([]),
    ]

    /// Made by CPython 3.11, protocols 2 to 5.
    static let vectors: [(PickleValue, String)] = [
        (.none, "80024e2e"), (.none, "80034e2e"), (.none, "80044e2e"), (.none, "80054e2e"),
        (true, "8002882e"), (true, "8005882e"), (false, "8004892e"),
        (
            ints,
            """
            80025d7100284b004bff4d00014dffff4a000001004affffffff4affffff7f4a000000808a0500000080008a08ffffffffffffff7f\
            8a080000000000000080652e
            """
        ),
        (
            ints,
            """
            8004953e000000000000005d94284b004bff4d00014dffff4a000001004affffffff4affffff7f4a000000808a0500000080008a08\
            ffffffffffffff7f8a080000000000000080652e
            """
        ),
        (1.5, "8002473ff80000000000002e"), (1.5, "8005950a00000000000000473ff80000000000002e"),
        ("h\u{e9}llo", "8002580600000068c3a96c6c6f71002e"),
        ("h\u{e9}llo", "8004950a000000000000008c0668c3a96c6c6f942e"),
        (.bytes([0, 255]), "8003430200ff71002e"), (.bytes([0, 255]), "8005950600000000000000430200ff942e"),
        (
            nested,
            """
            80037d71002858010000006171014b014740040000000000005d7102284e7d710358010000006b71044301787105736587710658\
            0100000065710729752e
            """
        ),
        (
            nested,
            "8004952b000000000000007d94288c0161944b014740040000000000005d94284e7d948c016b9443017894736587948c01659429752e"
        ),
        (.tuple([1, 2, 3, 4]), "8002284b014b024b034b047471002e"),
        (.tuple([1, 2, 3, 4]), "8004950c00000000000000284b014b024b034b0474942e"),
        (.set([1]), "80049507000000000000008f94284b01902e"),
        (.dict([.set([1]): 2]), "8005950b000000000000007d94284b0191944b02732e"),
        ([["x"], ["x"]], "80025d7100285d71015801000000787102616801652e"),
        ([["x"], ["x"]], "8005950e000000000000005d94285d948c017894616801652e"),
        (.bytes([0x61, 0x62]), "8005950d000000000000009602000000000000006162942e"),
        (
            .string(String(repeating: "x", count: 300)),
            "8002582c010000" + String(repeating: "78", count: 300) + "71002e"
        ),
        // Lattica wire, §19.
        ([1, 2], "80049509000000000000005d94284b014b02652e"), ("v", "80048c01762e"),
    ]

    @Test(arguments: vectors) func `of Python read as data`(value: PickleValue, bytes: String) throws {
        #expect(try PickleValue(pickle: hex(bytes)) == value)
    }

    @Test func `of this side are what Python takes`() throws {
        #expect(try PickleValue.string("v").pickle() == hex("80048c01762e"))
        #expect(
            try ([1, -1, 2.5, "a", .none, true] as PickleValue).pickle()
                == hex("80045d284b014affffffff4740040000000000008c01614e88652e")
        )
        #expect(try (["k": .tuple([.bytes([1])])] as PickleValue).pickle() == hex("80047d288c016b2843010174752e"))
        #expect(
            try PickleValue.set([.set([.int(1 << 40)])]).pickle()
                == hex("80048f28288a080000000000010000 91902e")
        )
    }

    @Test func `of any value read as they were written`() throws {
        var random = SeededGenerator(seed: 32)
        for _ in 0..<400 {
            let value = Self.value(depth: 4, &random)
            #expect(try PickleValue(pickle: value.pickle()) == value)
            #expect(try PickleValue(payload: value.payload()) == value)
        }
        #expect(try PickleValue.none.payload().readableBytes == 0)
    }

    private static func value(depth: Int, _ random: inout SeededGenerator) -> PickleValue {
        func items(_ random: inout SeededGenerator) -> [PickleValue] {
            (0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth: depth - 1, &random) }
        }
        func key(_ random: inout SeededGenerator) -> PickleValue {
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .string("k\(random.next())")
            case 1: .int(Int64(truncatingIfNeeded: random.next()))
            case 2: .set([.int(Int64(truncatingIfNeeded: random.next() & 7))])
            default: .tuple([.bytes(random.bytes(3)), .none])
            }
        }
        switch Int.random(in: 0..<(depth > 0 ? 10 : 6), using: &random) {
        case 0: return .none
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64(truncatingIfNeeded: random.next()) >> Int64.random(in: 0..<64, using: &random))
        case 3: return .double(Double(Int64(truncatingIfNeeded: random.next())))
        case 4: return .string(String(repeating: "\u{fc}", count: Int.random(in: 0..<300, using: &random)))
        case 5: return .bytes(random.bytes(Int.random(in: 0..<300, using: &random)))
        case 6: return .list(items(&random))
        case 7: return .tuple(items(&random))
        case 8: return .set(Set((0..<3).map { _ in key(&random) }))
        default:
            return .dict(
                Dictionary(items(&random).map { (key(&random), $0) }, uniquingKeysWith: { first, _ in first })
            )
        }
    }

    @Test(
        arguments: [
            ("63706f7369780a73797374656d0a70300a2856747275650a70310a7470320a5270330a2e", "GLOBAL", "posix.system"),
            ("800263706f7369780a73797374656d0a710058040000007472756571018571025271032e", "GLOBAL", "posix.system"),
            (
                "8004951f000000000000008c05706f736978948c0673797374656d9493948c047472756594859452942e", "STACK_GLOBAL",
                "posix.system"
            ),
            ("80049515000000000000008c085f5f6d61696e5f5f948c01429493942981942e", "STACK_GLOBAL", "__main__.B"),
            (
                "80049520000000000000008c086461746574696d65948c0464617465949394430407e4010194859452942e",
                "STACK_GLOBAL",
                "datetime.date"
            ),
            ("28696f730a73797374656d0a2e", "INST", "os.system"), ("63", "GLOBAL", nil), ("93", "STACK_GLOBAL", nil),
            ("80024e50", "PERSID", nil), ("4e51", "BINPERSID", nil), ("4e52", "REDUCE", nil), ("4e62", "BUILD", nil),
            ("286f", "OBJ", nil), ("4e81", "NEWOBJ", nil), ("8201", "EXT1", nil), ("830100", "EXT2", nil),
            ("8401000000", "EXT4", nil), ("92", "NEWOBJ_EX", nil),
        ] as [(String, String, String?)]
    ) func `that name or call anything are refused`(bytes: String, opcode: String, name: String?) {
        #expect(throws: PickleError.refused(opcode: opcode, name: name)) { try PickleValue(pickle: hex(bytes)) }
    }

    @Test func `of integers over 64 bits are refused`() {
        for bytes in ["8a090000000000000080002e", "8a09ffffffffffffff7fff2e", "8b0a000000000000000000000000012e"] {
            #expect(throws: PickleError.integerTooLarge) { try PickleValue(pickle: hex(bytes)) }
        }
        #expect(throws: Never.self) { try PickleValue(pickle: hex("8a0affffffffffffffffffff2e")) }
    }

    @Test func `that refer to themselves or double without end are refused`() throws {
        #expect(throws: PickleError.limitReached("depth 64")) { try PickleValue(pickle: hex("5d946800612e")) }
        // A tuple of two of the tuple before, fifty times over.
        var bomb = hex("8004 4b01 94")
        for number in 0..<50 { bomb.writeBytes([0x68, UInt8(number), 0x86, 0x94]) }
        bomb.writeInteger(UInt8(ascii: "."))
        #expect(throws: PickleError.limitReached("100000 values")) { try PickleValue(pickle: bomb) }
        // A text that is long once and occurs often.
        var limits = PickleLimits()
        limits.maximumLength = 1000
        var echo = hex("5d 28 8c ff")
        echo.writeRepeatingByte(0x78, count: 255)
        echo.writeInteger(UInt8(0x94))
        for _ in 0..<5 { echo.writeBytes([0x68, 0]) }
        echo.writeBytes([0x65, 0x2e])
        #expect(throws: PickleError.limitReached("1000 bytes")) { try PickleValue(pickle: echo, limits: limits) }
        #expect(throws: Never.self) { try PickleValue(pickle: echo) }
    }

    @Test func `over a limit are refused, and not written`() throws {
        var limits = PickleLimits()
        limits.maximumValues = 10
        let many = PickleValue.list(Array(repeating: .none, count: 10))
        #expect(throws: PickleError.limitReached("10 values")) { try many.pickle(limits: limits) }
        let bytes = try many.pickle()
        #expect(throws: PickleError.limitReached("10 values")) { try PickleValue(pickle: bytes, limits: limits) }
        let deep = (0..<70).reduce(PickleValue.none) { inner, _ in .list([inner]) }
        #expect(throws: PickleError.limitReached("depth 64")) { try deep.pickle() }
        let marks = ByteBuffer(repeating: 0x28, count: 100)
        #expect(throws: PickleError.limitReached("depth 64")) { try PickleValue(pickle: marks) }
        limits.maximumLength = 20
        #expect(throws: PickleError.limitReached("20 bytes")) { try PickleValue(pickle: marks, limits: limits) }
    }

    @Test(
        arguments: [
            "2e", "4b", "612e", "4e612e", "652e", "28652e", "7d4e732e", "7d284e752e", "68002e", "5d28902e", "85",
            "8cff61", "8e0000000000000080", "289428", "8f285d902e", "7d5d4e732e", "5d285e65", "ff",
        ]
    ) func `that are malformed are refused`(bytes: String) {
        #expect(throws: PickleError.self) { try PickleValue(pickle: hex(bytes)) }
    }

    @Test func `of any bytes are data or refused`() {
        var random = SeededGenerator(seed: 33)
        for (_, vector) in Self.vectors {
            let bytes = Array(buffer: hex(vector))
            for length in bytes.indices {
                #expect(throws: PickleError.self) { try PickleValue(pickle: ByteBuffer(bytes: bytes.prefix(length))) }
            }
            guard bytes.count < 200 else { continue }
            for index in bytes.indices {
                for bit in 0..<8 {
                    var changed = bytes
                    changed[index] ^= 1 << bit
                    _ = try? PickleValue(pickle: ByteBuffer(bytes: changed))
                }
            }
        }
        let opcodes = (UInt8.min...UInt8.max).filter { PickleOpcode(rawValue: $0) != nil }
        for _ in 0..<5000 {
            var bytes = ByteBuffer()
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                bytes.writeInteger(opcodes[Int.random(in: opcodes.indices, using: &random)])
                if Bool.random(using: &random) { bytes.writeBytes(random.bytes(1)) }
            }
            _ = try? PickleValue(pickle: bytes)
        }
    }
}
