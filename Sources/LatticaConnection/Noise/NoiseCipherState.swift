import Crypto
import FoundationEssentials
import NIOCore

/// One direction of ChaCha20-Poly1305 as Noise counts it (Noise Protocol Framework, revision 34, §5.1).
///
/// The nonce is four zero bytes and a little-endian counter. It is never used twice: the state ends when it runs out.
struct NoiseCipherState: Sendable {
    /// The bytes that authenticate a message, appended to it.
    static let tagSize = 16

    private let key: SymmetricKey
    private(set) var counter: UInt64 = 0

    init(key: [UInt8]) {
        self.key = SymmetricKey(data: key)
    }

    /// Encrypts, and appends ciphertext and tag to the output.
    mutating func seal(
        _ plaintext: some DataProtocol,
        authenticating hash: [UInt8] = [],
        into output: inout ByteBuffer
    ) throws(NoiseError) {
        let nonce = try nextNonce()
        do {
            let box = try ChaChaPoly.seal(plaintext, using: key, nonce: .init(data: nonce), authenticating: hash)
            output.writeBytes(box.combined.dropFirst(nonce.count))
        } catch {
            throw .cipherFailed
        }
    }

    /// Checks and decrypts a ciphertext with its tag.
    mutating func open(
        _ ciphertext: some DataProtocol,
        authenticating hash: [UInt8] = []
    ) throws(NoiseError) -> Data {
        guard ciphertext.count >= Self.tagSize else { throw .truncated }
        let nonce = try nextNonce()
        // One copy, where the initializer that takes the parts makes three.
        var combined = Data(capacity: nonce.count + ciphertext.count)
        combined.append(contentsOf: nonce)
        combined.append(contentsOf: ciphertext)
        do {
            return try ChaChaPoly.open(.init(combined: combined), using: key, authenticating: hash)
        } catch {
            throw .notAuthentic
        }
    }

    private mutating func nextNonce() throws(NoiseError) -> [UInt8] {
        // The largest counter is reserved (§5.1).
        guard counter < .max else { throw .nonceExhausted }
        var nonce = [UInt8](repeating: 0, count: 12)
        for index in 0..<8 {
            nonce[4 + index] = UInt8(truncatingIfNeeded: counter >> (8 * UInt64(index)))
        }
        counter += 1
        return nonce
    }
}

/// Why a connection could not be secured, or stopped being so.
public enum NoiseError: Error, Hashable {
    /// A message is shorter than its fields.
    case truncated
    /// A message did not decrypt: it was altered, or is not meant for this connection.
    case notAuthentic
    /// A key of the other side is not usable.
    case invalidKey
    /// The other side's identity message is malformed.
    case malformedIdentity
    /// The other side's signature over its key of this connection is wrong.
    case invalidSignature
    /// The identity of this host could not be signed with.
    case cannotSign
    /// Another peer answered than the one that was dialled; both by their text.
    case wrongPeer(expected: String, actual: String)
    /// All nonces of a direction are used up.
    case nonceExhausted
    /// Encryption itself failed.
    case cipherFailed
    /// A message came when none was due.
    case outOfOrder
}
