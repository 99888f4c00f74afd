import Foundation
import Ledger
import Testing

@Suite struct `Words` {
    @Test func `are read from as many bytes as they have and no other number`() {
        for count in 0..<70 where count != 32 { #expect(Bytes32([UInt8](repeating: 1, count: count)) == nil) }
        for count in 0..<70 where count != 20 {
            #expect(Address([UInt8](repeating: 1, count: count)) == nil)
            #expect(KeyID([UInt8](repeating: 1, count: count)) == nil)
        }
    }

    @Test func `keep their bytes`() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<100 {
            let bytes = random.bytes(32)
            let word = try #require(Bytes32(bytes))
            #expect(word.bytes == bytes)
            #expect(Bytes32(hex: word.description) == word)
            #expect(Address(lastOf: word).bytes == Array(bytes.dropFirst(12)))
            #expect(KeyID(Array(bytes.dropFirst(12)))?.bytes == Array(bytes.dropFirst(12)))
            #expect(Address(lastOf: word).word.bytes == [UInt8](repeating: 0, count: 12) + bytes.dropFirst(12))
        }
    }

    @Test func `are ordered as their bytes`() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<100 {
            let shared = random.bytes(Int.random(in: 0..<20, using: &random))
            let left = shared + random.bytes(32 - shared.count)
            let right = shared + random.bytes(32 - shared.count)
            let isLess = left.lexicographicallyPrecedes(right)
            #expect((try #require(Bytes32(left)) < #require(Bytes32(right))) == isLess)
            let (short, other) = (Array(left.prefix(20)), Array(right.prefix(20)))
            let isShorterLess = short.lexicographicallyPrecedes(other)
            #expect((try #require(KeyID(short)) < #require(KeyID(other))) == isShorterLess)
        }
    }

    @Test func `hold a number at their end`() {
        #expect(Bytes32(number: 258).bytes.suffix(3) == [0, 1, 2])
        #expect(Bytes32(number: .max).number == .max)
        #expect(Bytes32([1] + [UInt8](repeating: 0, count: 31))?.number == nil)
    }

    @Test func `travel in JSON as digits`() throws {
        var random = SeededGenerator(seed: 5)
        let word = try random.word()
        let json = try JSONEncoder().encode([word])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(word)\"]")
        #expect(try JSONDecoder().decode([Bytes32].self, from: json) == [word])
        for wrong in [#"[""]"#, #"["0x"]"#, #"["0x12"]"#, "[7]", "[\"\(word)00\"]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([Bytes32].self, from: Data(wrong.utf8))
            }
        }
    }

    @Test(arguments: ["", "0", "0x1", "x0", "0X00", "0xzz", "00", "0x0g", "0x é"])
    func `are not read from anything but digits behind 0x`(text: String) {
        #expect(Hex.decode(text) == nil)
        #expect(Bytes32(hex: text) == nil)
    }
}

@Suite struct `Addresses` {
    @Test func `come from keys and carry the checksum of EIP-55`() throws {
        for vectors in try EthVectors.all() {
            for vector in vectors.addresses {
                let key = try Secp256k1Key(rawRepresentation: vector.privateKey.bytes)
                #expect(key.address == vector.address)
                #expect(key.keyID.bytes == vector.address.bytes)
                #expect(key.address.description == vector.checksum)
                #expect(Address(hex: vector.checksum) == vector.address)
                #expect(Address(hex: vector.checksum.lowercased()) == vector.address)
                #expect(Address(hex: "0x" + vector.checksum.dropFirst(2).uppercased()) == vector.address)
            }
        }
    }

    @Test func `with a letter in the wrong case are refused`() throws {
        let text = "0x8e4b1368Edd1b97765642BCE88E7421262542b23"
        for (index, character) in text.enumerated() where index >= 2 && character.isLetter {
            var wrong = Array(text)
            wrong[index] = Character(character.isUppercase ? character.lowercased() : character.uppercased())
            #expect(Address(hex: String(wrong)) == nil)
        }
    }

    @Test func `of P-256 keys are the end of the hash of the point`() throws {
        for vectors in try EthVectors.all() {
            let device = try #require(vectors.eip712.messages.first).p256
            #expect(KeyID(p256x: device.x, y: device.y) == device.keyId)
            #expect(KeyID(p256x: device.y, y: device.x) != device.keyId)
        }
    }
}
