/// The template by which a model's file turns a conversation into a prompt.
///
/// The template is a program from a stranger, in the part of Jinja that published chat templates use. It is run with bounds on
/// time, memory and depth, and it reaches nothing but the conversation. The conversation comes from other strangers: what they
/// wrote is marked through every operation, and only what the template's author wrote can become control tokens.
public struct ChatTemplate: Sendable {
    /// A part of a prompt.
    public struct Segment: Hashable, Sendable {
        /// What the part says.
        public var text: String
        /// Whether the template's author wrote it, so that special tokens in it are meant; else it is from the conversation.
        public var isTrusted: Bool

        /// A part of a prompt.
        public init(text: String, isTrusted: Bool) {
            self.text = text
            self.isTrusted = isTrusted
        }
    }

    /// The longest template that is read, in bytes; the longest published ones have some 30,000.
    public static let sourceLimit = 1 << 20

    /// ChatML, for files that have no template.
    public static let chatML = """
        {% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\
        {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
        """

    /// How the model that goes with the template writes its answers.
    public let format: ChatFormat

    private let statements: [TemplateStatement]
    private let limits: TemplateInterpreter.Limits

    /// The template of a file, `tokenizer.chat_template`, or ChatML when it has none.
    public init(metadata: GGUFMetadata) throws(TemplateError) {
        if case .string(let source) = metadata["tokenizer.chat_template"] {
            try self.init(source: source)
        } else {
            try self.init(source: Self.chatML)
        }
    }

    /// A template from its Jinja text.
    public init(source: String) throws(TemplateError) {
        try self.init(source: source, limits: TemplateInterpreter.Limits())
    }

    init(source: String, limits: TemplateInterpreter.Limits) throws(TemplateError) {
        guard source.utf8.count <= Self.sourceLimit else { throw .overLimit(.source, line: 1) }
        statements = try TemplateParser.statements(of: source)
        format = ChatFormat(template: source)
        self.limits = limits
    }

    /// The prompt for a conversation, in parts that say who wrote them.
    ///
    /// - Parameter tools: the functions that the model may ask for, if its template knows tools.
    /// - Parameter addingGenerationPrompt: whether the prompt ends where the assistant is to speak.
    /// - Parameter thinking: what the template knows as `enable_thinking`; without it the template decides.
    /// - Parameter bos: what the template knows as `bos_token`.
    /// - Parameter eos: what the template knows as `eos_token`.
    /// - Parameter secondsSinceEpoch: the time in UTC for templates that tell the model the date; without it they take their
    ///   fallback, and the same conversation always gives the same prompt.
    public func render(
        _ turns: [ChatTurn],
        tools: [ChatTool] = [],
        addingGenerationPrompt: Bool,
        thinking: Bool? = nil,
        bos: String = "",
        eos: String = "",
        secondsSinceEpoch: Int64? = nil
    ) throws(TemplateError) -> [Segment] {
        var variables: [String: TemplateValue] = [
            "add_generation_prompt": .bool(addingGenerationPrompt),
            "bos_token": .text(bos),
            "eos_token": .text(eos),
        ]
        // What there is none of stays undefined: every published template takes that for none, and some fail on a none.
        if !tools.isEmpty { variables["tools"] = try ChatValues.tools(tools) }
        if let thinking { variables["enable_thinking"] = .bool(thinking) }
        let prompt = try prompt(turns, variables, secondsSinceEpoch)
        var segments: [Segment] = []
        var position = 0
        for range in prompt.untrusted {
            if position < range.lowerBound {
                segments.append(Segment(text: prompt[position..<range.lowerBound].string, isTrusted: true))
            }
            segments.append(Segment(text: prompt[range].string, isTrusted: false))
            position = range.upperBound
        }
        if position < prompt.count {
            segments.append(Segment(text: prompt[position..<prompt.count].string, isTrusted: true))
        }
        return segments
    }

