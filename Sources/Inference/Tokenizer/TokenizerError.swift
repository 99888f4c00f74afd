/// Why a file's metadata does not describe a tokenizer that this engine can run.
@nonexhaustive
public enum TokenizerError: Error, Hashable, Sendable {
    /// A key that the tokenizer cannot do without is absent or has another type.
    case missing(key: String)
    /// `tokenizer.ggml.model` names a kind of tokenizer other than `gpt2`, `llama` and `bert`.
    case unsupportedModel(String)
    /// `tokenizer.ggml.pre` names a pre-tokenizer that is not implemented; a near one would give wrong token ids.
    case unsupportedPreTokenizer(String)
    /// A list has more elements than any published vocabulary.
    case tooLong(key: String, count: Int, limit: Int)
    /// A list or an id does not fit the vocabulary.
    case inconsistent(key: String, cause: String)
}

extension TokenizerError: CustomStringConvertible {
    /// One sentence for the person who chose the file.
    public var description: String {
        switch self {
        case .missing(let key): "the file has no usable \(key)"
        case .unsupportedModel(let model):
            "tokenizers of the kind \"\(model)\" are not supported; gpt2, llama and bert are"
        case .unsupportedPreTokenizer(let name): "the pre-tokenizer \"\(name)\" is not supported"
        case .tooLong(let key, let count, let limit): "\(key) has \(count) elements, more than \(limit)"
        case .inconsistent(let key, let cause): "\(key) is inconsistent: \(cause)"
        }
    }
}
