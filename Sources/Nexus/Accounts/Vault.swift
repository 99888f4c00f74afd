import Crypto

/// Seals secrets before they are stored: ChaCha20-Poly1305 under a key of 256 bits that lies in a file of its own.
///
/// A copied database without the key file gives nothing away.
public struct Vault: Sendable, CustomStringConvertible {
    private let key: SymmetricKey

    /// Why something does not open.
    public enum VaultError: Error, CustomStringConvertible {
        /// What was stored does not open: another key, or altered bytes.
        case doesNotOpen
        /// The key has another length than 32 bytes.
        case badKey

        /// What failed and what to do.
        public var description: String {
            switch self {
            case .doesNotOpen:
                "a stored secret does not open with this key; restore the key file that belongs to the database."
            case .badKey: "a vault's key has 32 bytes"
            }
        }
    }

    /// Takes the secret that opens the vault: 32 bytes.
    public init(secret: [UInt8]) throws(VaultError) {
        guard secret.count == 32 else { throw .badKey }
        key = SymmetricKey(data: secret)
    }

    /// A fresh secret.
    public static func newSecret() -> [UInt8] {
        unsafe SymmetricKey(size: .bits256).withUnsafeBytes { unsafe Array($0) }
    }

    func seal(_ secret: [UInt8]) throws -> [UInt8] {
        [UInt8](try ChaChaPoly.seal(secret, using: key).combined)
    }

    func open(_ sealed: [UInt8]) throws(VaultError) -> [UInt8] {
        do {
            return [UInt8](try ChaChaPoly.open(try ChaChaPoly.SealedBox(combined: sealed), using: key))
        } catch {
            throw .doesNotOpen
        }
    }

    /// Says nothing of the key.
    public var description: String { "Vault" }
}
