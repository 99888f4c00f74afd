import AsyncHTTPClient
import Foundation
import Inference
import NIOCore
import NIOFoundationCompat

/// A hub of models, or a mirror that speaks its API.
///
/// `/api/models/ORGANIZATION/NAME/tree/REVISION` lists files, `/ORGANIZATION/NAME/resolve/REVISION/FILE` gives one.
struct Hub: Sendable {
    let url: URL
    let secret: Web.Secret?
    let web: Web

    /// A file of a repository.
    struct File: Sendable {
        let path: String
        let size: Int
        let sha256: String?
    }

    /// The files of one model in a repository.
    struct Choice: Sendable {
        let name: ModelFileName
        /// In order.
        let files: [File]

        var size: Int { files.reduce(0) { $0 + $1.size } }
        var quantization: Quantization? { name.quantization.flatMap { Quantization($0) } }
    }

    /// Why a repository gives no model.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// The most bytes of one page of a listing.
    private static let pageLimit = 16 << 20
    /// The most pages of a listing, of a thousand files each.
    private static let pageCount = 20
    /// How many choices a message lists.
    private static let shownChoices = 24

    /// The address of a file.
    func address(of path: String, in repository: PullSource.Repository) -> URL {
        [repository.organization, repository.name, "resolve", repository.revision].reduce(url) {
            $0.appending(path: $1)
        }
        .appending(path: path)
    }

    /// The model that `selector` means, or the usual one of the repository.
    func choose(_ selector: String?, in repository: PullSource.Repository) async throws -> Choice {
        let choices = Self.choices(try await files(of: repository))
        guard !choices.isEmpty else {
            throw Fault(description: "\(repository) has no GGUF file. Look for a repository whose name ends in -GGUF.")
        }
        guard let selector else {
            let best = choices.min { Self.rank($0) < Self.rank($1) }
            guard let best, best.quantization?.isSupported ?? true else {
                throw Fault(
                    description: "none of the files of \(repository) can be run here:\n"
                        + Self.list(choices, repository)
                )
            }
            return best
        }
        let wanted = selector.lowercased()
        let found =
            choices.first { $0.files.contains { $0.path.lowercased() == wanted } }
            ?? choices.first { choice in choice.files.contains { $0.path.lowercased().hasSuffix("/" + wanted) } }
            ?? choices.filter { $0.name.quantization?.lowercased() == wanted }.min { Self.rank($0) < Self.rank($1) }
        guard let found else {
            throw Fault(
                description: "\(repository) has no '\(selector.printable)'. It has:\n" + Self.list(choices, repository)
            )
        }
        guard found.quantization?.isSupported ?? true else {
            throw Fault(
                description:
                    "weights stored as \(found.name.quantization ?? "") cannot be run here. \(repository) has:\n"
                    + Self.list(choices.filter { $0.quantization?.isSupported ?? true }, repository)
            )
        }
        return found
    }

    /// All files of a repository.
    private func files(of repository: PullSource.Repository) async throws -> [File] {
        struct Entry: Decodable {
            struct LFS: Decodable {
                var oid: String
                var size: Int?
            }
            var type: String
            var path: String
            var size: Int?
            var lfs: LFS?
        }
        let tree = ["api", "models", repository.organization, repository.name, "tree", repository.revision]
        var next: URL? = tree.reduce(url) { $0.appending(path: $1) }
            .appending(queryItems: [URLQueryItem(name: "recursive", value: "true")])
        var files: [File] = []
        for _ in 0..<Self.pageCount {
            guard let page = next else { break }
            let answer = try await web.get(page, secret: secret)
            try check(answer, repository)
            let entries: [Entry]
            do {
                let body = try await answer.response.body.collect(upTo: Self.pageLimit)
                entries = try JSONDecoder().decode([Entry].self, from: Data(buffer: body))
            } catch let error as DecodingError {
                throw Fault(
                    description: "\(page.shown) does not speak a hub's API (\(error.short)). Is LATTICE_HUB right?"
                )
            }
            files += entries.filter { $0.type == "file" }.map {
                File(
                    path: $0.path,
                    // No listing makes a sum of sizes overflow.
                    size: min(max($0.lfs?.size ?? $0.size ?? 0, 0), 1 << 50),
                    sha256: $0.lfs.flatMap { SHA256Text($0.oid)?.text }
                )
            }
            next = Self.next(answer)
        }
        return files
    }

    private func check(_ answer: Web.Answer, _ repository: PullSource.Repository) throws {
        switch answer.status {
        case 200: return
        case 401, 403, 404:
            // Hubs hide what is private behind the same answer as what does not exist.
            let advice =
                secret == nil
                ? "Check the name; for a private or gated model set HF_TOKEN to a token of an account that may read it."
                : "Check the name, and that the account of HF_TOKEN may read it (\(url.appending(path: "\(repository)").shown))."
            throw Fault(
                description:
                    "\(url.hostShown) has no repository \(repository), or does not show it to everybody. \(advice)"
            )
        default: throw RetryAfter.fault(answer)
        }
    }

    /// The next page by the answer's `Link` header, if it is the same server's.
    private static func next(_ answer: Web.Answer) -> URL? {
        guard let link = answer.header("link")?.split(separator: ",").first(where: { $0.contains("rel=\"next\"") }),
            let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"), start < end,
            let url = URL(string: String(link[link.index(after: start)..<end]), relativeTo: answer.url)?.absoluteURL,
            WebOrigin(url) == WebOrigin(answer.url)
        else { return nil }
        return url
    }

    /// Models among files: those of a split together, and what is only a part of a model left out.
    static func choices(_ files: [File]) -> [Choice] {
        let byPath = Dictionary(files.map { ($0.path, $0) }) { first, _ in first }
        return files.compactMap { file -> Choice? in
            let folder = file.path.lastIndex(of: "/").map { String(file.path[...$0]) } ?? ""
            guard let name = ModelFileName(String(file.path.dropFirst(folder.count))), name.number == 1,
                !["mmproj", "imatrix"].contains(where: name.file.lowercased().contains)
            else { return nil }
            let parts = name.files.compactMap { byPath[folder + $0] }
            return parts.count == name.count ? Choice(name: name, files: parts) : nil
        }
    }

    private static func rank(_ choice: Choice) -> (Int, Int, String) {
        (choice.quantization?.preference ?? 50, choice.name.file.count, choice.files[0].path)
    }

    private static func list(_ choices: [Choice], _ repository: PullSource.Repository) -> String {
        let rows = choices.prefix(shownChoices).map { choice in
            let unambiguous = choices.filter { $0.name.quantization == choice.name.quantization }.count == 1
            let selector = (unambiguous ? choice.name.quantization : nil) ?? choice.files[0].path
            return "  \(repository):\(selector.printable)  \(ByteText.of(choice.size))"
        }
        return rows.joined(separator: "\n") + (choices.count > shownChoices ? "\n  …" : "")
    }
}

/// A SHA-256 as 64 hexadecimal digits in lower case.
struct SHA256Text: Hashable, Sendable {
    let text: String

    /// Reads the digits, in either case, also behind `sha256:`; `nil` if they are none.
    init?(_ text: String) {
        let digits = (text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text).lowercased()
        guard digits.utf8.count == 64, digits.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else {
            return nil
        }
        self.text = digits
    }
}

extension DecodingError {
    /// What was wrong, in a few words.
    var short: String {
        switch self {
        case .keyNotFound(let key, _): return "it has no '\(key.stringValue)'"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return (path.isEmpty ? "" : "\(path): ") + context.debugDescription
        @unknown default: return "unreadable"
        }
    }
}
