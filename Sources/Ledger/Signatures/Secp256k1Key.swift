import CSecp256k1

/// Why a key could not be read or did not sign.
public enum KeyError: Error, Hashable {
    /// The bytes are not 32, are zero, or are not below the order of the curve.
    case notAPrivateKey
    /// The library refused to sign, which a sound key never meets.
    case signingFailed
}

/// A private key on secp256k1: a node's signing key, or a wallet.
///
/// Its description shows the address only.
public struct Secp256k1Key: Sendable {
    /// The address of the public key.
    public let address: Address

    private let secret: Bytes32

    /// Makes a key from the system's randomness.
    public init() {
        var generator = SystemRandomNumberGenerator()
        while true {
            let secret = Bytes32(generator.next(), generator.next(), generator.next(), generator.next())
            // Not a key with a probability of 2^-128.
            if let address = Self.address(of: secret) {
                self.secret = secret
                self.address = address
                return
            }
        }
    }

    /// Reads the 32 bytes of `rawRepresentation`.
    public init(rawRepresentation: [UInt8]) throws(KeyError) {
        guard let secret = Bytes32(rawRepresentation), let address = Self.address(of: secret) else {
            throw .notAPrivateKey
        }
        self.secret = secret
        self.address = address
    }

    /// The 32 secret bytes, to be stored sealed and shown nowhere.
    public var rawRepresentation: [UInt8] { secret.bytes }

    /// The id of the key.
    public var keyID: KeyID { KeyID(secp256k1: address) }

    /// Signs a digest: 64 bytes by EIP-2098, low `s`, the nonce by RFC 6979.
    public func sign(digest: Bytes32) throws(KeyError) -> (r: Bytes32, vs: Bytes32) {
        let context = Secp256k1Context.shared
        var signature = secp256k1_ecdsa_recoverable_signature()
        var compact = [UInt8](repeating: 0, count: 64)
        var parity: Int32 = 0
        guard
            unsafe secp256k1_ecdsa_sign_recoverable(context.pointer, &signature, digest.bytes, secret.bytes, nil, nil)
                == 1,
            unsafe secp256k1_ecdsa_recoverable_signature_serialize_compact(
                context.pointer,
                &compact,
                &parity,
                &signature
            ) == 1,
            // 2 and 3 say that r was reduced by the order, which EIP-2098 cannot express; it happens once in 2^127.
            parity <= 1
        else { throw .signingFailed }
        let r = Bytes32(compact.span, at: 0)
        let s = Bytes32(compact.span, at: 32)
        return (r, Bytes32(s.words.0 | UInt64(parity) << 63, s.words.1, s.words.2, s.words.3))
    }

    /// Signs a message for a ledger.
    public func sign(_ message: some TypedMessage, in domain: TypedDomain) throws(KeyError) -> LedgerSignature {
        let (r, vs) = try sign(digest: message.keccakDigest(in: domain))
        return LedgerSignature(r: r, vs: vs)
    }

    private static func address(of secret: Bytes32) -> Address? {
        let context = Secp256k1Context.shared
        var point = secp256k1_pubkey()
        guard unsafe secp256k1_ec_pubkey_create(context.pointer, &point, secret.bytes) == 1 else { return nil }
        return context.address(of: &point)
    }
}

extension Secp256k1Key: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The address, never the key.
    public var description: String { "Secp256k1Key(\(address))" }

    /// The address, never the key.
    public var debugDescription: String { description }

    /// Shows the address only, so that `dump` and string interpolation cannot print the secret.
    public var customMirror: Mirror { Mirror(self, children: ["address": address]) }
}
