import Foundation
import Inference

/// A prompt with its token ids, by llama.cpp.
struct TokenGolden: Decodable {
    struct Message: Decodable {
        var role: String
        var content: String
    }

    /// The conversation, where the prompt is a rendered one.
    var messages: [Message]?
    var prompt: String
    var tokens: [TokenID]

    private struct File: Decodable {
        var cases: [TokenGolden]
    }

    /// The cases of a file, with or without a head.
    static func read(_ url: URL) throws -> [TokenGolden] {
        let data = try Data(contentsOf: url)
        if let file = try? JSONDecoder().decode(File.self, from: data) { return file.cases }
        return try JSONDecoder().decode([TokenGolden].self, from: data)
    }
}
