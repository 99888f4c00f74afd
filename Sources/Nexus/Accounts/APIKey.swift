import Crypto

/// A secret that opens an account: `lk_` and 43 characters, 256 random bits.
///
/// Only its hash is stored. With so many random bits a plain hash is as good as a slow one, and it is looked up by value,
/// so that comparing takes the same time for every wrong key.
struct APIKey: Sendable {
    /// The secret itself, to be shown once.
    let text: String

    /// The most characters that are hashed; longer text is no key.
    static let longest = 128

    /// Draws a key.
    init(using generator: inout some RandomNumberGenerator) {
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        text = "lk_" + Self.base64URL(bytes)
    }

    /// What is stored in place of the secret.
    static func hash(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= longest else { return nil }
        return [UInt8](SHA256.hash(data: Array(text.utf8)))
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    private static func base64URL(_ bytes: [UInt8]) -> String {
        var text = ""
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        return text
    }
}
