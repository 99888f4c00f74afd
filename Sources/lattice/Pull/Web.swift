import AsyncHTTPClient
import Foundation
import Inference
import NIOCore
import NIOHTTP1
import NIOPosix

/// Reads from web servers: redirects followed, secrets shown to one server only, proxies used where the environment asks.
struct Web: Sendable {
    /// A secret for one server.
    struct Secret: Sendable {
        let token: String
        let origin: WebOrigin
    }

    /// An answer with the address that gave it, after redirects.
    struct Answer: Sendable {
        let response: HTTPClientResponse
        let url: URL

        var status: Int { Int(response.status.code) }

        func header(_ name: String) -> String? { response.headers.first(name: name) }
    }

    /// An answer that cannot be used.
    struct Fault: Error, CustomStringConvertible {
        let description: String
        /// Whether it may be better another time.
        var isTransient = false
        /// Whether nobody was there at all.
        var isUnreachable = false
    }

    /// How long nothing may arrive, before the server is given up for this time.
    static let usualPatience: TimeAmount = .seconds(60)
    /// The most redirects in a row; hubs have one or two.
    private static let redirectLimit = 8
    private static let connectTimeout: TimeAmount = .seconds(20)

    private let direct: HTTPClient
    private let proxied: [String: HTTPClient]
    private let proxies: ProxySettings

    init(environment: [String: String], patience: TimeAmount = Web.usualPatience) {
        proxies = ProxySettings(environment: environment)
        func client(_ proxy: HTTPClient.Configuration.Proxy?) -> HTTPClient {
            var configuration = HTTPClient.Configuration(
                redirectConfiguration: .disallow,
                timeout: .init(connect: Self.connectTimeout, read: patience)
            )
            // One stream on a connection: windows of HTTP/2 would slow a large file down.
            configuration.httpVersion = .http1Only
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.proxy = proxy
            return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        }
        direct = client(nil)
        proxied = proxies.servers.mapValues(client)
    }

    func shutdown() async {
        for client in [direct] + proxied.values { try? await client.shutdown() }
    }

    /// Asks for what is at `url`.
    ///
    /// - Parameter secret: shown to its own server as a bearer token, and to no other on the way.
    func get(_ url: URL, headers: [(String, String)] = [], secret: Secret? = nil) async throws -> Answer {
        var url = url
        for _ in 0...Self.redirectLimit {
            let answer = Answer(response: try await ask(url, headers: headers, secret: secret), url: url)
            guard [301, 302, 303, 307, 308].contains(answer.status), let location = answer.header("location") else {
                return answer
            }
            guard let next = URL(string: location, relativeTo: url)?.absoluteURL, let origin = WebOrigin(next),
                ["http", "https"].contains(origin.scheme)
            else { throw Fault(description: "\(url.shown) leads to '\(location.printable)', which is no web address.") }
            guard WebOrigin(url)?.scheme != "https" || origin.scheme == "https" else {
                throw Fault(description: "\(url.shown) leads to \(next.shown), which anybody on the way could change.")
            }
            url = next
        }
        throw Fault(description: "\(url.shown) leads from one address to the next without an end.")
    }

    private func ask(_ url: URL, headers: [(String, String)], secret: Secret?) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url.absoluteString)
        request.headers.add(name: "user-agent", value: "lattice/\(Build.version)")
        // As it lies there: a compressed answer would have no ranges.
        request.headers.add(name: "accept-encoding", value: "identity")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let proxy = proxies.server(for: url)
        // Without encryption a proxy would read it.
        let isSealed = proxy == nil || WebOrigin(url)?.scheme == "https"
        if let secret, secret.origin == WebOrigin(url), secret.origin.isPrivate, isSealed {
            request.headers.add(name: "authorization", value: "Bearer \(secret.token)")
        }
        let client = proxy.flatMap { proxied[$0] } ?? direct
        do {
            return try await client.execute(request, deadline: .distantFuture)
        } catch {
            throw Self.fault(error, url)
        }
    }

    /// An error of the connection as one sentence; cancellation stays what it is.
    static func fault(_ error: any Error, _ url: URL) -> any Error {
        switch error {
        case is CancellationError: return error
        case let error as HTTPClientError where error == .cancelled: return CancellationError()
        case let error as HTTPClientError where [.invalidURL, .emptyHost, .emptyScheme].contains(error):
            return Fault(description: "\(url.shown) is no address.")
        case let error as HTTPClientError where error == .readTimeout:
            return Fault(description: "\(url.hostShown) has gone silent", isTransient: true)
        case let error as HTTPClientError where [.remoteConnectionClosed, .uncleanShutdown].contains(error):
            return Fault(description: "\(url.hostShown) closed the connection", isTransient: true)
        case let error as HTTPClientError where error == .connectTimeout:
            return Fault(description: "\(url.hostShown) does not answer", isTransient: true, isUnreachable: true)
        case let error as HTTPClientError:
            return Fault(description: "\(url.hostShown): \(error.shortDescription)", isTransient: true)
        case let error as NIOConnectionError:
            let isUnknown = error.connectionErrors.isEmpty
            let cause = isUnknown ? "is not known to the name service" : "does not answer"
            return Fault(description: "\(url.hostShown) \(cause)", isTransient: true, isUnreachable: true)
        case let error as IOError where [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
            return Fault(description: "\(url.hostShown) does not answer", isTransient: true, isUnreachable: true)
        case is IOError, is ChannelError:
            return Fault(description: "the connection to \(url.hostShown) broke", isTransient: true)
        default:
            let text = "\(error)"
            // TLS has no error of its own for this.
            if text.contains("CERTIFICATE_VERIFY_FAILED") || text.contains("unableToValidateCertificate") {
                return Fault(
                    description:
                        "\(url.hostShown) shows a certificate that this machine does not trust. Check the address; if"
                        + " it is right, add the certificate's authority to those of the system."
                )
            }
            if text.contains("handshakeFailed") {
                return Fault(description: "\(url.hostShown) does not agree on TLS", isTransient: true)
            }
            return Fault(description: "\(url.hostShown): \(text)".printable, isTransient: true)
        }
    }
}

extension URL {
    /// The address without its query, which may hold secrets, for people.
    var shown: String {
        guard var parts = URLComponents(url: self, resolvingAgainstBaseURL: true) else { return "the address" }
        (parts.query, parts.fragment, parts.user, parts.password) = (nil, nil, nil, nil)
        return (parts.string ?? "the address").printable
    }

    var hostShown: String { (host() ?? "the server").printable }
}
