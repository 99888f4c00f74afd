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
        request = try body.request()
        streams = body.stream ?? false
        includesUsage = body.streamOptions?.includeUsage ?? false
        ignoredFields = body.ignoredFields
    }
}

/// The body as it is sent.
private struct ChatBody: Decodable {
    struct StreamOptions: Decodable {
        var includeUsage: Bool?

        enum CodingKeys: String, CodingKey {
            case includeUsage = "include_usage"
        }
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case model, messages, stream, temperature, stop, seed, n
        case streamOptions = "stream_options"
        case topP = "top_p"
        case topK = "top_k"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
    }

    var model: String
    var messages: [MessageBody]
    var stream: Bool?
    var streamOptions: StreamOptions?
    var temperature: Double?
    var topP: Double?
    var topK: Int?
    var maxTokens: Int?
    var maxCompletionTokens: Int?
    var stop: [String]
    var seed: UInt64?
    var n: Int?
    var ignoredFields: [String]

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        model = try fields.decode(String.self, forKey: .model)
        messages = try fields.decode([MessageBody].self, forKey: .messages)
        stream = try fields.decodeIfPresent(Bool.self, forKey: .stream)
        streamOptions = try fields.decodeIfPresent(StreamOptions.self, forKey: .streamOptions)
        temperature = try fields.number(Double.self, .temperature)
        topP = try fields.number(Double.self, .topP)
        topK = try fields.number(Int.self, .topK)
        maxTokens = try fields.number(Int.self, .maxTokens)
        maxCompletionTokens = try fields.number(Int.self, .maxCompletionTokens)
        n = try fields.number(Int.self, .n)
        stop = try fields.decodeIfPresent(StopBody.self, forKey: .stop)?.strings ?? []
        seed = try fields.number(SeedBody.self, .seed)?.value
        let known = Set(CodingKeys.allCases.map(\.rawValue))
        ignoredFields = try decoder.container(keyedBy: FieldName.self).allKeys
            .map(\.stringValue)
            .filter { !known.contains($0) && FieldName.isPlain($0) }
            .sorted()
            .prefix(ChatParameters.maximumIgnored)
            .map(\.self)
    }

    /// The request, once every range was checked.
    func request() throws(APIError) -> ChatRequest {
        guard !model.isEmpty else { throw .invalidRequest("'model' is empty.", param: "model") }
        guard !messages.isEmpty else {
            throw .invalidRequest("'messages' is empty; send at least one.", param: "messages")
        }
        guard n ?? 1 == 1 else {
            throw .invalidRequest("Only one answer for each request is possible: leave 'n' at 1.", param: "n")
        }
        let temperature = temperature ?? 1
        guard (0...2).contains(temperature) else {
            throw .invalidRequest("'temperature' must be from 0 to 2.", param: "temperature")
        }
        let topP = topP ?? 1
        guard (0...1).contains(topP) else { throw .invalidRequest("'top_p' must be from 0 to 1.", param: "top_p") }
        // llama.cpp's clients say -1 for "keep all".
        let topK = topK ?? 0
        guard topK >= -1 else { throw .invalidRequest("'top_k' must be 0 or more.", param: "top_k") }
        let limitName = maxCompletionTokens == nil ? "max_tokens" : "max_completion_tokens"
        let maxTokens = maxCompletionTokens ?? maxTokens
        guard maxTokens ?? 1 >= 1 else {
            throw .invalidRequest("'\(limitName)' must be 1 or more.", param: limitName)
        }
        guard stop.count <= 4 else { throw .invalidRequest("'stop' takes at most four strings.", param: "stop") }
        return ChatRequest(
            model: model,
            messages: messages.map { ChatMessage(role: $0.role, content: $0.content) },
            maxTokens: maxTokens,
            sampling: Sampling(temperature: temperature, topP: topP, topK: max(topK, 0), seed: seed),
            stop: stop.filter { !$0.isEmpty }
        )
    }
}

