/// How the answers of a model are written: where it thinks, and how it asks for tools.
///
/// Chosen by what the model's chat template contains, since that is what the model was trained to continue.
public struct ChatFormat: Hashable, Sendable {
    /// A way to write tool calls.
    public enum ToolSyntax: String, Hashable, Sendable, CaseIterable {
        /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>`: Hermes, Qwen 2.5 and 3.
        case hermes
        /// `{"name": …, "parameters": {…}}` as the whole answer, or after `<|python_tag|>`: Llama 3.
        case llama3
        /// `[TOOL_CALLS][{"name": …, "arguments": {…}}]`, or `[TOOL_CALLS]name[ARGS]{…}`: Mistral.
        case mistral
        /// `<｜tool▁call▁begin｜>function<｜tool▁sep｜>name`, then JSON in a fence: DeepSeek R1 and V3.
        case deepSeek
    }

    /// What stands before and after the thoughts, if the model thinks aloud.
    public var thinking: Thinking?
    /// How tools are called, if the template knows tools.
    public var tools: ToolSyntax?

    /// The marks around a model's thoughts.
    public struct Thinking: Hashable, Sendable {
        /// What stands before.
        public var open: String
        /// What stands after.
        public var close: String

        /// Marks around thoughts.
        public init(open: String, close: String) {
            self.open = open
            self.close = close
        }
    }

    /// A format; by default plain text.
    public init(thinking: Thinking? = nil, tools: ToolSyntax? = nil) {
        self.thinking = thinking
        self.tools = tools
    }

    /// The format of a model with this chat template.
    public init(template source: String) {
        if source.contains("<think>") || source.contains("</think>") {
            thinking = Thinking(open: "<think>", close: "</think>")
        } else if source.contains("[THINK]") {
            thinking = Thinking(open: "[THINK]", close: "[/THINK]")
        } else {
            thinking = nil
        }
        if source.contains("<｜tool▁call") {
            tools = .deepSeek
        } else if source.contains("<tool_call>") {
            tools = .hermes
        } else if source.contains("[TOOL_CALLS]") {
            tools = .mistral
        } else if source.contains("<|start_header_id|>"),
            source.contains("ipython") || source.contains("<|python_tag|>")
        {
            tools = .llama3
        } else {
            tools = nil
        }
    }

    /// Whether a prompt that ends so has begun the thoughts already, as R1's does.
    func isThinking(after prompt: String) -> Bool {
        guard let thinking else { return false }
        let end = prompt.utf8.lastIndex { !$0.isSpace }.map { prompt.utf8[...$0] } ?? prompt.utf8[...]
        return end.suffix(thinking.open.utf8.count).elementsEqual(thinking.open.utf8)
    }

    /// Control tokens by which models write their thoughts and calls: part of an answer's text, unlike other control tokens.
    static let marks: Set<String> = [
        "<think>", "</think>", "[THINK]", "[/THINK]", "<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]",
        "[ARGS]", "[CALL_ID]", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>",
        "<｜tool▁call▁end｜>", "<｜tool▁sep｜>",
    ]
}

extension UInt8 {
    /// Whether it is white space in JSON, which is all that models put around marks.
    var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