    /// The token ids of the prompt for a conversation, with the begin-of-sequence token where the model wants it.
    ///
    /// A user who writes a control token gets the letters and not the token; where that does not happen, the ids are those of
    /// the prompt as one text.
    public func tokens(
        for turns: [ChatTurn],
        tools: [ChatTool] = [],
        addingGenerationPrompt: Bool,
        thinking: Bool? = nil,
        tokenizer: Tokenizer,
        secondsSinceEpoch: Int64? = nil
    ) throws(TemplateError) -> [TokenID] {
        let segments = try render(
            turns,
            tools: tools,
            addingGenerationPrompt: addingGenerationPrompt,
            thinking: thinking,
            tokenizer: tokenizer,
            secondsSinceEpoch: secondsSinceEpoch
        )
        return Self.tokens(of: segments, tokenizer: tokenizer)
    }

    /// The prompt and what its reader needs: the token ids, and a parser for the answer that begins where the prompt ends.
    func chatPrompt(
        for turns: [ChatTurn],
        tools: [ChatTool],
        thinking: Bool?,
        tokenizer: Tokenizer
    ) throws(TemplateError) -> ChatPrompt {
        let segments = try render(
            turns,
            tools: tools,
            addingGenerationPrompt: true,
            thinking: thinking,
            tokenizer: tokenizer
        )
        // Only the template's author can begin the thoughts.
        let end = segments.last.map { $0.isTrusted ? $0.text : "" } ?? ""
        return ChatPrompt(
            tokens: Self.tokens(of: segments, tokenizer: tokenizer),
            parser: ChatOutputParser(
                format: format,
                tools: tools.map(\.name),
                isThinking: format.isThinking(after: end)
            )
        )
    }

    private func render(
        _ turns: [ChatTurn],
        tools: [ChatTool],
        addingGenerationPrompt: Bool,
        thinking: Bool?,
        tokenizer: Tokenizer,
        secondsSinceEpoch: Int64? = nil
    ) throws(TemplateError) -> [Segment] {
        try render(
            turns,
            tools: tools,
            addingGenerationPrompt: addingGenerationPrompt,
            thinking: thinking,
            bos: tokenizer.text(of: tokenizer.bos),
            eos: tokenizer.text(of: tokenizer.eos),
            secondsSinceEpoch: secondsSinceEpoch
        )
    }

    private static func tokens(of segments: [Segment], tokenizer: Tokenizer) -> [TokenID] {
        var bytes: [UInt8] = []
        var trusted: [Range<Int>] = []
        for segment in segments {
            let start = bytes.count
            bytes += segment.text.utf8
            if segment.isTrusted { trusted.append(start..<bytes.count) }
        }
        let tokens = tokenizer.encode(bytes, trusted: trusted, addingBOS: false)
        // Most templates write the token themselves, and twice is not what the model was trained on.
        guard tokenizer.addsBOS, let bos = tokenizer.bos, tokens.first != bos else { return tokens }
        return [bos] + tokens
    }

    /// The text of the prompt.
    ///
    /// Templates differ in how they take the arguments of calls, as values or as JSON text, and in whether a turn that
    /// only calls has no content or an empty one. What fails in one form is tried in the next.
    private func prompt(
        _ turns: [ChatTurn],
        _ variables: [String: TemplateValue],
        _ now: Int64?
    ) throws(TemplateError) -> TemplateText {
        let forms = turns.contains { !$0.toolCalls.isEmpty } ? ChatValues.CallForm.allCases : [.plain]
        var failure: TemplateError?
        for form in forms {
            var variables = variables
            variables["messages"] = .list(TemplateList(try ChatValues.messages(turns, form)))
            var interpreter = TemplateInterpreter(variables: variables, now: now, limits: limits)
            do throws(TemplateError) {
                return try interpreter.run(statements)
            } catch .evaluation(let line, let cause) {
                failure = failure ?? .evaluation(line: line, cause: cause)
            }
        }
        throw failure ?? .evaluation(line: 1, cause: "no form of the conversation fits")
    }
}
