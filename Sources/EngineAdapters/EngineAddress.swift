import Foundation
public import Inference

/// Where an engine answers: scheme, host, port, and the path before `/v1`.
public struct EngineAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address without a slash at its end.
    public let description: String

    /// Reads an address such as `http://127.0.0.1:8080`; one that ends in `/v1`, as clients want it, is taken too.
    public init(_ text: String) throws(ChatEngineError) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty
        else {
            throw .badRequest("'\(text)' is no address of an engine; it looks like http://127.0.0.1:8080")
        }
        guard parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil else {
            throw .badRequest("an engine's address has no user, query or fragment; a key is given by itself")
        }
        var path = parts.percentEncodedPath[...]
        while path.hasSuffix("/") { path.removeLast() }
        if path.hasSuffix("/v1") { path.removeLast(3) }
        while path.hasSuffix("/") { path.removeLast() }
        description = "\(scheme)://\(host)\(parts.port.map { ":\($0)" } ?? "")\(path)"
    }
}

/// A secret that is sent to one engine, and never printed.
struct EngineKey: Sendable, CustomStringConvertible, CustomReflectable {
    private let secret: String

    init(_ secret: String) throws(ChatEngineError) {
        guard !secret.isEmpty, secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .badRequest("the API key is empty, or has characters that cannot be sent")
        }
        self.secret = secret
    }

    var authorization: String { "Bearer \(secret)" }

    var description: String { "API key" }

    var customMirror: Mirror { Mirror(self, children: []) }
}
