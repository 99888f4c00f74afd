import Foundation
import Inference

/// What `lattice pull` is asked for: an address, or a file of a hub's repository.
enum PullSource: Hashable, Sendable {
    /// A file at an address.
    case address(URL)
    /// A repository of the hub; the selector is a quantisation or a file, and `nil` takes the usual one.
    case repository(Repository, selector: String?)

    /// A repository of a hub.
    struct Repository: Hashable, Sendable, CustomStringConvertible {
        let organization: String
        let name: String
        var revision = "main"

        var description: String { "\(organization)/\(name)" }
    }

    /// A text that is neither.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// Names that people write before a repository, whatever mirror is set.
    private static let hubNames = ["hf.co/", "huggingface.co/"]

    /// Reads what a person wrote.
    ///
    /// - Parameter hub: the hub's address; addresses of its repositories are taken for the repositories.
    init(_ text: String, hub: URL) throws(Fault) {
        let text = Self.hubNames.first(where: text.hasPrefix).map { String(text.dropFirst($0.count)) } ?? text
        guard text.contains("://") else {
            self = try Self.repository(text)
            return
        }
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), let host = url.host(), !host.isEmpty
        else {
            throw Fault(description: "'\(text.printable)' is no address. It looks like https://example.org/model.gguf")
        }
        guard ["http", "https"].contains(scheme) else {
            throw Fault(description: "'\(scheme.printable)' is not spoken here, only https and http.")
        }
        guard url.user() == nil, url.password() == nil else {
            throw Fault(description: "leave name and password out of the address: it is kept beside the model.")
        }
        let isOfHub = WebOrigin(url) == WebOrigin(hub) || ["hf.co", "huggingface.co"].contains(host.lowercased())
        if isOfHub, let found = Self.page(url, below: WebOrigin(url) == WebOrigin(hub) ? hub : nil) {
            self = found
        } else {
            self = .address(url)
        }
    }

    /// `organization/name`, `organization/name:Q4_K_M` or `organization/name:folder/file.gguf`.
    private static func repository(_ text: String) throws(Fault) -> PullSource {
        let fault = Fault(
            description:
                "'\(text.printable)' is nothing to pull. Give an address (https://…/model.gguf), or a repository of"
                + " the hub: organization/name, organization/name:Q4_K_M or organization/name:file.gguf"
        )
        let colon = text.firstIndex(of: ":")
        guard let name = try? ModelName(String(text[..<(colon ?? text.endIndex)])), let organization = name.organization
        else { throw fault }
        let selector = colon.map { String(text[text.index(after: $0)...]) }
        guard selector.map({ !$0.isEmpty && $0 == $0.printable }) ?? true else { throw fault }
        let usual = selector?.lowercased() == ModelName.standardTag
        return .repository(
            Repository(organization: organization, name: name.name),
            selector: usual ? nil : selector
        )
    }

    /// A page of the hub as what it shows: `/organization/name`, or a file below `/resolve/REVISION/` or `/blob/REVISION/`.
    private static func page(_ url: URL, below hub: URL?) -> PullSource? {
        var path = url.pathComponents.filter { $0 != "/" }
        let base = hub?.pathComponents.filter { $0 != "/" } ?? []
        guard path.starts(with: base) else { return nil }
        path.removeFirst(base.count)
        guard path.count == 2 || path.count >= 5, let name = try? ModelName(path[0] + "/" + path[1]),
            let organization = name.organization
        else { return nil }
        var repository = Repository(organization: organization, name: name.name)
        if path.count == 2 {
            // A file at the mirror's own address is one, and no repository.
            return ModelFileName(path[1]) == nil ? .repository(repository, selector: nil) : nil
        }
        guard ["resolve", "blob"].contains(path[2]) else { return nil }
        repository.revision = path[3]
        return .repository(repository, selector: path[4...].joined(separator: "/"))
    }
}

/// Scheme, host and port: what a secret is shown to, and nobody else.
struct WebOrigin: Hashable, Sendable {
    let scheme: String
    let host: String
    let port: Int

    init?(_ url: URL) {
        guard let scheme = url.scheme?.lowercased(), let host = url.host()?.lowercased() else { return nil }
        self.scheme = scheme
        self.host = host
        port = url.port ?? (scheme == "https" ? 443 : 80)
    }

    /// Whether nobody on the way can read along.
    var isPrivate: Bool { scheme == "https" || ["127.0.0.1", "::1", "localhost"].contains(host) }
}
