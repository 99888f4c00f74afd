internal import FoundationEssentials
internal import Nexus

/// The body of `POST /v1/chat/completions` as it is sent.
struct ChatBody: Decodable {
    struct StreamOptions: Decodable {
        var includeUsage: Bool?

        enum CodingKeys: String, CodingKey {
            case includeUsage = "include_usage"
        }
    }

    /// What is asked beyond OpenAI's fields.
    struct Lattice: Decodable {
        var receipt: Bool?
    }

    /// Variables of the chat template, of which one is known here.
    struct TemplateVariables: Decodable {
        var enableThinking: Bool?

        enum CodingKeys: String, CodingKey {
            case enableThinking = "enable_thinking"
        }
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case model, messages, stream, stop, n, tools, grammar, lattice
        case streamOptions = "stream_options"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case toolChoice = "tool_choice"
        case parallelToolCalls = "parallel_tool_calls"
        case responseFormat = "response_format"
        case reasoningEffort = "reasoning_effort"
        case templateVariables = "chat_template_kwargs"
    }

    private var model: String
    private var messages: [MessageBody]
    private(set) var stream: Bool?
    private(set) var streamOptions: StreamOptions?
    private var sampling: SamplingBody
    private var maxTokens: Int?
    private var maxCompletionTokens: Int?
    private var stop: [String]
    private var n: Int?
    private var tools: [ToolBody]
    private var toolChoice: ToolChoice
    private var responseFormat: FormatBody?
    private var grammar: String?
    private var reasoningEffort: String?
    private var templateVariables: TemplateVariables?
    private var lattice: Lattice?
    private(set) var ignoredFields: [String]

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        model = try fields.decode(String.self, forKey: .model)
        messages = try fields.decode([MessageBody].self, forKey: .messages)
        stream = try fields.decodeIfPresent(Bool.self, forKey: .stream)
        streamOptions = try fields.decodeIfPresent(StreamOptions.self, forKey: .streamOptions)
        sampling = try SamplingBody(from: decoder)
        maxTokens = try fields.number(Int.self, .maxTokens)
        maxCompletionTokens = try fields.number(Int.self, .maxCompletionTokens)
        n = try fields.number(Int.self, .n)
        stop = try fields.decodeIfPresent(StopBody.self, forKey: .stop)?.strings ?? []
        tools = try fields.decodeIfPresent([ToolBody].self, forKey: .tools) ?? []
        toolChoice = try fields.decodeIfPresent(ToolChoiceBody.self, forKey: .toolChoice)?.choice ?? .auto
        responseFormat = try fields.decodeIfPresent(FormatBody.self, forKey: .responseFormat)
        grammar = try fields.decodeIfPresent(String.self, forKey: .grammar)
        reasoningEffort = try fields.decodeIfPresent(String.self, forKey: .reasoningEffort)
        templateVariables = try fields.decodeIfPresent(TemplateVariables.self, forKey: .templateVariables)
        lattice = try fields.decodeIfPresent(Lattice.self, forKey: .lattice)
        var known = Set(CodingKeys.allCases.map(\.rawValue) + SamplingBody.CodingKeys.allCases.map(\.rawValue))
        // Models call as many tools as they please, so that only a wish for one at a time goes unheard.
        if try fields.decodeIfPresent(Bool.self, forKey: .parallelToolCalls) == false {
            known.remove(CodingKeys.parallelToolCalls.rawValue)
        }
        if templateVariables?.enableThinking == nil { known.remove(CodingKeys.templateVariables.rawValue) }
        ignoredFields = try FieldName.ignored(by: known, in: decoder)
    }

    /// The request, once every range was checked.
    ///
    /// - Parameter json: the body, in which schemas are as they were written.
    func request(json: Data) throws(APIError) -> ChatRequest {
        guard !model.isEmpty else { throw .invalidRequest("'model' is empty.", param: "model") }
        guard !messages.isEmpty else {
            throw .invalidRequest("'messages' is empty; send at least one.", param: "messages")
        }
        guard n ?? 1 == 1 else {
            throw .invalidRequest("Only one answer for each request is possible: leave 'n' at 1.", param: "n")
        }
        let limitName = maxCompletionTokens == nil ? "max_tokens" : "max_completion_tokens"
        let maxTokens = maxCompletionTokens ?? maxTokens
        guard maxTokens ?? 1 >= 1 else {
            throw .invalidRequest("'\(limitName)' must be 1 or more.", param: limitName)
        }
        guard stop.count <= 4 else { throw .invalidRequest("'stop' takes at most four strings.", param: "stop") }
        if tools.isEmpty, toolChoice != .auto, toolChoice != .none {
            throw .invalidRequest("'tool_choice' asks for a tool, and 'tools' has none.", param: "tool_choice")
        }
        if case .function(let name) = toolChoice, !tools.contains(where: { $0.function.name == name }) {
            throw .invalidRequest("'tool_choice' names a function that is not in 'tools'.", param: "tool_choice")
        }
        return ChatRequest(
            model: model,
            messages: messages.map(\.message).namingTools(),
            maxTokens: maxTokens,
            sampling: try sampling.sampling(),
            stop: stop.filter { !$0.isEmpty },
            tools: try ToolBody.tools(tools, in: json),
            toolChoice: toolChoice,
            format: try format(json: json),
            thinking: try thinking(),
            wantsReceipt: lattice?.receipt ?? false
        )
    }

    private func format(json: Data) throws(APIError) -> ResponseFormat {
        let format = try responseFormat?.format(in: json) ?? .text
        guard let grammar, !grammar.isEmpty else { return format }
        guard format == .text else {
            throw .invalidRequest("Either 'grammar' or 'response_format' is possible.", param: "grammar")
        }
        return .gbnf(grammar)
    }

    private func thinking() throws(APIError) -> Bool? {
        if let wanted = templateVariables?.enableThinking { return wanted }
        switch reasoningEffort {
        case nil: return nil
        case "none", "minimal": return false
        case "low", "medium", "high", "xhigh": return true
        default:
            throw .invalidRequest(
                "'reasoning_effort' must be none, minimal, low, medium, high or xhigh.",
                param: "reasoning_effort"
            )
        }
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
