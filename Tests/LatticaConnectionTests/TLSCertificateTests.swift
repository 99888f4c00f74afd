import Crypto
import FoundationEssentials
import LatticaCore
import LatticeTesting
import SwiftASN1
import Testing
import X509

@testable import LatticaConnection

@Suite struct `TLS certificate` {
    let keypair = Keypair()
    let now = Date()

    @Test(arguments: [
        (TLSVectors.ed25519, TLSVectors.ed25519Peer), (TLSVectors.ecdsa, TLSVectors.ecdsaPeer),
    ])
    func `names the peer as in the specification`(certificate: String, peer: String) throws {
        #expect(try TLSCertificate.verify(der: bytes(hex: certificate), at: now).description == peer)
    }

    @Test func `one of a peer whose key is of an unknown kind is refused`() {
        #expect(throws: TLSCertificateError.key(.unsupportedKind(2))) {
            try TLSCertificate.verify(der: bytes(hex: TLSVectors.secp256k1), at: now)
        }
    }

    @Test func `one that the named peer has not signed is refused`() {
        #expect(throws: TLSCertificateError.invalidIdentitySignature) {
            try TLSCertificate.verify(der: bytes(hex: TLSVectors.impostor), at: now)
        }
    }

    @Test func `names the host that made it`() throws {
        let certificate = try TLSCertificate(for: keypair, at: now)
        #expect(try TLSCertificate.verify(der: certificate.der, at: now) == keypair.peerID)
        #expect(try TLSCertificate.verify(der: certificate.der, at: now + 50 * 365 * 86400) == keypair.peerID)
    }

    @Test func `is valid for a clock that is late, but not before or after its time`() throws {
        let certificate = try TLSCertificate(for: keypair, at: now)
        #expect(try TLSCertificate.verify(der: certificate.der, at: now - 3500) == keypair.peerID)
        #expect(throws: TLSCertificateError.notYetValid) {
            try TLSCertificate.verify(der: certificate.der, at: now - 3700)
        }
        #expect(throws: TLSCertificateError.expired) {
            try TLSCertificate.verify(der: certificate.der, at: now + 101 * 365 * 86400)
        }
    }

    @Test func `every prefix is refused`() throws {
        let certificate = try TLSCertificate(for: keypair, at: now)
        for count in certificate.der.indices {
            #expect(throws: TLSCertificateError.self) {
                try TLSCertificate.verify(der: certificate.der.prefix(count), at: now)
            }
        }
    }

    @Test func `a flipped bit in any byte is noticed`() throws {
        let certificate = try TLSCertificate(for: keypair, at: now)
        var random = SeededGenerator(seed: 1)
        for place in certificate.der.indices {
            var der = certificate.der
            let bit = Int.random(in: 0..<8, using: &random)
            der[place] ^= 1 << bit
            #expect(throws: TLSCertificateError.self, "byte \(place), bit \(bit)") {
                try TLSCertificate.verify(der: der, at: now)
            }
        }
    }

    @Test func `a second that no minute has is refused`() throws {
        var der = try TLSCertificate(for: keypair, at: now).der
        // The first UTCTime, thirteen characters: the last two before the Z are its seconds.
        let start = try #require((2..<der.count).first { der[$0 - 2] == 23 && der[$0 - 1] == 13 })
        der.replaceSubrange(start + 10..<start + 12, with: Array("61".utf8))
        #expect(throws: TLSCertificateError.malformed("a time with second 61")) {
            try TLSCertificate.verify(der: der, at: now)
        }
    }

    @Test func `unused bits in the signature are refused`() throws {
        var der: [UInt8]
        // Only a zero may be declared unused.
        repeat { der = try TLSCertificate(for: keypair, at: now).der } while der.last.map { $0 & 1 == 1 } ?? true
        // The signature of P-256 has about seventy bytes, behind tag, length, and the count of unused bits.
        let length = try #require((68...74).first { der[der.count - $0 - 2] == 3 && der[der.count - $0 - 1] == $0 })
        der[der.count - length] = 1
        #expect(throws: TLSCertificateError.malformed("the signature has unused bits")) {
            try TLSCertificate.verify(der: der, at: now)
        }
    }

    @Test(arguments: 0..<200) func `random bytes are refused`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        // With a true beginning, the nonsense meets what lies deeper.
        let start = bytes(hex: TLSVectors.ed25519).prefix(Int(seed % 100) * 4)
        let der = start + random.bytes(Int.random(in: 0..<600, using: &random))
        #expect(throws: TLSCertificateError.self) { try TLSCertificate.verify(der: der, at: now) }
    }

    @Test func `one that is too long is not even read`() {
        #expect(throws: TLSCertificateError.tooLong(byteCount: 8193, limit: 8192)) {
            try TLSCertificate.verify(der: [UInt8](repeating: 0x30, count: 8193), at: now)
        }
    }

    @Test func `the extension may be critical`() throws {
        let der = try certificate { try [$0.identity(critical: true)] }
        #expect(try TLSCertificate.verify(der: der, at: now) == keypair.peerID)
    }

    @Test func `unknown extensions are ignored unless they are critical`() throws {
        let unknown: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 53594, 9]
        let ignored = try certificate {
            try [.init(oid: unknown, critical: false, value: [5, 0]), $0.identity(critical: false)]
        }
        #expect(try TLSCertificate.verify(der: ignored, at: now) == keypair.peerID)
        let refused = try certificate {
            try [.init(oid: unknown, critical: true, value: [5, 0]), $0.identity(critical: false)]
        }
        #expect(throws: TLSCertificateError.unknownCriticalExtension("1.3.6.1.4.1.53594.9")) {
            try TLSCertificate.verify(der: refused, at: now)
        }
    }

    @Test func `one that names nobody is refused`() throws {
        let der = try certificate { _ in [] }
        #expect(throws: TLSCertificateError.missingIdentity) { try TLSCertificate.verify(der: der, at: now) }
    }

    @Test(arguments: [[], [0x30, 0], [0x30, 2, 4, 0], [0x30, 5, 4, 0, 4, 0, 0], [4, 0]] as [[UInt8]])
    func `one with a malformed name is refused`(content: [UInt8]) throws {
        let der = try certificate { _ in
            [.init(oid: TLSCertificate.identityExtension, critical: false, value: content[...])]
        }
        #expect(throws: TLSCertificateError.malformedIdentity) { try TLSCertificate.verify(der: der, at: now) }
    }

    @Test func `one that is signed by another key is refused`() throws {
        let der = try certificate(signedBy: P256.Signing.PrivateKey()) { try [$0.identity(critical: false)] }
        #expect(throws: TLSCertificateError.invalidSelfSignature) { try TLSCertificate.verify(der: der, at: now) }
    }

    @Test func `one that holds the name of another certificate is refused`() throws {
        let other = TestCertificate(keypair: keypair)
        let der = try certificate { _ in try [other.identity(critical: false)] }
        #expect(throws: TLSCertificateError.invalidIdentitySignature) {
            try TLSCertificate.verify(der: der, at: now)
        }
    }

    private func certificate(
        signedBy signer: P256.Signing.PrivateKey? = nil,
        _ extensions: (TestCertificate) throws -> [Certificate.Extension]
    ) throws -> [UInt8] {
        let certificate = TestCertificate(keypair: keypair)
        return try certificate.der(signedBy: signer, extensions(certificate))
    }
}

