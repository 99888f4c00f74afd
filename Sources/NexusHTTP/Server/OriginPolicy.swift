internal import HTTPTypes

/// Keeps other web sites from using a server through the browser of the person who runs it.
///
/// Two ways lead past the loopback address: a page of another origin that sends requests (it names itself in `Origin`), and a
/// name that is rebound to 127.0.0.1 (it stands in `Host`). Programs send neither and are let through.
struct OriginPolicy: Sendable {
    private let allowedHosts: Set<String>?
    private let allowedOrigins: Set<String>

    init(_ configuration: HTTPConfiguration) {
        allowedHosts =
            configuration.isLoopback
            ? Set((configuration.allowedHosts + [configuration.host]).map { $0.lowercased() })
            : nil
        allowedOrigins = Set(configuration.allowedOrigins.map { $0.lowercased() })
    }

    /// Lets a request through or says why not.
    func check(_ request: HTTPRequest) throws(APIError) {
        let authority = request.authority?.lowercased()
        if let allowedHosts, let authority {
            let host = Self.host(of: authority)
            guard LoopbackName.matches(host) || allowedHosts.contains(host) else {
                throw .forbidden("This server listens on loopback and does not answer to the name it was called by.")
            }
        }
        guard let origin = request.headerFields[.origin]?.lowercased() else { return }
        if allowedOrigins.contains(origin) { return }
        guard let authority, origin == "http://\(authority)" || origin == "https://\(authority)" else {
            throw .forbidden("Pages of other sites may not call this server.")
        }
    }

    /// The host without its port; an IPv6 address keeps its brackets.
    static func host(of authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return String(authority.prefix { $0 != ":" })
    }
}
