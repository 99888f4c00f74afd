import Foundation
import LatticaCore
import LatticeTesting
import Multiformats
import Testing

func hex(_ bytes: some Collection<UInt8>) -> String { Multibase.base16.encodeBare(Array(bytes)) }
func unhex(_ text: String) throws -> [UInt8] { try Multibase.base16.decodeBare(text) }

@Suite struct `Identity` {
    /// The Ed25519 vectors of the libp2p specification (peer-ids, "Test vectors").
    static let privateVector =
        "08011240" + "7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d"
        + "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
    static let publicVector = "08011220" + "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"

    @Test func `a private key has libp2p's form`() throws {
        let keypair = try Keypair(protobuf: unhex(Self.privateVector))
        #expect(hex(keypair.protobuf) == Self.privateVector)
        #expect(hex(keypair.publicKey.protobuf) == Self.publicVector)
    }

    @Test func `an old private key repeats its public half`() throws {
        let bytes = try unhex(Self.privateVector)
        let old: [UInt8] = [0x08, 0x01, 0x12, 0x60] + bytes.dropFirst(4) + bytes.suffix(32)
        #expect(try Keypair(protobuf: old).peerID == Keypair(protobuf: bytes).peerID)
    }

    @Test func `halves that do not belong together are refused`() throws {
        var bytes = try unhex(Self.privateVector)
        bytes[bytes.count - 1] ^= 1
        #expect(throws: KeyError.invalidKey) { try Keypair(protobuf: bytes) }
    }

    @Test func `a public key checks signatures`() throws {
        let keypair = Keypair()
        let signature = try keypair.sign([1, 2, 3])
        #expect(signature.count == 64)
        #expect(keypair.publicKey.isValidSignature(signature, for: [1, 2, 3]))
        #expect(!keypair.publicKey.isValidSignature(signature, for: [1, 2, 4]))
        #expect(!keypair.publicKey.isValidSignature(Array(signature.dropLast()), for: [1, 2, 3]))
        #expect(!Keypair().publicKey.isValidSignature(signature, for: [1, 2, 3]))
    }

    /// The ECDSA vector of the libp2p specification.
    @Test func `a P-256 key is understood and hashed`() throws {
        let text =
            "0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda"
            + "020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62"
        let key = try PublicKey(protobuf: unhex(text))
        #expect(key.kind == .ecdsa)
        #expect(hex(key.protobuf) == text)
        let id = PeerID(publicKey: key)
        #expect(id.description.hasPrefix("Qm"))
        #expect(id.publicKey == nil)
        #expect(!key.isValidSignature([1, 2, 3], for: []))
    }

    @Test(arguments: [0, 2, 9] as [UInt64]) func `other kinds of keys are named`(kind: UInt64) {
        var writer = ProtobufWriter()
        writer.varint(kind, field: 1)
        writer.bytes([UInt8](repeating: 0, count: 33), field: 2)
        #expect(throws: KeyError.unsupportedKind(kind)) { try PublicKey(protobuf: writer.bytes) }
    }

    @Test func `a key never shows`() throws {
        let keypair = try Keypair(protobuf: unhex(Self.privateVector))
        var dumped = ""
        dump(keypair, to: &dumped)
        for text in ["\(keypair)", String(reflecting: keypair), String(describing: [keypair]), dumped] {
            #expect(text.contains(keypair.peerID.description))
            #expect(!text.lowercased().contains("7e08"))
            #expect(!text.contains("126, 8"))
        }
    }

    @Test func `any bytes are a key or refused`() throws {
        var random = SeededGenerator(seed: 7)
        let valid = [try unhex(Self.privateVector), try unhex(Self.publicVector)]
        for bytes in valid {
            for length in 0..<bytes.count {
                #expect(throws: KeyError.self) { try Keypair(protobuf: bytes.prefix(length)) }
                #expect(throws: KeyError.self) { try PublicKey(protobuf: bytes.prefix(length)) }
            }
        }
        for _ in 0..<500 {
            var bytes = valid[Int.random(in: 0...1, using: &random)]
            bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8(truncatingIfNeeded: random.next())
            _ = try? Keypair(protobuf: bytes)
            _ = try? PublicKey(protobuf: bytes)
        }
    }
}

@Suite struct `Peer id` {
    static let text = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

    @Test func `of a short key is the key itself`() throws {
        let keypair = Keypair()
        #expect(keypair.peerID.bytes == [0x00, 0x24] + keypair.publicKey.protobuf)
        #expect(keypair.peerID.publicKey == keypair.publicKey)
        #expect(keypair.peerID.description.hasPrefix("12D3KooW"))
    }

    @Test func `reads base58btc and content ids`() throws {
        let id = try PeerID(text: Self.text)
        #expect(id.description == Self.text)
        #expect(try PeerID(bytes: id.bytes) == id)
        let content = CID(.libp2pKey, try Multihash(bytes: id.bytes))
        #expect(try PeerID(text: content.description) == id)
        #expect(try PeerID(text: Multibase.base36.encode(content.bytes)) == id)
        let hashed = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
        #expect(try PeerID(text: hashed).description == hashed)
        // The vector of the specification for the CID form.
        #expect(
            try PeerID(text: "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe")
                == PeerID(text: hashed)
        )
    }

    @Test func `refuses what is no id`() throws {
        #expect(throws: PeerIDError.self) { try PeerID(text: "") }
        #expect(throws: PeerIDError.self) { try PeerID(text: "1") }
        #expect(throws: PeerIDError.self) { try PeerID(text: Self.text + "1") }
        let content = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
        #expect(throws: PeerIDError.unexpectedCodec(0x55)) { try PeerID(text: content) }
        #expect(throws: PeerIDError.unsupportedHash(0x13)) { try PeerID(bytes: [0x13, 0x01, 0x00]) }
        #expect(throws: PeerIDError.invalidKey) { try PeerID(bytes: [0x00, 0x03, 0x61, 0x62, 0x63]) }
        let long = [0x00, 43] + [UInt8](repeating: 0, count: 43)
        #expect(throws: PeerIDError.keyTooLong(43)) { try PeerID(bytes: long) }
    }

    @Test func `a peer has one id only`() throws {
        let key = Keypair().publicKey.rawBytes
        let swapped: [UInt8] = [0x12, 0x20] + key + [0x08, 0x01]
        #expect(throws: PeerIDError.invalidKey) { try PeerID(bytes: [0x00, 0x24] + swapped) }
    }

    @Test func `is text in JSON and ends an address`() throws {
        let id = try PeerID(text: Self.text)
        #expect(try JSONDecoder().decode([PeerID].self, from: JSONEncoder().encode([id])) == [id])
        let address = try Multiaddr("/ip4/1.2.3.4/tcp/5").appending(id)
        #expect(address.description == "/ip4/1.2.3.4/tcp/5/p2p/\(Self.text)")
        #expect(address.peerID == id)
    }

    @Test func `any text is an id or refused`() throws {
        var random = SeededGenerator(seed: 8)
        for length in 0..<Self.text.count { #expect((try? PeerID(text: String(Self.text.prefix(length)))) == nil) }
        for _ in 0..<1000 {
            let bytes = random.bytes(Int.random(in: 0..<50, using: &random))
            _ = try? PeerID(bytes: bytes)
            _ = try? PeerID(text: String(decoding: bytes, as: UTF8.self))
        }
    }
}
