import Crypto

/// A private session key on P-256, as devices and the gateway hold it to sign vouchers.
///
/// Its description shows the key id only.
public struct P256SessionKey: Sendable {
    /// The public point.
    public let point: P256Point

    /// The id of the key.
    public let keyID: KeyID

    private let key: P256.Signing.PrivateKey

    /// Makes a key from the system's randomness.
    public init() {
        self.init(P256.Signing.PrivateKey(compactRepresentable: false))
    }

    /// Reads the 32 bytes of `rawRepresentation`.
    public init(rawRepresentation: [UInt8]) throws(KeyError) {
        guard let key = try? P256.Signing.PrivateKey(rawRepresentation: rawRepresentation) else {
            throw .notAPrivateKey
        }
        self.init(key)
    }

    private init(_ key: P256.Signing.PrivateKey) {
        let raw = Array(key.publicKey.rawRepresentation)
        self.key = key
        point = P256Point(x: Bytes32(raw.span, at: 0), y: Bytes32(raw.span, at: 32))
        keyID = point.keyID
    }

    /// The 32 secret bytes, to be stored sealed and shown nowhere.
    public var rawRepresentation: [UInt8] { Array(key.rawRepresentation) }

    /// Signs SHA-256 of `bytes`.
    public func sign(_ bytes: [UInt8]) throws(KeyError) -> P256Signature {
        guard let signature = try? key.signature(for: bytes) else { throw .signingFailed }
        return P256Signature(signature)
    }

    /// Signs a message for a ledger.
    public func sign(_ message: some TypedMessage, in domain: TypedDomain) throws(KeyError) -> LedgerSignature {
        LedgerSignature(try sign(message.signingBytes(in: domain)), by: point)
    }
}

extension P256SessionKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The key id, never the key.
    public var description: String { "P256SessionKey(\(keyID))" }

    /// The key id, never the key.
    public var debugDescription: String { description }

    /// Shows the key id only, so that `dump` and string interpolation cannot print the secret.
    public var customMirror: Mirror { Mirror(self, children: ["keyID": keyID]) }
}