/// A certificate with whatever extensions a test wants.
struct TestCertificate {
    let keypair: Keypair
    let key = P256.Signing.PrivateKey()

    /// A true extension for the key.
    func identity(critical: Bool) throws -> Certificate.Extension {
        let signature = try keypair.sign(
            Array("libp2p-tls-handshake:".utf8) + Array(key.publicKey.derRepresentation)
        )
        var serializer = DER.Serializer()
        try serializer.appendConstructedNode(identifier: .sequence) { serializer in
            try serializer.serialize(ASN1OctetString(contentBytes: keypair.publicKey.protobuf[...]))
            try serializer.serialize(ASN1OctetString(contentBytes: signature[...]))
        }
        return .init(
            oid: [1, 3, 6, 1, 4, 1, 53594, 1, 1],
            critical: critical,
            value: serializer.serializedBytes[...]
        )
    }

    func der(
        signedBy signer: P256.Signing.PrivateKey? = nil,
        _ extensions: [Certificate.Extension]
    ) throws -> [UInt8] {
        let name = try DistinguishedName { CommonName("test") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: .init(key.publicKey),
            notValidBefore: Date() - 3600,
            notValidAfter: Date() + 3600,
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: .init(extensions),
            issuerPrivateKey: .init(signer ?? key)
        )
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }
}
