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
    static func load(from folder: String) -> Credentials? {
        guard let data = FileManager.default.contents(atPath: folder + "/" + file) else { return nil }
        return try? JSONDecoder().decode(Credentials.self, from: data)
    }

    /// Writes them where only the owner can read them.
    func save(in folder: DataFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
        try folder.write([UInt8](try encoder.encode(self)), to: Self.file)
    }

    /// The credentials to use: flags and `LATTICE_*` first, then what `lattice up` wrote.
    ///
    /// `OPENAI_*` counts only as a pair, as other clients have it: a key for another service alone must not be shown here.
    static func find(settings: Settings, environment: [String: String]) throws -> Credentials {
        let openAI = environment["OPENAI_BASE_URL"].flatMap { base in
            environment["OPENAI_API_KEY"].map { Credentials(baseURL: base, apiKey: $0) }
        }
        let stored = openAI ?? load(from: settings.text("data.dir", default: DataFolder.standardPath))
        let base = settings.text("base.url") ?? stored?.baseURL
        let key = settings.text("api.key") ?? stored?.apiKey
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
