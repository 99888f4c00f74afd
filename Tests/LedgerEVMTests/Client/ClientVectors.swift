import Foundation
import LatticeTesting
import Ledger

/// The published vectors that concern a client of a chain: the copy beside the tests, and the whole file where it is at hand.
///
/// The other sections are those of the ledger's own tests: keccak256, abi, selectors, eip712, recover and webauthn.
struct ClientVectors: Decodable, Sendable {
    struct Encoding: Decodable {
        var encode: [Pair]
        var invalid: [HexBytes]
    }

    struct Pair: Decodable {
        var value: Item
        var encoded: HexBytes
    }

    indirect enum Item: Decodable {
        case bytes(HexBytes)
        case list([Item])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let items = try? container.decode([Item].self) {
                self = .list(items)
            } else {
                self = .bytes(try container.decode(HexBytes.self))
            }
        }
    }

    struct Created: Decodable {
        var sender: Address
        var nonce: String
        var address: Address
    }

    struct Account: Decodable {
        var privateKey: HexBytes
        var address: Address
        var checksum: String
    }

    struct Revert: Decodable {
        var data: HexBytes
        var reason: String?
        var panic: String?
    }

    struct Signed: Decodable {
        struct Fields: Decodable {
            struct Access: Decodable {
                var address: Address
                var storageKeys: [Bytes32]
            }

            var nonce: String
            var to: Address?
            var value: String
            var data: HexBytes
            var gas: String
            var chainId: String
            var gasPrice: String?
            var maxFeePerGas: String?
            var maxPriorityFeePerGas: String?
            var accessList: [Access]?
        }

        var fields: Fields
        var privateKey: HexBytes
        var from: Address
        var raw: HexBytes
        var hash: Bytes32
    }

    var rlp: Encoding
    var create: [Created]
    var addresses: [Account]
    var transactions: [Signed]
    var revert: [Revert]

    static func all() throws -> [ClientVectors] {
        let copy = vectorsFolder.appending(path: "eth-client-vectors.json")
        let shared = sharedFolder()?.appending(path: "vectors/eth-vectors.json")
        return try [copy, shared].compactMap(\.self).map { file in
            try JSONDecoder().decode(ClientVectors.self, from: try Data(contentsOf: file))
        }
    }
}

let vectorsFolder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Vectors")
    .standardizedFileURL

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

extension Bytes32 {
    /// A decimal number of up to 256 bits.
    init?(decimal: String) {
        var bytes = [UInt8](repeating: 0, count: 32)
        for character in decimal {
            guard var carry = character.wholeNumberValue else { return nil }
            for index in bytes.indices.reversed() {
                carry += Int(bytes[index]) * 10
                bytes[index] = UInt8(carry & 255)
                carry >>= 8
            }
        }
        self.init(bytes)
    }
}
