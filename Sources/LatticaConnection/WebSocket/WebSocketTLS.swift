import NIOCore
import NIOSSL

/// What a host needs for addresses with `/wss` or `/tls/ws`.
///
/// This TLS is what web servers have: a certificate for a name, from an authority. It makes browsers and proxies content
/// and proves nothing about peers; the connection inside is secured as over TCP.
public struct WebSocketTLS: Sendable {
    /// Which authorities are trusted when dialling.
    public enum Roots: Sendable, Hashable {
        /// Those of the operating system.
        case system
        /// Those in a PEM file.
        case file(String)
    }

    /// The certificate of this host and those that lead to its authority, in a PEM file; needed to listen.
    public var certificateFile: String?

    /// The key of the certificate, in a PEM file; needed to listen.
    public var privateKeyFile: String?

    /// Which authorities are trusted when dialling.
    public var roots: Roots

    /// Without files one can dial, but not listen.
    public init(certificateFile: String? = nil, privateKeyFile: String? = nil, roots: Roots = .system) {
        self.certificateFile = certificateFile
        self.privateKeyFile = privateKeyFile
        self.roots = roots
    }

    /// The settings for dialling with the system's authorities, for all hosts of the process.
    ///
    /// Made at the first dial: reading some hundred certificates takes long, and 0.8 MB.
    private static let system = Result { try context(trusting: nil) }

    /// What makes the settings for dialling; a file is read at once.
    func clientContext() throws(WebSocketTLSError) -> @Sendable () throws -> NIOSSLContext {
        guard case .file(let path) = roots else { return { try Self.system.get() } }
        let authorities: [NIOSSLCertificate]
        do {
            authorities = try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw .cannotRead(path, reason: "\(error)")
        }
        do {
            let context = try Self.context(trusting: .certificates(authorities))
            return { context }
        } catch {
            throw .notUsable("\(error)")
        }
    }

    private static func context(trusting roots: NIOSSLTrustRoots?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        configuration.trustRoots = roots
        return try NIOSSLContext(configuration: configuration)
    }

    /// `nil` if no files are given.
    func serverContext() throws(WebSocketTLSError) -> NIOSSLContext? {
        guard certificateFile != nil || privateKeyFile != nil else { return nil }
        guard let certificateFile, let privateKeyFile else { throw .incomplete }
        let chain: [NIOSSLCertificateSource]
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificateFile).map { .certificate($0) }
        } catch {
            throw .cannotRead(certificateFile, reason: "\(error)")
        }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(file: privateKeyFile, format: .pem)
        } catch {
            throw .cannotRead(privateKeyFile, reason: "\(error)")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw .notUsable("\(error)")
        }
    }
}

/// Why certificates for WebSockets cannot be used.
public enum WebSocketTLSError: Error, Hashable {
    /// Certificate and key belong together; only one is given.
    case incomplete
    /// The file is missing, or holds something else.
    case cannotRead(String, reason: String)
    /// The TLS library refuses them, in its words: the key may belong to another certificate.
    case notUsable(String)
}

extension WebSocketTLSError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .incomplete: "a certificate for /wss needs its key too, and the key its certificate; give both files"
        case .cannotRead(let path, let reason): "\(path) cannot be read: \(reason); a PEM file is needed"
        case .notUsable(let reason): "the certificate for /wss cannot be used: \(reason)"
        }
    }
}
