import Crypto
import Foundation

/// Seals secrets before they are stored: ChaCha20-Poly1305 under a key of 256 bits that lies in a file of its own.
///
/// A copied database without the key file gives nothing away.
public struct Vault: Sendable, CustomStringConvertible {
    private let key: SymmetricKey

    /// Why the key file cannot be used.
    public enum VaultError: Error, CustomStringConvertible {
        /// The file cannot be read or written.
        case unusable(path: String, reason: String)
        /// What was stored does not open: another key file, or altered bytes.
        case doesNotOpen

        /// What failed and what to do.
        public var description: String {
            switch self {
            case .unusable(let path, let reason):
                "cannot use the key file \(path): \(reason). It must hold 32 bytes, readable by its owner alone."
            case .doesNotOpen:
                "a stored secret does not open with this key file; restore the file that belongs to the database."
            }
        }
    }

    /// Reads the key file, drawing a key where there is none. The file is readable by its owner alone.
    public init(keyFile path: String) throws(VaultError) {
        do {
            if !FileManager.default.fileExists(atPath: path) {
                let fresh = SymmetricKey(size: .bits256).withUnsafeBytes { bytes in unsafe Data(bytes) }
                guard
                    FileManager.default.createFile(
                        atPath: path,
                        contents: fresh,
                        attributes: [.posixPermissions: 0o600]
                    )
                else { throw VaultError.unusable(path: path, reason: "it cannot be created") }
            }
            let bytes = try Data(contentsOf: URL(filePath: path))
            guard bytes.count == 32 else { throw VaultError.unusable(path: path, reason: "it has \(bytes.count) bytes") }
            key = SymmetricKey(data: bytes)
        } catch let error as VaultError {
            throw error
        } catch {
            throw .unusable(path: path, reason: "\(error)")
        }
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
