import Inference

/// What sets one engine's API apart from the others'.
///
/// All of them stream answers from `/v1/chat/completions`; they differ in what they take beside OpenAI's fields, and in
/// how a prompt's tokens are counted. Sources: llama.cpp, tools/server/README.md; vLLM, OpenAI-Compatible Server and
/// Structured Outputs; Ollama, OpenAI compatibility.
struct Dialect: Hashable, Sendable {
    /// How many tokens a prompt has.
    enum Counting: Hashable, Sendable {
        /// llama.cpp: `/apply-template` writes the prompt as the chat endpoint does, and `/tokenize` counts it.
        case templateThenTokenize
        /// vLLM: `/tokenize` takes messages.
        case tokenizeMessages
        /// Not to be asked: an upper bound, from bytes.
        case bound
    }

    /// How sampling beyond OpenAI's fields is spelt; what an engine has no field for is left out.
    enum Sampling: Hashable, Sendable { case llamaCpp, vllm, openAI }

    /// How thinking is switched.
    enum Thinking: Hashable, Sendable {
        /// A variable of the chat template.
        case templateVariable
        /// `reasoning_effort`, `none` to switch it off.
        case effort
        case none
    }

    /// How a grammar in GBNF is passed.
    enum Grammar: Hashable, Sendable { case field, structuredOutputs, none }

    /// The engine's name in `EngineProfile`.
    var engine: String
    var counting: Counting
    var sampling: Sampling
    var thinking: Thinking
    var grammar: Grammar
    /// The member of a message that has an assistant's thoughts.
    var thoughtsMember: String?
    /// Whether `tool_choice` is understood; else an engine can neither be made to call nor kept from it.
    var choosesTools: Bool
    /// Whether log probabilities are left out unless at least one alternative is asked for.
    var needsTopLogprob: Bool

    /// llama.cpp's server.
    static let llamaCpp = Dialect(
        engine: "llama.cpp",
        counting: .templateThenTokenize,
        sampling: .llamaCpp,
        thinking: .templateVariable,
        grammar: .field,
        thoughtsMember: "reasoning_content",
        choosesTools: true,
        needsTopLogprob: true
    )

    /// vLLM from 0.11, where `structured_outputs` took the place of `guided_grammar`.
    static let vllm = Dialect(
        engine: "vllm",
        counting: .tokenizeMessages,
        sampling: .vllm,
        thinking: .templateVariable,
        grammar: .structuredOutputs,
        thoughtsMember: "reasoning",
        choosesTools: true,
        needsTopLogprob: false
    )

    /// Ollama with a model that thinks; others refuse the field.
    static let ollama = Dialect(
        engine: "ollama",
        counting: .bound,
        sampling: .openAI,
        thinking: .effort,
        grammar: .none,
        thoughtsMember: "reasoning",
        choosesTools: false,
        needsTopLogprob: false
    )

    /// What only speaks OpenAI's API.
    static let openAI = Dialect(
        engine: "openai",
        counting: .bound,
        sampling: .openAI,
        thinking: .none,
        grammar: .none,
        thoughtsMember: nil,
        choosesTools: true,
        needsTopLogprob: false
    )
}
