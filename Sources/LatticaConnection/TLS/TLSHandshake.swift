import FoundationEssentials
import LatticaCore
import NIOCore
import NIOSSL

/// One handshake of `/tls/1.0.0`: the handler that carries it out, and what it has proven.
///
/// Touched on the event loop of the connection alone. The handler goes into the pipeline; when it fires
/// `TLSUserEvent.handshakeCompleted`, ``secured(negotiatedProtocol:)`` tells who is there. When it fires an error
/// instead, ``failure(_:)`` tells the reason.
final class TLSHandshake {
    /// What a finished handshake gives.
    struct Secured: Equatable {
        /// Who is at the other end.
        var remotePeer: PeerID
        /// Both sides have agreed on the muxer already; otherwise multistream-select follows.
        var isMuxerAgreed: Bool
    }

    /// To be inserted in the pipeline; encrypts what passes.
    let handler: NIOSSLHandler
    private let proof: Proof

    init(_ handler: NIOSSLHandler, _ proof: Proof) {
        self.handler = handler
        self.proof = proof
    }

    /// Who is at the other end; `nil` while that is not proven.
    ///
    /// A client may trust it once the handshake is complete, although the server has still to accept the client.
    var remotePeer: PeerID? {
        guard case .success(let peer) = proof.result else { return nil }
        return peer
    }

    /// Why the handshake failed, given the error that the handler has fired.
    ///
    /// The handler knows only that a certificate was refused, not why.
    func failure(_ error: any Error) -> TLSHandshakeError {
        guard case .failure(let error) = proof.result else { return .failed(String(describing: error)) }
        return .certificate(error)
    }

    /// What the completed handshake has settled.
    ///
    /// - Parameter negotiatedProtocol: as `TLSUserEvent.handshakeCompleted` tells it.
    func secured(negotiatedProtocol: String?) throws(TLSHandshakeError) -> Secured {
        guard let result = proof.result else { throw .noProof }
        let peer: PeerID
        do { peer = try result.get() } catch { throw .certificate(error) }
        // A peer that offers other names only speaks another protocol over TLS (libp2p specs, tls, "ALPN").
        guard let negotiatedProtocol else { throw .noCommonApplicationProtocol }
        return Secured(remotePeer: peer, isMuxerAgreed: negotiatedProtocol == ConnectionUpgrade.muxer.name)
    }

    /// Keeps what the certificate has shown.
    final class Proof {
        private let expectedPeer: PeerID?
        fileprivate private(set) var result: Result<PeerID, TLSCertificateError>?

        init(expectedPeer: PeerID?) {
            self.expectedPeer = expectedPeer
        }

        /// Called by the TLS library, on the event loop and once in a handshake.
        func check(_ certificates: [NIOSSLCertificate], _ answer: EventLoopPromise<NIOSSLVerificationResult>) {
            let result = Result { () throws(TLSCertificateError) in try verify(certificates) }
            self.result = result
            switch result {
            case .success: answer.succeed(.certificateVerified)
            case .failure: answer.succeed(.failed)
            }
        }

        private func verify(_ certificates: [NIOSSLCertificate]) throws(TLSCertificateError) -> PeerID {
            guard certificates.count == 1, let certificate = certificates.first else {
                throw .notOneCertificate(count: certificates.count)
            }
            let der: [UInt8]
            do { der = try certificate.toDERBytes() } catch { throw .malformed(String(describing: error)) }
            let peer = try TLSCertificate.verify(der: der, at: Date())
            if let expectedPeer, expectedPeer != peer {
                throw .wrongPeer(expected: expectedPeer.description, actual: peer.description)
            }
            return peer
        }
    }
}

/// Why a handshake that ran to its end secures nothing.
public enum TLSHandshakeError: Error, Hashable {
    /// The certificate of the peer does not prove who it is.
    case certificate(TLSCertificateError)
    /// No certificate was asked for: a session was resumed.
    case noProof
    /// The peer speaks another protocol than libp2p over TLS.
    case noCommonApplicationProtocol
    /// The handshake itself failed; the reason as the TLS library words it.
    case failed(String)
}

extension TLSHandshakeError: CustomStringConvertible {
    /// What happened, for people.
    public var description: String {
        switch self {
        case .certificate(let error): "\(error)"
        case .noProof: "the peer resumed a session instead of proving who it is"
        case .noCommonApplicationProtocol: "the peer does not speak libp2p over TLS"
        case .failed(let reason): "the TLS handshake failed: \(reason)"
        }
    }
}
