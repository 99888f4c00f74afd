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
        self.limits = limits
    }

    /// The prompt for a conversation, in parts that say who wrote them.
    ///
    /// - Parameter addingGenerationPrompt: whether the prompt ends where the assistant is to speak.
    /// - Parameter bos: what the template knows as `bos_token`.
    /// - Parameter eos: what the template knows as `eos_token`.
    /// - Parameter secondsSinceEpoch: the time in UTC for templates that tell the model the date; without it they take their
    ///   fallback, and the same conversation always gives the same prompt.
    public func render(
        _ turns: [ChatTurn],
        addingGenerationPrompt: Bool,
        bos: String = "",
        eos: String = "",
        secondsSinceEpoch: Int64? = nil
    ) throws(TemplateError) -> [Segment] {
        let prompt = try prompt(turns, addingGenerationPrompt, bos, eos, secondsSinceEpoch)
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
        addingGenerationPrompt: Bool,
        tokenizer: Tokenizer,
        secondsSinceEpoch: Int64? = nil
    ) throws(TemplateError) -> [TokenID] {
        let segments = try render(
            turns,
            addingGenerationPrompt: addingGenerationPrompt,
            bos: tokenizer.text(of: tokenizer.bos),
            eos: tokenizer.text(of: tokenizer.eos),
            secondsSinceEpoch: secondsSinceEpoch
        )
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

    private func prompt(
        _ turns: [ChatTurn],
        _ addingGenerationPrompt: Bool,
        _ bos: String,
        _ eos: String,
        _ secondsSinceEpoch: Int64?
    ) throws(TemplateError) -> TemplateText {
        let messages = turns.map { turn in
            TemplateValue.mapping(
                TemplateMapping([
                    (.text("role"), .text(TemplateText(turn.role, isTrusted: false))),
                    (.text("content"), .text(TemplateText(turn.content, isTrusted: false))),
                ])
            )
        }
        // `tools` and `documents` stay undefined: every published template takes that for none, and some fail on a none.
        let variables: [String: TemplateValue] = [
            "messages": .list(TemplateList(messages)),
            "add_generation_prompt": .bool(addingGenerationPrompt),
            "bos_token": .text(bos),
            "eos_token": .text(eos),
        ]
        var interpreter = TemplateInterpreter(variables: variables, now: secondsSinceEpoch, limits: limits)
        return try interpreter.run(statements)
    }
}