extension KeyedDecodingContainer {
    /// A number, or `nil` where it is absent; one that does not fit its type is named, which the decoder does not do.
    fileprivate func number<Number: Decodable>(_ type: Number.Type, _ key: Key) throws -> Number? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch let error as DecodingError {
            throw error
        } catch {
            // Foundation throws an error of its own here, and forgets the field on its way out.
            let name = key.stringValue
            throw APIError.invalidRequest("'\(name)' is not a number that can be read.", param: name)
        }
    }
}

/// One message: text, or parts of which each must be text.
private struct MessageBody: Decodable {
    struct Part: Decodable {
        var type: String
        var text: String?
    }

    enum CodingKeys: CodingKey {
        case role, content
    }

    var role: String
    var content: String

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let path = FieldName.path(decoder.codingPath)
        let sent = try fields.decode(String.self, forKey: .role)
        switch sent {
        case "system", "user", "assistant", "tool": role = sent
        case "developer": role = "system"
        default:
            throw APIError.invalidRequest(
                "'\(path).role' must be system, developer, user, assistant or tool.",
                param: "\(path).role"
            )
        }
        // An assistant's turn that only called tools has no text.
        let isAbsent = try !fields.contains(.content) || fields.decodeNil(forKey: .content)
        if isAbsent, role == "assistant" {
            content = ""
        } else if let text = try? fields.decode(String.self, forKey: .content) {
            content = text
        } else if var list = try? fields.nestedUnkeyedContainer(forKey: .content) {
            content = try Self.text(of: &list, path: path)
        } else {
            throw APIError.invalidRequest(
                "'\(path).content' must be a string or a list of text parts.",
                param: "\(path).content"
            )
        }
    }

    private static func text(of list: inout any UnkeyedDecodingContainer, path: String) throws -> String {
        var text = ""
        while !list.isAtEnd {
            let index = list.currentIndex
            let part = try list.decode(Part.self)
            guard part.type == "text", let partText = part.text else {
                throw APIError.invalidRequest(
                    "Part \(index) of '\(path).content' is not text; only parts of type 'text' can be read.",
                    param: "\(path).content[\(index)]"
                )
            }
            text += partText
        }
        return text
    }
}

/// A string or a list of strings.
private struct StopBody: Decodable {
    var strings: [String]

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let one = try? value.decode(String.self) {
            strings = [one]
        } else if let list = try? value.decode([String].self) {
            strings = list
        } else {
            throw APIError.invalidRequest("'stop' must be a string or a list of strings.", param: "stop")
        }
    }
}

/// A whole number of 64 bits, signed as OpenAI has it or unsigned.
private struct SeedBody: Decodable {
    var value: UInt64

    init(from decoder: any Decoder) throws {
        let number = try decoder.singleValueContainer()
        if let signed = try? number.decode(Int64.self) {
            value = UInt64(bitPattern: signed)
        } else {
            value = try number.decode(UInt64.self)
        }
    }
}

/// Any name of a field.
private struct FieldName: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        nil
    }

    /// Whether a name can stand in a header.
    static func isPlain(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// `messages[0].content` for a coding path.
    static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
    }
}

extension APIError {
    /// Names the field that does not fit; never repeats its value.
    fileprivate init(decoding error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            let path = FieldName.path(context.codingPath + [key])
            self = .invalidRequest("'\(path)' is required.", param: path)
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            let path = FieldName.path(context.codingPath)
            let wanted = Self.word(for: type)
            guard !path.isEmpty else {
                self = .invalidRequest("The body must be a JSON object.")
                return
            }
            self = .invalidRequest("'\(path)' must be \(wanted).", param: path)
        case .dataCorrupted(let context):
            let path = FieldName.path(context.codingPath)
            self =
                path.isEmpty
                ? .invalidRequest("The body is not valid JSON in UTF-8, or is nested too deeply.")
                : .invalidRequest("'\(path)' is out of range.", param: path)
        @unknown default:
            self = .invalidRequest("The body cannot be read.")
        }
    }

    private static func word(for type: any Any.Type) -> String {
        switch type {
        case is Bool.Type: "true or false"
        case is String.Type: "a string"
        case is Int.Type, is Int64.Type, is UInt64.Type: "a whole number"
        case is Double.Type: "a number"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
