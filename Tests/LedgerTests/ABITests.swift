import Ledger
import Testing

@Suite struct `ABI encoding` {
    @Test func `of static and dynamic values is that of the vectors, both ways`() throws {
        for vectors in try EthVectors.all() {
            for vector in vectors.abi {
                let types = try vector.types.map { try ABIType(parsing: $0) }
                let values = try zip(types, vector.values).map { try $0.value($1) }
                #expect(ABI.encode(values) == vector.encoded.bytes, "\(vector.types)")
                #expect(try ABI.decode(types, from: vector.encoded.bytes) == values, "\(vector.types)")
            }
        }
    }

    @Test func `names functions and events`() throws {
        for vectors in try EthVectors.all() {
            for vector in vectors.selectors {
                #expect(ABI.selector(vector.signature) == vector.selector.bytes)
                #expect(ABI.eventTopic(vector.signature) == vector.topic)
            }
        }
    }

    @Test func `is refused when it ends early or goes on`() throws {
        for vector in try EthVectors.copy.get().abi {
            let types = try vector.types.map { try ABIType(parsing: $0) }
            let bytes = vector.encoded.bytes
            for count in 0..<bytes.count {
                #expect(throws: ABIError.self) { try ABI.decode(types, from: Array(bytes.prefix(count))) }
            }
            #expect(throws: ABIError.trailingBytes) { try ABI.decode(types, from: bytes + [0]) }
        }
    }

    /// What is read is written back as it was, so that no two encodings mean one value.
    @Test func `with a bit flipped is refused or means another value`() throws {
        for vector in try EthVectors.copy.get().abi {
            let types = try vector.types.map { try ABIType(parsing: $0) }
            let bytes = vector.encoded.bytes
            let values = try ABI.decode(types, from: bytes)
            for bit in 0..<bytes.count * 8 {
                var flipped = bytes
                flipped[bit / 8] ^= 1 << UInt8(bit % 8)
                guard let other = try? ABI.decode(types, from: flipped) else { continue }
                #expect(other != values)
                #expect(ABI.encode(other) == flipped)
            }
        }
    }

    @Test func `of random bytes is refused or written back as it was`() throws {
        var random = SeededGenerator(seed: 6)
        let types = try EthVectors.copy.get().abi.map { try $0.types.map { try ABIType(parsing: $0) } }
        for round in 0..<5_000 {
            var bytes = random.bytes(Int.random(in: 0...12, using: &random) * 32)
            // Mostly zeros and small numbers, so that some offsets and lengths make sense.
            for index in bytes.indices where index % 32 < 31 || round.isMultiple(of: 2) {
                bytes[index] = index % 32 == 31 ? bytes[index] & 0xe0 : 0
            }
            for types in types {
                guard let values = try? ABI.decode(types, from: bytes) else { continue }
                #expect(ABI.encode(values) == bytes)
            }
        }
    }

    @Test func `of values beyond their type is refused`() {
        func word(_ last: UInt8, first: UInt8 = 0) -> [UInt8] { [first] + [UInt8](repeating: 0, count: 30) + [last] }
        #expect(throws: ABIError.valueOutOfRange) { try ABI.decode([.bool], from: word(2)) }
        #expect(throws: ABIError.valueOutOfRange) { try ABI.decode([.bool], from: word(1, first: 1)) }
        #expect(throws: ABIError.valueOutOfRange) { try ABI.decode([.uint(bits: 8)], from: word(0, first: 1)) }
        #expect(throws: ABIError.valueOutOfRange) { try ABI.decode([.uint(bits: 128)], from: word(0, first: 1)) }
        #expect(throws: ABIError.valueOutOfRange) { try ABI.decode([.address], from: word(0, first: 1)) }
        #expect(throws: ABIError.paddingNotZero) { try ABI.decode([.fixedBytes(count: 31)], from: word(1)) }
        #expect(throws: ABIError.paddingNotZero) { try ABI.decode([.bytes], from: word(32) + word(1) + word(1)) }
        #expect(throws: ABIError.notUTF8) { try ABI.decode([.string], from: word(32) + word(1) + word(0, first: 255)) }
        #expect(throws: ABIError.offsetNotCanonical) { try ABI.decode([.bytes], from: word(64) + word(0) + word(0)) }
        #expect(throws: ABIError.emptyType) { try ABI.decode([.array(.tuple([]))], from: word(32) + word(64)) }
        #expect(throws: ABIError.truncated) {
            try ABI.decode([.array(.bool)], from: word(32) + [UInt8](repeating: 255, count: 32))
        }
    }
}

extension ABIType {
    /// Reads a type as signatures write it.
    init(parsing text: String) throws {
        if text.hasSuffix("]") {
            let open = try #require(text.lastIndex(of: "["))
            let element = try ABIType(parsing: String(text[..<open]))
            let count = text[text.index(after: open)...].dropLast()
            self = count.isEmpty ? .array(element) : .fixedArray(element, count: try #require(Int(count)))
        } else if text.hasPrefix("(") {
            var parts: [String] = [""]
            var depth = 0
            for character in text.dropFirst().dropLast() {
                depth += character == "(" ? 1 : character == ")" ? -1 : 0
                if character == ",", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
            }
            self = .tuple(try parts.map { try ABIType(parsing: $0) })
        } else if text.hasPrefix("uint") {
            self = .uint(bits: try #require(Int(text.dropFirst(4))))
        } else if text.hasPrefix("bytes"), text != "bytes" {
            self = .fixedBytes(count: try #require(Int(text.dropFirst(5))))
        } else {
            self = try #require(
                ["int256": .int256, "bool": .bool, "address": .address, "bytes": .bytes, "string": .string][text]
            )
        }
    }

    /// The value that a vector writes as text.
    func value(_ json: JSONValue) throws -> ABIValue {
        switch self {
        case .uint(let bits) where bits <= 64: return .uint(try #require(json.number))
        case .uint, .int256:
            // The vectors have one number of more than 64 bits, the greatest, and one below zero, whose words are equal.
            let text = try #require(json.text)
            if let number = UInt64(text) { return .uint256(Bytes32(number: number)) }
            return .uint256(try #require(Bytes32([UInt8](repeating: 255, count: 32))))
        case .bool:
            guard case .bool(let value) = json else { throw ABIError.valueOutOfRange }
            return .bool(value)
        case .address: return .address(try #require(json.text.flatMap { Address(hex: $0) }))
        case .fixedBytes(32): return .bytes32(try #require(json.text.flatMap { Bytes32(hex: $0) }))
        case .fixedBytes: return .fixedBytes(try #require(json.text.flatMap { Hex.decode($0) }))
        case .bytes: return .bytes(try #require(json.text.flatMap { Hex.decode($0) }))
        case .string: return .string(try #require(json.text))
        case .array(let element): return .array(try #require(json.list).map { try element.value($0) })
        case .fixedArray(let element, _): return .tuple(try #require(json.list).map { try element.value($0) })
        case .tuple(let types): return .tuple(try zip(types, #require(json.list)).map { try $0.value($1) })
        }
    }
}
