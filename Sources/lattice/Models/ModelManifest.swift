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
    var summary: ModelSummary

    private enum CodingKeys: String, CodingKey {
        case version, name, source, fingerprint, files, summary
        case pulledAt = "pulled_at"
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
    }
}
