/// Bytes as text that says in its first character how it is written (multiformats/multibase).
public enum Multibase: Character, CaseIterable, Sendable {
    /// Hexadecimal in lower case.
    case base16 = "f"
    /// RFC 4648 base32 in lower case without padding; content ids use it.
    case base32 = "b"
    /// Digits and lower-case letters; names of keys use it.
    case base36 = "k"
    /// Bitcoin's alphabet.
    case base58btc = "z"
    /// RFC 4648 base64url without padding.
    case base64url = "u"

    /// A text longer than this is no id.
    ///
    /// Texts in base36 and base58 are bounded more tightly, by ``Base58``'s limits.
    static let maximumTextLength = 4096

    private static let hexadecimal = BitCode(alphabet: "0123456789abcdef", bits: 4)
    private static let lowerBase32 = BitCode(alphabet: "abcdefghijklmnopqrstuvwxyz234567", bits: 5)
    private static let urlBase64 = BitCode(
        alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        bits: 6
    )
    private static let lowerBase36 = RadixCode(alphabet: "0123456789abcdefghijklmnopqrstuvwxyz", folds: true)

    /// The text of some bytes in this base, with the prefix that names the base.
    public func encode(_ bytes: [UInt8]) -> String {
        "\(rawValue)" + encodeBare(bytes)
    }

    /// The text of some bytes in this base, without a prefix.
    public func encodeBare(_ bytes: [UInt8]) -> String {
        switch self {
        case .base16: String(decoding: Self.hexadecimal.encode(bytes), as: UTF8.self)
        case .base32: String(decoding: Self.lowerBase32.encode(bytes), as: UTF8.self)
        case .base36: Self.lowerBase36.encode(bytes)
        case .base58btc: Base58.encode(bytes)
        case .base64url: String(decoding: Self.urlBase64.encode(bytes), as: UTF8.self)
        }
    }

    /// The bytes of a text without a prefix, written in this base.
    public func decodeBare(_ text: some StringProtocol) throws(MultibaseError) -> [UInt8] {
        let characters = text.utf8
        guard characters.count <= Self.maximumTextLength else { throw .tooLong(limit: Self.maximumTextLength) }
        return switch self {
        case .base16: try Self.hexadecimal.decode(characters)
        case .base32: try Self.lowerBase32.decode(characters)
        case .base36: try Self.lowerBase36.decode(characters)
        case .base58btc: try Base58.code.decode(characters)
        case .base64url: try Self.urlBase64.decode(characters)
        }
    }

    /// The base that a text names, and its bytes.
    public static func decode(_ text: String) throws(MultibaseError) -> (base: Multibase, bytes: [UInt8]) {
        guard let prefix = text.first else { throw .empty }
        guard let base = Multibase(rawValue: prefix) else { throw .unknownBase(prefix) }
        return (base, try base.decodeBare(text.dropFirst()))
    }
}

/// Why a text does not stand for bytes.
public enum MultibaseError: Error, Hashable {
    /// There is no text.
    case empty
    /// The first character names no base that is understood here.
    case unknownBase(Character)
    /// A character that the base does not use; the position counts UTF-8 bytes from zero.
    case invalidCharacter(position: Int)
    /// The last digit carries bits that belong to no byte.
    case leftoverBits
    /// The text or what it stands for is longer than any id.
    case tooLong(limit: Int)
}
