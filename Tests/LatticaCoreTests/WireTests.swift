import LatticaCore
import LatticeTesting
import Multiformats
import Testing

@Suite struct `Protobuf` {
    static var message: [UInt8] {
        var writer = ProtobufWriter()
        writer.varint(150, field: 1)
        writer.text("testing", field: 2)
        writer.message(field: 3) { $0.varint(1, field: 1) }
        return writer.bytes
    }

    @Test func `has the forms of the published examples`() {
        #expect(Self.message == [0x08, 0x96, 0x01, 0x12, 0x07] + "testing".utf8 + [0x1a, 0x02, 0x08, 0x01])
    }

    @Test func `reads fields in order and passes over fixed ones`() throws {
        let fixed: [UInt8] = [0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 0, 0, 0]
        var reader = ProtobufReader(Self.message + fixed)
        #expect(try reader.next()?.varint() == 150)
        #expect(try reader.next()?.text() == "testing")
        #expect(try reader.next()?.bytes() == [8, 1])
        #expect(try reader.next()?.value == .fixed64(0x0807_0605_0403_0201))
        #expect(try reader.next()?.value == .fixed32(1))
        #expect(try reader.next() == nil)
    }

    @Test(
        arguments: [
            ([0x00, 0x00], .invalidTag(0)), ([0x0b], .invalidTag(0x0b)), ([0x0e, 0x00], .invalidTag(0x0e)),
            ([0x0a, 0x02, 0x00], .truncated), ([0x08], .truncated), ([0x08, 0x80, 0x00], .varint(.notMinimal)),
            ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], .truncated),
            ([0x0d, 0x00], .truncated),
        ] as [([UInt8], ProtobufError)]
    ) func `refuses bytes with the reason`(bytes: [UInt8], reason: ProtobufError) {
        var reader = ProtobufReader(bytes)
        #expect(throws: reason) { while try reader.next() != nil {} }
    }

    @Test func `a field of another type than expected is named`() throws {
        var reader = ProtobufReader(Self.message + [0x0a, 0x01, 0xff])
        let number = try #require(try reader.next())
        #expect(throws: ProtobufError.unexpectedType(field: 1)) { try number.bytes() }
        let text = try #require(try reader.next())
        #expect(throws: ProtobufError.unexpectedType(field: 2)) { try text.varint() }
        _ = try reader.next()
        let invalid = try #require(try reader.next())
        #expect(throws: ProtobufError.invalidText(field: 1)) { try invalid.text() }
    }

    @Test func `any bytes are read or refused`() {
        var random = SeededGenerator(seed: 9)
        for _ in 0..<3000 {
            var reader = ProtobufReader(random.bytes(Int.random(in: 0..<40, using: &random)))
            while let field = try? reader.next() { #expect(field.number > 0) }
        }
    }
}

@Suite struct `Signed envelope` {
    static let keypair = Keypair()
    static let type: [UInt8] = [0x03, 0x01]

    static func sealed() throws -> SignedEnvelope {
        try SignedEnvelope.seal(payload: [1, 2, 3], payloadType: type, domain: "lattice-test", with: keypair)
    }

    @Test func `opens for what it was sealed for`() throws {
        let envelope = try SignedEnvelope(protobuf: Self.sealed().protobuf)
        let opened = try envelope.open(domain: "lattice-test", payloadType: Self.type)
        #expect(opened.signer == Self.keypair.peerID)
        #expect(opened.payload == [1, 2, 3])
    }

    @Test func `covers length-prefixed domain, type and payload`() throws {
        let envelope = try Self.sealed()
        let signed: [UInt8] = [12] + "lattice-test".utf8 + [2, 3, 1] + [3, 1, 2, 3]
        #expect(Self.keypair.publicKey.isValidSignature(envelope.signature, for: signed))
    }

    @Test func `does not open for another purpose`() throws {
        let envelope = try Self.sealed()
        #expect(throws: EnvelopeError.invalidSignature) { try envelope.open(domain: "other", payloadType: Self.type) }
        #expect(throws: EnvelopeError.unexpectedType(Self.type)) {
            try envelope.open(domain: "lattice-test", payloadType: [9])
        }
    }

    @Test func `does not open when any bit has changed`() throws {
        let bytes = try Self.sealed().protobuf
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                let opened = try? SignedEnvelope(protobuf: changed).open(
                    domain: "lattice-test",
                    payloadType: Self.type
                )
                #expect(opened == nil, "bit \(bit) of byte \(index)")
            }
        }
        for length in bytes.indices { #expect((try? SignedEnvelope(protobuf: bytes.prefix(length))) == nil) }
    }

    @Test func `is bounded`() {
        #expect(throws: EnvelopeError.tooLong(limit: .kibibytes(64))) {
            try SignedEnvelope(protobuf: [UInt8](repeating: 0, count: 65537))
        }
    }
}

@Suite struct `Byte count` {
    @Test func `reads in its largest unit`() {
        #expect(
            "\(ByteCount.mebibytes(4)) \(ByteCount.kibibytes(3)) \(ByteCount(1000)) \(ByteCount(0))"
                == "4 MiB 3 KiB 1000 B 0 B"
        )
        #expect(ByteCount.kibibytes(1) < 1025)
    }
}
