import Multiformats

/// A payload with the signature of a peer, good for passing on (libp2p RFC 0002).
///
/// The signature covers a domain, which is not sent: a signature made for one purpose proves nothing for another.
public struct SignedEnvelope: Hashable, Sendable {
    /// The longest envelope taken.
    public static let maximumByteCount: ByteCount = .kibibytes(64)

    /// Who signed.
    public let publicKey: PublicKey
    /// What the payload is, for instance a multicodec number.
    public let payloadType: [UInt8]
    /// What was signed.
    ///
    /// Use ``open(domain:payloadType:)``, which checks the signature.
    public let payload: [UInt8]
    /// The signature, to be checked.
    public let signature: [UInt8]

    /// Signs a payload.
    public static func seal(
        payload: [UInt8],
        payloadType: [UInt8],
        domain: String,
        with keypair: Keypair
    ) throws -> SignedEnvelope {
        SignedEnvelope(
            publicKey: keypair.publicKey,
            payloadType: payloadType,
            payload: payload,
            signature: try keypair.sign(signedBytes(domain: domain, payloadType: payloadType, payload: payload))
        )
    }

    private init(publicKey: PublicKey, payloadType: [UInt8], payload: [UInt8], signature: [UInt8]) {
        self.publicKey = publicKey
        self.payloadType = payloadType
        self.payload = payload
        self.signature = signature
    }

    /// Reads the `Envelope` message.
    ///
    /// The signature is not checked yet.
    public init(protobuf bytes: some Collection<UInt8>) throws(EnvelopeError) {
        guard bytes.count <= Self.maximumByteCount.bytes else { throw .tooLong(limit: Self.maximumByteCount) }
        var reader = ProtobufReader(Array(bytes))
        var fields: [Int: [UInt8]] = [:]
        do throws(ProtobufError) {
            while let field = try reader.next() {
                if [1, 2, 3, 5].contains(field.number) { fields[field.number] = try field.bytes() }
            }
        } catch {
            throw .malformed(error)
        }
        guard let key = fields[1] else { throw .malformed(.missing(field: 1)) }
        guard let payloadType = fields[2] else { throw .malformed(.missing(field: 2)) }
        guard let signature = fields[5] else { throw .malformed(.missing(field: 5)) }
        do { publicKey = try PublicKey(protobuf: key) } catch { throw .key(error) }
        self.payloadType = payloadType
        payload = fields[3] ?? []  // proto3 leaves an empty payload out
        self.signature = signature
    }

    /// The `Envelope` message: key (1), payload type (2), payload (3), signature (5).
    public var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(publicKey.protobuf, field: 1)
        writer.bytes(payloadType, field: 2)
        writer.bytes(payload, field: 3)
        writer.bytes(signature, field: 5)
        return writer.bytes
    }

    /// The payload and who signed it, once the type and the signature are found right.
    public func open(
        domain: String,
        payloadType expected: [UInt8]
    ) throws(EnvelopeError) -> (signer: PeerID, payload: [UInt8]) {
        guard payloadType == expected else { throw .unexpectedType(payloadType) }
        let signed = Self.signedBytes(domain: domain, payloadType: payloadType, payload: payload)
        guard publicKey.isValidSignature(signature, for: signed) else { throw .invalidSignature }
        return (PeerID(publicKey: publicKey), payload)
    }

    /// Domain, type and payload, each behind its length.
    private static func signedBytes(domain: String, payloadType: [UInt8], payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [Array(domain.utf8), payloadType, payload] {
            Varint.append(UInt64(part.count), to: &bytes)
            bytes += part
        }
        return bytes
    }
}

/// Why an envelope does not prove what it should.
public enum EnvelopeError: Error, Hashable {
    /// It is longer than envelopes are.
    case tooLong(limit: ByteCount)
    /// It is not the message that envelopes are written in.
    case malformed(ProtobufError)
    /// The key in it is not understood.
    case key(KeyError)
    /// It holds another type of payload.
    case unexpectedType([UInt8])
    /// The key did not make the signature, or made it for another domain, type or payload.
    case invalidSignature
}
