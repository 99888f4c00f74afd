import Inference

/// The name of a model in the store: `name:tag`, or `organization/name:tag`.
///
/// Names become folders, so they are made of letters, digits, `.`, `_` and `-` alone, and no part begins with a dot.
struct ModelName: Hashable, Sendable, CustomStringConvertible {
    /// The tag of what was pulled without one.
    static let standardTag = "latest"
    /// The most characters of a part; hubs allow 96.
    private static let partLimit = 96
    /// The most characters of a name, so that it fits the name of a folder.
    private static let limit = 200

    let organization: String?
    let name: String
    /// The variant, by habit the quantisation; `nil` where it was left open.
    let tag: String?

    /// A text that is no name of a model.
    struct Fault: Error, CustomStringConvertible {
        let text: String

        var description: String {
            "'\(text.printable)' is no name of a model: it looks like name:tag or organization/name:tag, of letters, digits,"
                + " '.', '_' and '-'."
        }
    }

    init(_ text: String) throws(Fault) {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.limit, halves.count <= 2, parts.count <= 2,
            (parts + halves.dropFirst()).allSatisfy(Self.isPart)
        else { throw Fault(text: text) }
        organization = parts.count == 2 ? String(parts[0]) : nil
        name = String(parts[parts.count - 1])
        tag = halves.count == 2 ? String(halves[1]) : nil
    }

    private init(organization: String?, name: String, tag: String?) {
        self.organization = organization
        self.name = name
        self.tag = tag
    }

    /// The name that a model is kept under: this one, with the usual tag where none was given.
    var complete: ModelName { ModelName(organization: organization, name: name, tag: tag ?? Self.standardTag) }

    /// The name without its tag.
    var family: ModelName { ModelName(organization: organization, name: name, tag: nil) }

    /// The name with another tag.
    func tagged(_ tag: String) -> ModelName { ModelName(organization: organization, name: name, tag: tag) }

    var description: String { (organization.map { $0 + "/" } ?? "") + name + (tag.map { ":" + $0 } ?? "") }

    /// The name of its folder: the parts, joined by a character that no part has.
    var folder: String { ([organization, name, tag ?? Self.standardTag].compactMap { $0 }).joined(separator: "+") }

    /// Whether two names are the same but for the case of their letters.
    func isLike(_ other: ModelName) -> Bool { description.lowercased() == other.description.lowercased() }

    private static func isPart(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= partLimit, first.isLetterOrDigit else { return false }
        return text.utf8.allSatisfy { $0.isLetterOrDigit || "._-".utf8.contains($0) }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
