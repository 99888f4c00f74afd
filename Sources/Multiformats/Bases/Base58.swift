/// Bitcoin's base58, in which peer ids and version 0 content ids are written.
public enum Base58 {
    static let code = RadixCode(alphabet: "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")

    /// The text of some bytes.
    ///
    /// Meant for ids: the work grows with the square of the length.
    public static func encode(_ bytes: [UInt8]) -> String {
        code.encode(bytes)
    }

    /// The bytes of a text of at most 512 characters and 256 bytes, which bounds the work for a hostile text.
    public static func decode(_ text: String) throws(MultibaseError) -> [UInt8] {
        try code.decode(text.utf8)
    }
}
