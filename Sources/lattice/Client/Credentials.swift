import Foundation

/// Where this person's programs find Nexus, and the key they show it.
struct Credentials: Codable, Sendable {
    var baseURL: String
    var apiKey: String

    enum CodingKeys: String, CodingKey {
        case baseURL = "base_url"
        case apiKey = "api_key"
    }

    private static let file = "client.json"

    /// What an earlier start wrote, or `nil`.
    static func load(from folder: DataFolder) -> Credentials? {
        guard let data = FileManager.default.contents(atPath: folder.file(file)) else { return nil }
        return try? JSONDecoder().decode(Credentials.self, from: data)
    }

    /// Writes them where only the owner can read them.
    func save(in folder: DataFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
        try folder.write([UInt8](try encoder.encode(self)), to: Self.file)
    }

    /// The credentials to use: flags and environment first, `OPENAI_*` as other clients have it, then the file.
    static func find(settings: Settings, environment: [String: String]) throws -> Credentials {
        let stored = load(from: try DataFolder(settings.text("data.dir", default: DataFolder.standardPath)))
        let base = settings.text("base.url") ?? environment["OPENAI_BASE_URL"] ?? stored?.baseURL
        let key = settings.text("api.key") ?? environment["OPENAI_API_KEY"] ?? stored?.apiKey
        guard let base, let key else {
            throw Settings.Fault(
                description:
                    "no Nexus is known here. Start one with 'lattice up', or name one with --base-url and --api-key"
                    + " (LATTICE_BASE_URL, LATTICE_API_KEY)."
            )
        }
        return Credentials(baseURL: base, apiKey: key)
    }
}
