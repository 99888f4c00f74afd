import FoundationEssentials
import LatticaCore
import NIOCore
import NIOSSL

/// What a host needs for `/tls/1.0.0`: its certificate, and the settings that both roles share (libp2p specs, tls).
///
/// Made once for a host; every connection takes a handshake from it. TLS 1.3 alone, both sides show a certificate, no
/// name is asked for, and sessions are never resumed, since a resumed one would prove nothing.
struct TLSIdentity: Sendable {
    /// The name under which multistream-select offers it.
    static let protocolID: ProtocolID = "/tls/1.0.0"

    /// The muxer, then the name that stands for none: a peer that knows the muxer saves a round trip (libp2p specs,
    /// connections, "Multiplexer Negotiation over TLS").
    static let applicationProtocols = [ConnectionUpgrade.muxer.name, "libp2p"]

    private let client: NIOSSLContext
    private let server: NIOSSLContext

    /// - Parameter keypair: who this host is.
    init(keypair: Keypair) throws(TLSIdentityError) {
        let certificate: TLSCertificate
        do {
            certificate = try TLSCertificate(for: keypair, at: Date())
        } catch {
            throw .cannotMakeCertificate(String(describing: error))
        }
        do {
            let chain: [NIOSSLCertificateSource] = [
                .certificate(try NIOSSLCertificate(bytes: certificate.der, format: .der))
            ]
            let key = NIOSSLPrivateKeySource.privateKey(
                try NIOSSLPrivateKey(bytes: certificate.privateKey, format: .der)
            )
            var client = TLSConfiguration.makeClientConfiguration()
            client.certificateChain = chain
            client.privateKey = key
            var server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
            Self.restrict(&client)
            Self.restrict(&server)
            self.client = try NIOSSLContext(configuration: client)
            self.server = try NIOSSLContext(configuration: server)
        } catch {
            throw .notUsable(String(describing: error))
        }
    }

    /// Prepares one connection.
    ///
    /// - Parameter isClient: the side that dialled, which opens the handshake as soon as the handler is in a pipeline.
    /// - Parameter peer: who must be at the other end; `nil` takes any.
    func makeHandler(isClient: Bool, expecting peer: PeerID?) throws(TLSIdentityError) -> TLSHandshake {
        let proof = TLSHandshake.Proof(expectedPeer: peer)
        guard isClient else {
            return TLSHandshake(
                NIOSSLServerHandler(context: server, customVerificationCallback: proof.check),
                proof
            )
        }
        do {
            return TLSHandshake(
                try NIOSSLClientHandler(
                    context: client,
                    serverHostname: nil,
                    customVerificationCallback: proof.check
                ),
                proof
            )
        } catch {
            throw .notUsable(String(describing: error))
        }
    }

    private static func restrict(_ configuration: inout TLSConfiguration) {
        configuration.minimumTLSVersion = .tlsv13
        configuration.maximumTLSVersion = .tlsv13
        // "Peer, please show a certificate"; what it must say is checked by `Proof`, and no authority has a say.
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        configuration.applicationProtocols = applicationProtocols
        // A peer that has vanished does not answer a farewell, and its socket is not kept for that.
        configuration.shutdownTimeout = .seconds(1)
    }
}

/// Why a host cannot offer TLS.
public enum TLSIdentityError: Error, Hashable {
    /// No certificate could be made; the reason as the system words it.
    case cannotMakeCertificate(String)
    /// The TLS library refuses certificate or settings; the reason as it words it.
    case notUsable(String)
}

extension TLSIdentityError: CustomStringConvertible {
    /// What failed.
    public var description: String {
        switch self {
        case .cannotMakeCertificate(let reason): "no certificate for TLS could be made: \(reason)"
        case .notUsable(let reason): "TLS cannot be set up: \(reason)"
        }
    }
}
