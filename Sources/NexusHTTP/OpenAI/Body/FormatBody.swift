internal import FoundationEssentials
internal import Nexus

/// `response_format`: what the answer is kept to.
struct FormatBody: Decodable {
    struct Named: Decodable {
        var schema: AnObject?
    }

    enum CodingKeys: String, CodingKey {
        case type, schema
        case jsonSchema = "json_schema"
    }

    var type: String
    /// As OpenAI has it.
    var jsonSchema: Named?
    /// As llama.cpp has it, beside `json_object` too.
    var schema: AnObject?

    /// The format, with a schema as it was written in `body`.
    func format(in body: Data) throws(APIError) -> ResponseFormat {
        switch type {
        case "text": return .text
        case "json_object" where schema == nil: return .jsonObject
        case "json_object", "json_schema":
            let field = jsonSchema == nil ? "response_format.schema" : "response_format.json_schema.schema"
            guard schema != nil || jsonSchema?.schema != nil else {
                throw .invalidRequest(
                    "'response_format.json_schema.schema' is required.",
                    param: "response_format.json_schema.schema"
                )
            }
            let raw = RawJSON(body)["response_format"]
            guard let text = raw?["json_schema"]?["schema"]?.text ?? raw?["schema"]?.text else {
                throw .invalidRequest("'\(field)' cannot be read.", param: field)
            }
            return .jsonSchema(text)
        default:
            throw .invalidRequest(
                "'response_format.type' must be text, json_object or json_schema.",
                param: "response_format.type"
            )
        }
    }
}
