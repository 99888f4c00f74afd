public import LatticaCore

/// Why a certificate does not prove who is at the other end (libp2p specs, tls, "Peer Authentication").
public enum TLSCertificateError: Error, Hashable {
    /// The peer sent no certificate, or a chain; exactly one must come.
    case notOneCertificate(count: Int)
    /// The certificate is longer than any that this protocol has.
    case tooLong(byteCount: Int, limit: Int)
    /// The bytes are not an X.509 certificate; the reason is for the log.
    case malformed(String)
    /// The certificate is not valid yet: a clock is wrong, here or there.
    case notYetValid
    /// The certificate is no longer valid: a clock is wrong, here or there.
    case expired
    /// A critical extension is not understood.
    case unknownCriticalExtension(String)
    /// The certificate is not signed by the key that it holds.
    case invalidSelfSignature
    /// The extension that names the peer is missing.
    case missingIdentity
    /// The extension that names the peer is not a key and a signature.
    case malformedIdentity
    /// The key of the peer is malformed, or of a kind that is not understood.
    case key(KeyError)
    /// The peer's key did not sign the key of the certificate.
    case invalidIdentitySignature
    /// Another peer is there.
    case wrongPeer(expected: String, actual: String)
}

extension TLSCertificateError: CustomStringConvertible {
    /// What is wrong, for people.
    public var description: String {
        switch self {
        case .notOneCertificate(let count): "the peer sent \(count) certificates instead of one"
        case .tooLong(let count, let limit): "the certificate has \(count) bytes, more than \(limit)"
        case .malformed(let reason): "the certificate is malformed: \(reason)"
        case .notYetValid: "the certificate is not valid yet; compare the clocks of both machines"
        case .expired: "the certificate has expired; compare the clocks of both machines"
        case .unknownCriticalExtension(let name): "the certificate has a critical extension \(name)"
        case .invalidSelfSignature: "the certificate is not signed by its own key"
        case .missingIdentity: "the certificate names no libp2p peer"
        case .malformedIdentity: "the certificate names a libp2p peer in a malformed way"
        case .key(.unsupportedKind(0)): "the peer has an RSA key, which is not supported"
        case .key(.unsupportedKind(2)): "the peer has a secp256k1 key, which is not supported"
        case .key(let error): "the key of the peer cannot be read: \(error)"
        case .invalidIdentitySignature: "the key of the peer did not sign the certificate's"
        case .wrongPeer(let expected, let actual): "expected the peer \(expected) but \(actual) answered"
        }
    }
}
