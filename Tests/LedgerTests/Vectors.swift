import Foundation
import Ledger
import Testing

/// The published vectors: the copy beside the tests, and the whole file where it is at hand.
struct EthVectors: Decodable, Sendable, CustomTestStringConvertible {
    struct Hash: Decodable {
        var input: HexBytes
        var hash: Bytes32
    }

    struct Encoding: Decodable {
        var types: [String]
        var values: [JSONValue]
        var encoded: HexBytes
    }

    struct Signature: Decodable {
        var signature: String
        var selector: HexBytes
        var topic: Bytes32
    }

    struct Account: Decodable {
        var privateKey: HexBytes
        var publicKey: HexBytes
        var address: Address
        var checksum: String
    }

    struct TypedData: Decodable {
        var domain: Domain
        var separator: Bytes32
        var messages: [Message]
    }

    struct Domain: Decodable {
        var chainId: UInt64
        var verifyingContract: Address

        var typed: TypedDomain { TypedDomain(chainID: chainId, verifyingContract: verifyingContract) }
    }

    struct Message: Decodable {
        struct Wallet: Decodable {
            var privateKey: HexBytes
            var address: Address
            var r: Bytes32
            var vs: Bytes32
        }

        struct Device: Decodable {
            var x: Bytes32
            var y: Bytes32
            var keyId: KeyID
            var r: Bytes32
            var s: Bytes32
        }

        var type: String
        var message: [String: JSONValue]
        var typeHash: Bytes32
        var structHash: Bytes32
        var digest: Bytes32
        var digestP256: Bytes32
        var secp256k1: Wallet
        var p256: Device
    }

    struct Recovery: Decodable {
        var hash: Bytes32
        var r: Bytes32
        var s: Bytes32
        var v: UInt8
        var address: Address?
        var highS: Bool?
    }

    struct Assertion: Decodable {
        var challenge: Bytes32
        var rpIdHash: Bytes32
        var authenticatorData: HexBytes
        var clientDataJSON: String
        var x: Bytes32
        var y: Bytes32
        var r: Bytes32
        var s: Bytes32
        var flagsAcceptable: Bool
    }

    var keccak256: [Hash]
    var abi: [Encoding]
    var selectors: [Signature]
    var addresses: [Account]
    var eip712: TypedData
    var recover: [Recovery]
    var webauthn: [Assertion]

    var testDescription: String { "eth-vectors.json with \(eip712.messages.count) messages" }

    /// The copy, which a clone alone has.
    static let copy = Result { try load(EthVectors.self, vectorsFolder.appending(path: "eth-vectors.json")) }

    /// The copy, and the shared file when there is one.
    static func all() throws -> [EthVectors] {
        let root =
            ProcessInfo.processInfo.environment["LATTICE_SHARED"].map { URL(filePath: $0) }
            ?? vectorsFolder.appending(path: "../../../../shared")
        let shared = root.appending(path: "vectors/eth-vectors.json")
        let copy = try copy.get()
        return FileManager.default.isReadableFile(atPath: shared.path())
            ? [copy, try load(EthVectors.self, shared)] : [copy]
    }
}

/// What `make_lattice_vectors.py` adds.
struct LatticeVectors: Decodable, Sendable {
    struct Message: Decodable {
        var type: String
        var message: [String: JSONValue]
        var structHash: Bytes32
        var digest: Bytes32
    }

    struct Local: Decodable {
        var clusterPublicKey: HexBytes
        var chainID: String
        var verifyingContract: Address
        var separator: Bytes32
    }

    struct Chain: Decodable {
        var key: KeyID
        var node: String
        var heads: [Bytes32]
    }

    var domain: EthVectors.Domain
    var messages: [Message]
    var local: Local
    var chain: Chain

    static func load() throws -> LatticeVectors {
        try LedgerTests.load(LatticeVectors.self, vectorsFolder.appending(path: "lattice-vectors.json"))
    }
}

private let vectorsFolder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

private func load<Value: Decodable>(_ type: Value.Type, _ file: URL) throws -> Value {
    try JSONDecoder().decode(type, from: try Data(contentsOf: file))
}

/// Bytes as `0x` and digits.
struct HexBytes: Decodable, Hashable {
    var bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = Hex.decode(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not hexadecimal")
        }
        self.bytes = bytes
    }
}

/// What the vectors hold: text (numbers are decimal strings, bytes are hex), truth values and lists.
enum JSONValue: Decodable, Sendable {
    case text(String)
    case bool(Bool)
    case list([JSONValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else {
            self = .list(try container.decode([JSONValue].self))
        }
    }

    var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    var list: [JSONValue]? {
        if case .list(let list) = self { list } else { nil }
    }

    var number: UInt64? { text.flatMap { UInt64($0) } }
}

/// A sequence of numbers that a seed determines (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    mutating func word() throws -> Bytes32 {
        try #require(Bytes32(bytes(32)))
    }
}
