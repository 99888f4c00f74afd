internal import FoundationEssentials
internal import Nexus

/// What the body of `POST /v1/chat/completions` asks for.
struct ChatParameters: Sendable {
    /// What goes to Nexus.
    var request: ChatRequest
    /// Whether the answer is wanted token by token.
    var streams: Bool
    /// Whether the last chunk carries the usage.
    var includesUsage: Bool
    /// Fields that were sent and have no effect, in the order of their names; at most ``maximumIgnored``.
    var ignoredFields: [String]

    /// More names than this are not listed, so that a header stays a header.
    static let maximumIgnored = 20

    /// Reads a body.
    ///
    /// Unknown fields are let through; a known field of the wrong type or out of range is an error that names it.
    init(json: Data) throws(APIError) {
        let body: ChatBody
        do {
            body = try JSONDecoder().decode(ChatBody.self, from: json)
        } catch let error as DecodingError {
            throw APIError(decoding: error)
        } catch let error as APIError {
            throw error
        } catch {
            throw .invalidRequest("The body is not valid JSON.")
        }
        request = try body.request(json: json)
        streams = body.stream ?? false
        includesUsage = body.streamOptions?.includeUsage ?? false
        ignoredFields = body.ignoredFields
    }
}
