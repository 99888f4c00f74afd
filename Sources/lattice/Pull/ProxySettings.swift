import AsyncHTTPClient
import Foundation

/// The proxies of the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, as curl has them.
struct ProxySettings: Sendable {
    /// Proxies by their addresses.
    let servers: [String: HTTPClient.Configuration.Proxy]
    /// The proxy's address by scheme.
    private let byScheme: [String: String]
    private let exceptions: [String]

    init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            [name.lowercased(), name].compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        var servers: [String: HTTPClient.Configuration.Proxy] = [:]
        var byScheme: [String: String] = [:]
        for scheme in ["http", "https"] {
            guard let text = value("\(scheme.uppercased())_PROXY") ?? value("ALL_PROXY"),
                let url = URL(string: text.contains("://") ? text : "http://" + text), let host = url.host()
            else { continue }
            let authorization = url.user().map { user in
                HTTPClient.Authorization.basic(
                    username: user.removingPercentEncoding ?? user,
                    password: (url.password() ?? "").removingPercentEncoding ?? ""
                )
            }
            servers[text] = .server(host: host, port: url.port ?? 80, authorization: authorization)
            byScheme[scheme] = text
        }
        self.servers = servers
        self.byScheme = byScheme
        exceptions = (value("NO_PROXY") ?? "").split(separator: ",").map {
            let name = $0.trimmingCharacters(in: .whitespaces).lowercased()
            return name.hasPrefix(".") ? String(name.dropFirst()) : name
        }
    }

    /// The address of the proxy for `url`, or `nil` where there is to be none.
    func server(for url: URL) -> String? {
        guard let scheme = url.scheme?.lowercased(), let proxy = byScheme[scheme], let host = url.host()?.lowercased()
        else { return nil }
        let isExcepted = exceptions.contains { $0 == "*" || $0 == host || host.hasSuffix("." + $0) }
        return isExcepted ? nil : proxy
    }
}
