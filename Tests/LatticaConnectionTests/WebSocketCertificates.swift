import Crypto
import FoundationEssentials
import SwiftASN1
import X509

/// A small authority, and a certificate of it for this machine, as PEM files in a folder.
struct WebSocketCertificates {
    let rootFile: String
    let certificateFile: String
    let privateKeyFile: String

    /// - Parameter addresses: what the certificate is good for beside the name `localhost`.
    init(in folder: String, addresses: [[UInt8]] = [[127, 0, 0, 1]]) throws {
        rootFile = folder + "/root.pem"
        certificateFile = folder + "/certificate.pem"
        privateKeyFile = folder + "/key.pem"
        let (rootKey, key) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
        let authority = try DistinguishedName { CommonName("Test authority \(UInt32.random(in: 0...(.max)))") }
        let root = try Self.certificate(authority, rootKey.publicKey, by: authority, rootKey) {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true))
        }
        let leaf = try Self.certificate(
            DistinguishedName { CommonName("localhost") },
            key.publicKey,
            by: authority,
            rootKey
        ) {
            Critical(BasicConstraints.notCertificateAuthority)
            try ExtendedKeyUsage([.serverAuth])
            SubjectAlternativeNames(
                [GeneralName.dnsName("localhost")]
                    + addresses.map { GeneralName.ipAddress(ASN1OctetString(contentBytes: $0[...])) }
            )
        }
        try root.serializeAsPEM().pemString.write(toFile: rootFile, atomically: true, encoding: .utf8)
        try leaf.serializeAsPEM().pemString.write(toFile: certificateFile, atomically: true, encoding: .utf8)
        try key.pemRepresentation.write(toFile: privateKeyFile, atomically: true, encoding: .utf8)
    }

    private static func certificate(
        _ subject: DistinguishedName,
        _ key: P256.Signing.PublicKey,
        by issuer: DistinguishedName,
        _ issuerKey: P256.Signing.PrivateKey,
        @ExtensionsBuilder extensions: () throws -> Result<Certificate.Extensions, any Error>
    ) throws -> Certificate {
        try Certificate(
            version: .v3,
            serialNumber: .init(),
            publicKey: .init(key),
            notValidBefore: Date() - 3600,
            notValidAfter: Date() + 86400,
            issuer: issuer,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: .init(builder: extensions),
            issuerPrivateKey: .init(issuerKey)
        )
    }
}
