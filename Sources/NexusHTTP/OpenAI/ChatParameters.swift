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
    /// Fields that were sent and have no effect, in the order of their names; at most ``FieldName/maximumIgnored``.
    var ignoredFields: [String]

    /// Reads a body.
    ///
    /// Unknown fields are let through; a known field of the wrong type or out of range is an error that names it.
    init(json: Data) throws(APIError) {
        let body = try ChatBody(body: json)
        request = try body.request(json: json)
        streams = body.stream ?? false
        includesUsage = body.streamOptions?.includeUsage ?? false
        ignoredFields = body.ignoredFields
    }
}
