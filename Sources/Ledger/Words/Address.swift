/// An account or a contract: the last 20 bytes of keccak256 of a secp256k1 public key, or given out by the chain.
public struct Address: Hashable, Sendable {
    let storage: Bytes20

    /// The address that nobody has.
    public static let zero = Address(lastOf: .zero)

    /// Takes exactly 20 bytes; `nil` for any other number.
    public init?(_ bytes: [UInt8]) {
        guard let storage = Bytes20(bytes) else { return nil }
        self.storage = storage
    }

    /// The last 20 bytes of a word, whatever the first 12 are.
    public init(lastOf word: Bytes32) {
        storage = Bytes20(lastOf: word)
    }

    /// Reads `0x` and 40 digits.
    ///
    /// Digits in mixed case must be the EIP-55 checksum of the address; all lower or all upper case carry none.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex), let address = Address(bytes) else { return nil }
        let digits = hex.utf8.dropFirst(2)
        let hasLower = digits.contains { $0 >= UInt8(ascii: "a") }
        let hasUpper = digits.contains { (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) }
        if hasLower, hasUpper, address.description != hex { return nil }
        self = address
    }

    /// The 20 bytes.
    public var bytes: [UInt8] { storage.bytes }

    /// The address at the end of a word of zeros, as `abi.encode` places it.
    public var word: Bytes32 { storage.word }
}

extension Address: Comparable {
    /// Orders by bytes.
    public static func < (left: Address, right: Address) -> Bool { left.storage < right.storage }
}

extension Address: HexCoded, CustomStringConvertible {
    /// `0x` and 40 digits in the mixed case that EIP-55 defines, which detects most mistyped addresses.
    public var description: String {
        var text = Array(Hex.encode(bytes).utf8)
        let checksum = Keccak256.hash(Array(text.dropFirst(2))).bytes
        for index in 2..<text.count where text[index] >= UInt8(ascii: "a") {
            let byte = checksum[(index - 2) / 2]
            let nibble = index.isMultiple(of: 2) ? byte >> 4 : byte & 15
            if nibble >= 8 { text[index] -= 32 }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
