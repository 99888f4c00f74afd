internal import FoundationEssentials
internal import Nexus

/// What the body of `POST /v1/embeddings` asks for.
struct EmbeddingParameters: Sendable {
    /// What goes to Nexus.
    var request: EmbedRequest
    /// Whether vectors are wanted as base64 of their bytes, which is what OpenAI's Python client asks for.
    var isBase64: Bool
    /// Fields that were sent and have no effect.
    var ignoredFields: [String]

    private struct Body: Decodable {
        enum CodingKeys: String, CodingKey, CaseIterable {
            case model, input, dimensions
            case encodingFormat = "encoding_format"
        }

        var model: String
        var input: [String]
        var encodingFormat: String
        var dimensions: Int?
        var ignoredFields: [String]

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            model = try fields.decode(String.self, forKey: .model)
            if let one = try? fields.decode(String.self, forKey: .input) {
                input = [one]
            } else if let list = try? fields.decode([String].self, forKey: .input) {
                input = list
            } else {
                throw APIError.invalidRequest(
                    "'input' must be a string or a list of strings; token numbers cannot be read.",
                    param: "input"
                )
            }
            encodingFormat = try fields.decodeIfPresent(String.self, forKey: .encodingFormat) ?? "float"
            dimensions = try fields.number(Int.self, .dimensions)
            let known = Set(CodingKeys.allCases.map(\.rawValue))
            ignoredFields = try FieldName.ignored(by: known, in: decoder)
        }
    }

    /// Reads a body; a field that does not fit is an error that names it.
    init(json: Data) throws(APIError) {
        let body = try Body(body: json)
        guard !body.model.isEmpty else { throw .invalidRequest("'model' is empty.", param: "model") }
        guard !body.input.isEmpty else { throw .invalidRequest("'input' is empty.", param: "input") }
        guard ["float", "base64"].contains(body.encodingFormat) else {
            throw .invalidRequest("'encoding_format' must be float or base64.", param: "encoding_format")
        }
        request = EmbedRequest(model: body.model, texts: body.input, dimensions: body.dimensions)
        isBase64 = body.encodingFormat == "base64"
        ignoredFields = body.ignoredFields
    }
}
