import Foundation
import Inference

/// What the store knows of a model that was pulled; written last, so that a model with a manifest is whole.
struct ModelManifest: Codable, Sendable {
    /// A file of the model.
    struct File: Codable, Sendable, Hashable {
        var name: String
        /// Where it came from.
        var source: String
        var size: Int
        /// Of its bytes, in hexadecimal.
        var sha256: String
    }

    /// The version of the manifest's form.
    static let version = 1
    static let fileName = "manifest.json"

    var version = Self.version
    var name: String
    /// What was pulled, as it was asked for.
    var source: String
    /// In ISO 8601.
    var pulledAt: String
    /// The SHA-256 that stands for the model: of its file, or of its files one after the other.
    var fingerprint: String
    /// In order.
    var files: [File]
    /// What the file said of itself to the program of `summarizedBy`.
    var summary: ModelSummary?
    /// The version of the program that made the summary; another one may understand more.
    var summarizedBy: String?

    private enum CodingKeys: String, CodingKey {
        case version, name, source, fingerprint, files, summary
        case pulledAt = "pulled_at"
        case summarizedBy = "summarized_by"
    }

    /// The manifest in a folder; `nil` where there is none that can be read.
    init?(in folder: String) {
        guard let data = FileManager.default.contents(atPath: folder + "/" + Self.fileName),
            let manifest = try? JSONDecoder().decode(ModelManifest.self, from: data),
            manifest.version == Self.version, !manifest.files.isEmpty,
            // Names from a file are not to lead out of the folder.
            manifest.files.allSatisfy({ ModelFileName($0.name) != nil })
        else { return nil }
        self = manifest
    }

    init(name: String, source: String, pulledAt: String, fingerprint: String, files: [File], summary: ModelSummary) {
        self.name = name
        self.source = source
        self.pulledAt = pulledAt
        self.fingerprint = fingerprint
        self.files = files
        self.summary = summary
        summarizedBy = Build.version
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        name = try container.decode(String.self, forKey: .name)
        source = try container.decode(String.self, forKey: .source)
        pulledAt = try container.decode(String.self, forKey: .pulledAt)
        fingerprint = try container.decode(String.self, forKey: .fingerprint)
        files = try container.decode([File].self, forKey: .files)
        // A summary of another form is made again, and is no reason not to find the model.
        summary = try? container.decode(ModelSummary.self, forKey: .summary)
        summarizedBy = try container.decodeIfPresent(String.self, forKey: .summarizedBy)
    }

    /// The bytes of all files.
    var size: Int { files.reduce(0) { $0 + $1.size } }
}
