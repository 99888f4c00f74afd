import Crypto
import FoundationEssentials
import LatticeTesting
import Testing

@testable import LatticaConnection

@Suite struct `XSalsa20` {
    /// The example of "Cryptography in NaCl", sections 7 and 8.
    let key = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"
    let nonce = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"

    private func stream() throws -> Salsa20Stream {
        try Salsa20Stream(key: PreSharedKey(bytes: bytes(hex: key)), xSalsa20Nonce: bytes(hex: nonce))
    }

    private func apply(_ stream: inout Salsa20Stream, to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        unsafe bytes.withUnsafeMutableBytes { unsafe stream.apply(to: $0) }
        return bytes
    }

    @Test func `makes the key of a nonce as published`() throws {
        let key = try PreSharedKey(bytes: bytes(hex: key))
        let derived = try PreSharedKey(
            bytes: bytes(hex: "dc908dda0b9344a953629b733820778880f3ceb421bb61b91cbd4c3e66256ce4")
        )
        #expect(Salsa20Stream.hSalsa20(key.words, bytes(hex: nonce)) == derived.words)
    }

    @Test func `gives the published four million bytes`() throws {
        var stream = try stream()
        let output = apply(&stream, to: [UInt8](repeating: 0, count: 4_194_304))
        let beginning = bytes(hex: "eea6a7251c1e72916d11c2cb214d3c252539121d8e234e652d651fa4c8cff880")
        let hash = bytes(hex: "662b9d0e3463029156069b12f918691a98f7dfb2ca0393c96bbfc6b1fbd630a2")
        #expect(Array(output.prefix(32)) == beginning)
        #expect(Array(SHA256.hash(data: output)) == hash)
    }

    /// ECRYPT, set 1, vector 0 for keys of 256 bits: the first block, and bytes 448 to 511.
    @Test func `without the longer nonce is Salsa20`() throws {
        let key = try PreSharedKey(bytes: [0x80] + [UInt8](repeating: 0, count: 31))
        var stream = Salsa20Stream(key: key, salsa20Nonce: [UInt8](repeating: 0, count: 8))
        let output = apply(&stream, to: [UInt8](repeating: 0, count: 512))
        #expect(
            Array(output.prefix(64))
                == bytes(
                    hex: """
                        e3be8fdd8beca2e3ea8ef9475b29a6e7003951e1097a5c38d23b7a5fad9f6844b22c97559e2723c7cbbd3fe4fc\
                        8d9a0744652a83e72a9c461876af4d7ef1a117
                        """
                )
        )
        #expect(
            Array(output.suffix(64))
                == bytes(
                    hex: """
                        696afcfd0cddcc83c7e77f11a649d79acdc3354e9635ff137e929933a0bd6f5377efa105a3a4266b7c0d089d08\
                        f1e855cc32b15b93784a36e56a76cc64bc8477
                        """
                )
        )
    }

    @Test(arguments: 0..<50) func `does not mind in which pieces the bytes come`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let plain = random.bytes(1000)
        var (whole, pieces) = (try stream(), try stream())
        let expected = apply(&whole, to: plain)
        var rest = plain[...]
        var output: [UInt8] = []
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 1...150, using: &random))
            output += apply(&pieces, to: Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        #expect(output == expected)
    }
}

@Suite struct `Pre-shared key` {
    let text = """
        /key/swarm/psk/1.0.0/
        /base16/
        6189c5cf0b87fb800c1a9feeda73c6ab5e998db48fb9e6a978575c770ceef683
        """

    /// The example of rust-libp2p, which was compared with Kubo.
    @Test func `has the fingerprint that other programs show`() throws {
        #expect(try PreSharedKey(text: text).fingerprint == "45fc986bbc9388a11d939df26f730f0c")
    }

    @Test func `is read from a file whatever its line ends and case`() throws {
        let key = try PreSharedKey(text: text)
        #expect(try PreSharedKey(text: text + "\n") == key)
        #expect(try PreSharedKey(text: text.split(separator: "\n").joined(separator: "\r\n") + "\r\n") == key)
        #expect(try PreSharedKey(text: text.replacing("c5cf", with: "C5CF")) == key)
        #expect(try PreSharedKey(text: key.text) == key)
    }

    @Test func `is another one each time`() throws {
        let key = PreSharedKey()
        #expect(key != PreSharedKey())
        #expect(try PreSharedKey(text: key.text) == key)
    }

    @Test func `never tells itself in a log`() throws {
        let key = try PreSharedKey(text: text)
        var dumped = ""
        dump(key, to: &dumped)
        for shown in ["\(key)", String(reflecting: key), dumped, "\([key])"] {
            #expect(!shown.contains("6189c5"))
            #expect(!shown.contains("97, 137"))
        }
    }

    @Test(arguments: [
        ("", PreSharedKeyError.unknownFormat),
        ("/key/swarm/psk/2.0.0/\n/base16/\n00", .unknownFormat),
        ("/key/swarm/psk/1.0.0/", .unknownEncoding("")),
        ("/key/swarm/psk/1.0.0/\n/bin/\n00", .unknownEncoding("/bin/")),
        ("/key/swarm/psk/1.0.0/\n/base16/", .malformed),
        ("/key/swarm/psk/1.0.0/\n/base16/\nxy", .malformed),
        ("/key/swarm/psk/1.0.0/\n/base16/\n00\n00", .malformed),
        ("/key/swarm/psk/1.0.0/\n/base16/\n0011", .wrongLength(2)),
        (String(repeating: "x", count: 2000), .tooLong(limit: 1024)),
    ])
    func `says what is wrong with a file`(text: String, error: PreSharedKeyError) {
        #expect(throws: error) { try PreSharedKey(text: text) }
        #expect("\(error)".contains("key"))
    }

    @Test func `every prefix of a file is refused`() {
        for count in 0..<text.utf8.count {
            #expect(throws: PreSharedKeyError.self) { try PreSharedKey(text: String(text.prefix(count))) }
        }
    }

    /// FIPS 202; from Python's hashlib.
    @Test(arguments: [
        ("", "7f9c2ba4e88f827d616045507605853e"),
        ("abc", "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8"),
        (String(repeating: "a", count: 167), "4f5c6c53ae8190a8ff8a55b2125d2870"),
    ])
    func `is hashed by SHAKE128 as published`(input: String, output: String) {
        #expect(SHAKE128.hash(Array(input.utf8), byteCount: output.utf8.count / 2) == bytes(hex: output))
    }
}
