import Crypto
import FoundationEssentials
import NIOCore

/// The pattern XX with X25519, ChaCha20-Poly1305 and SHA-256 (Noise Protocol Framework, revision 34, §5 and §7.5).
///
/// Three messages: `e`; `e, ee, s, es`; `s, se`. It knows nothing of libp2p: payloads are bytes.
struct NoiseXX {
    enum Role {
        case initiator, responder
    }

    private static let name = "Noise_XX_25519_ChaChaPoly_SHA256"
    private static let keySize = 32

    private let role: Role
    private let staticKey: Curve25519.KeyAgreement.PrivateKey
    private let ephemeralKey: Curve25519.KeyAgreement.PrivateKey
    private var remoteEphemeral: Curve25519.KeyAgreement.PublicKey?
    private var chainingKey: [UInt8]
    private var cipher: NoiseCipherState?
    private var messages = 0

    /// The hash of everything said so far; equal on both sides.
    private(set) var handshakeHash: [UInt8]

    /// The static key of the other side, once it has told it.
    private(set) var remoteStatic: Curve25519.KeyAgreement.PublicKey?

    /// - Parameters:
    ///   - staticKey: proves this side for this connection; libp2p signs it with the identity.
    ///   - ephemeralKey: given only by tests that follow published vectors.
    init(
        role: Role,
        prologue: [UInt8] = [],
        staticKey: Curve25519.KeyAgreement.PrivateKey,
        ephemeralKey: Curve25519.KeyAgreement.PrivateKey = .init()
    ) {
        self.role = role
        self.staticKey = staticKey
        self.ephemeralKey = ephemeralKey
        // The name has just the 32 bytes of a hash, so it is not hashed (§5.2).
        handshakeHash = Array(Self.name.utf8)
        chainingKey = handshakeHash
        mixHash(prologue)
    }

    /// All three messages have passed.
    var isComplete: Bool { messages == 3 }

    /// The next message is this side's.
    var isWriting: Bool { !isComplete && (messages % 2 == 0) == (role == .initiator) }

    /// Makes this side's next message.
    mutating func write(payload: [UInt8]) throws(NoiseError) -> [UInt8] {
        guard isWriting else { throw .outOfOrder }
        var message: [UInt8] = []
        switch messages {
        case 0:
            message += sendEphemeral()
        case 1:
            message += sendEphemeral()
            try mixKey(ephemeralKey, remoteEphemeral)
            message += try encryptAndHash(Array(staticKey.publicKey.rawRepresentation))
            try mixKey(staticKey, remoteEphemeral)
        default:
            message += try encryptAndHash(Array(staticKey.publicKey.rawRepresentation))
            try mixKey(staticKey, remoteEphemeral)
        }
        message += try encryptAndHash(payload)
        messages += 1
        return message
    }

    /// Takes the other side's next message.
    ///
    /// - Returns: its payload.
    mutating func read(_ message: [UInt8]) throws(NoiseError) -> [UInt8] {
        guard !isWriting, !isComplete else { throw .outOfOrder }
        var rest = message[...]
        switch messages {
        case 0:
            try receiveEphemeral(&rest)
        case 1:
            try receiveEphemeral(&rest)
            try mixKey(ephemeralKey, remoteEphemeral)
            try receiveStatic(&rest)
            try mixKey(ephemeralKey, remoteStatic)
        default:
            try receiveStatic(&rest)
            try mixKey(ephemeralKey, remoteStatic)
        }
        let payload = try decryptAndHash(rest)
        messages += 1
        return payload
    }

    /// The ciphers of the two directions.
    ///
    /// To be asked for once.
    func split() -> (sending: NoiseCipherState, receiving: NoiseCipherState) {
        let (first, second) = Self.derive(chainingKey, [])
        let (initiator, responder) = (NoiseCipherState(key: first), NoiseCipherState(key: second))
        return role == .initiator ? (initiator, responder) : (responder, initiator)
    }

    // MARK: - Tokens

    private mutating func sendEphemeral() -> [UInt8] {
        let key = Array(ephemeralKey.publicKey.rawRepresentation)
        mixHash(key)
        return key
    }

    private mutating func receiveEphemeral(_ rest: inout ArraySlice<UInt8>) throws(NoiseError) {
        guard rest.count >= Self.keySize else { throw .truncated }
        let key = Array(rest.prefix(Self.keySize))
        rest = rest.dropFirst(Self.keySize)
        remoteEphemeral = try Self.publicKey(key)
        mixHash(key)
    }

    private mutating func receiveStatic(_ rest: inout ArraySlice<UInt8>) throws(NoiseError) {
        let size = Self.keySize + NoiseCipherState.tagSize
        guard rest.count >= size else { throw .truncated }
        let key = try decryptAndHash(rest.prefix(size))
        rest = rest.dropFirst(size)
        remoteStatic = try Self.publicKey(key)
    }

    private static func publicKey(_ bytes: [UInt8]) throws(NoiseError) -> Curve25519.KeyAgreement.PublicKey {
        do { return try .init(rawRepresentation: bytes) } catch { throw .invalidKey }
    }

    // MARK: - Symmetric state (§5.2)

    private mutating func mixHash(_ bytes: some DataProtocol) {
        var hash = SHA256()
        hash.update(data: handshakeHash)
        hash.update(data: bytes)
        handshakeHash = Array(hash.finalize())
    }

    private mutating func mixKey(
        _ own: Curve25519.KeyAgreement.PrivateKey,
        _ other: Curve25519.KeyAgreement.PublicKey?
    ) throws(NoiseError) {
        guard let other else { throw .outOfOrder }
        let secret: [UInt8]
        do {
            secret = try unsafe own.sharedSecretFromKeyAgreement(with: other).withUnsafeBytes { unsafe Array($0) }
        } catch {
            throw .invalidKey
        }
        // A key of small order would leave the secret to anyone's guess.
        guard secret.contains(where: { $0 != 0 }) else { throw .invalidKey }
        let (chaining, key) = Self.derive(chainingKey, secret)
        chainingKey = chaining
        cipher = NoiseCipherState(key: key)
    }

    private mutating func encryptAndHash(_ plaintext: [UInt8]) throws(NoiseError) -> [UInt8] {
        var output = ByteBuffer()
        if var cipher {
            try cipher.seal(plaintext, authenticating: handshakeHash, into: &output)
            self.cipher = cipher
        } else {
            output.writeBytes(plaintext)
        }
        let ciphertext = Array(output.readableBytesView)
        mixHash(ciphertext)
        return ciphertext
    }

    private mutating func decryptAndHash(_ ciphertext: ArraySlice<UInt8>) throws(NoiseError) -> [UInt8] {
        var plaintext = Array(ciphertext)
        if var cipher {
            plaintext = try Array(cipher.open(ciphertext, authenticating: handshakeHash))
            self.cipher = cipher
        }
        mixHash(ciphertext)
        return plaintext
    }

    /// HKDF with two outputs (§4.3).
    private static func derive(_ chainingKey: [UInt8], _ material: [UInt8]) -> ([UInt8], [UInt8]) {
        func hmac(_ key: [UInt8], _ data: [UInt8]) -> [UInt8] {
            Array(HMAC<SHA256>.authenticationCode(for: data, using: SymmetricKey(data: key)))
        }
        let extracted = hmac(chainingKey, material)
        let first = hmac(extracted, [1])
        return (first, hmac(extracted, first + [2]))
    }
}
