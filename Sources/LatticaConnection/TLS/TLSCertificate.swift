import Crypto
import FoundationEssentials
import LatticaCore
import SwiftASN1
import X509

/// A self-signed certificate that names a peer: the key inside is bound to the peer's by a signature in an extension
/// (libp2p specs, tls, "Peer Authentication").
struct TLSCertificate {
    /// The extension that libp2p has registered.
    static let identityExtension: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 53594, 1, 1]

    /// What the peer's key signs: this, then the SubjectPublicKeyInfo of the certificate.
    static let signaturePrefix = Array("libp2p-tls-handshake:".utf8)

    /// The longest certificate taken; one with Ed25519 has about 430 bytes, one with RSA keys of 4096 bits 2,500.
    static let maximumByteCount = 8192

    /// The certificate, DER.
    let der: [UInt8]
    /// Its secret key, PKCS #8 in DER.
    let privateKey: [UInt8]

    /// Makes a certificate with a key of its own, valid from an hour before to a hundred years after the time.
    ///
    /// The hour forgives a clock that is late at the other end. It need not expire: it serves until the process ends.
    init(for keypair: Keypair, at time: Date) throws {
        let key = P256.Signing.PrivateKey()
        let spki = Array(key.publicKey.derRepresentation)
        let identity = SignedKey(
            publicKey: keypair.publicKey.protobuf,
            signature: try keypair.sign(Self.signaturePrefix + spki)
        )
        // The field says nothing, but some readers want it filled.
        let name = try DistinguishedName { OrganizationName("libp2p") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: time - 3600,
            notValidAfter: time + 100 * 365 * 86400,
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions([
                Certificate.Extension(oid: Self.identityExtension, critical: false, value: try identity.der[...])
            ]),
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        der = serializer.serializedBytes
        privateKey = Array(key.derRepresentation)
    }

    /// Checks a certificate that came from the other end.
    ///
    /// - Returns: the peer that it proves.
    static func verify(der: some Collection<UInt8>, at time: Date) throws(TLSCertificateError) -> PeerID {
        guard der.count <= maximumByteCount else { throw .tooLong(byteCount: der.count, limit: maximumByteCount) }
        let certificate: Certificate
        let spki: [UInt8]
        do {
            certificate = try Certificate(derEncoded: Array(der))
            try checkSignatureIsWhole(in: Array(der))
            let fields = try fieldsBehindIssuer(in: certificate.tbsCertificateBytes)
            try checkTimesExist(in: fields.validity)
            spki = Array(fields.key.encodedBytes)
        } catch let error as TLSCertificateError {
            throw error
        } catch {
            throw .malformed(String(describing: error))
        }
        guard time >= certificate.notValidBefore else { throw .notYetValid }
        guard time <= certificate.notValidAfter else { throw .expired }
        for part in certificate.extensions where part.critical && part.oid != identityExtension {
            throw .unknownCriticalExtension("\(part.oid)")
        }
        guard let part = certificate.extensions[oid: identityExtension] else { throw .missingIdentity }
        guard certificate.publicKey.isValidSignature(certificate.signature, for: certificate) else {
            throw .invalidSelfSignature
        }
        let identity: SignedKey
        do { identity = try SignedKey(derEncoded: part.value) } catch { throw .malformedIdentity }
        let key: PublicKey
        do { key = try PublicKey(protobuf: identity.publicKey) } catch { throw .key(error) }
        guard key.isValidSignature(identity.signature, for: signaturePrefix + spki) else {
            throw .invalidIdentitySignature
        }
        return PeerID(publicKey: key)
    }

    /// The only bits outside what is signed that the parser passes over: a signature has no unused ones.
    private static func checkSignatureIsWhole(in certificate: [UInt8]) throws {
        guard case .constructed(let nodes) = try DER.parse(certificate).content,
            let signature = Array(nodes).last,
            try ASN1BitString(derEncoded: signature).paddingBits == 0
        else { throw TLSCertificateError.malformed("the signature has unused bits") }
    }

    /// Validity and key as they stand in the certificate; the bytes of the key are what is signed (RFC 5280 §4.1).
    private static func fieldsBehindIssuer(
        in certificate: ArraySlice<UInt8>
    ) throws -> (validity: ASN1Node, key: ASN1Node) {
        guard case .constructed(let nodes) = try DER.parse(certificate).content else {
            throw TLSCertificateError.malformed("no sequence")
        }
        var fields = Array(nodes)[...]
        // The version is left out in version 1.
        if fields.first?.identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific) {
            fields.removeFirst()
        }
        // Behind serial number, signature algorithm and issuer; the subject stands between the two.
        fields = fields.dropFirst(3)
        guard let validity = fields.first, let key = fields.dropFirst(2).first else {
            throw TLSCertificateError.malformed("no key")
        }
        return (validity, key)
    }

    /// A minute has at most 61 seconds, numbered from 0.
    ///
    /// The parser takes one more, which its calendar then traps on.
    private static func checkTimesExist(in validity: ASN1Node) throws {
        guard case .constructed(let times) = validity.content else { throw TLSCertificateError.malformed("no times") }
        for time in times {
            let seconds =
                time.identifier == .utcTime
                ? try UTCTime(derEncoded: time).seconds : try GeneralizedTime(derEncoded: time).seconds
            guard seconds <= 60 else { throw TLSCertificateError.malformed("a time with second \(seconds)") }
        }
    }
}

/// The content of the extension: `SEQUENCE { publicKey OCTET STRING, signature OCTET STRING }`.
private struct SignedKey {
    /// libp2p's `PublicKey` message.
    var publicKey: [UInt8]
    var signature: [UInt8]

    init(publicKey: [UInt8], signature: [UInt8]) {
        self.publicKey = publicKey
        self.signature = signature
    }

    init(derEncoded bytes: ArraySlice<UInt8>) throws {
        self = try DER.sequence(try DER.parse(bytes), identifier: .sequence) { nodes in
            SignedKey(
                publicKey: Array(try ASN1OctetString(derEncoded: &nodes).bytes),
                signature: Array(try ASN1OctetString(derEncoded: &nodes).bytes)
            )
        }
    }

    var der: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.appendConstructedNode(identifier: .sequence) { serializer in
                try serializer.serialize(ASN1OctetString(contentBytes: publicKey[...]))
                try serializer.serialize(ASN1OctetString(contentBytes: signature[...]))
            }
            return serializer.serializedBytes
        }
    }
}
