/// A prompt for the model's next turn, with what its answer is read by.
public struct ChatPrompt: Sendable {
    /// The token ids, for `GenerationRequest`.
    public var tokens: [TokenID]
    /// Splits the answer into thoughts, text and tool calls; begins inside the thoughts where the prompt does.
    public var parser: ChatOutputParser

    /// A prompt and its answer's parser.
    public init(tokens: [TokenID], parser: ChatOutputParser) {
        self.tokens = tokens
        self.parser = parser
    }
}
