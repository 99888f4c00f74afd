/// Why a model cannot be loaded or a conversation cannot be made into a prompt for it.
public enum ModelError: Error, Hashable, CustomStringConvertible {
    /// The file is damaged, or does not fit.
    case file(GGUFError)
    /// The model needs something that this engine does not have.
    case unsupported(file: String, feature: String)
    /// The vocabulary cannot be used.
    case tokenizer(TokenizerError)
    /// The chat template cannot be read, or refuses the conversation; the text says why.
    case template(String)
    /// The system has not got this much memory.
    case outOfMemory(bytes: Int)
    /// The system refuses to start threads.
    case noThreads
    /// The model computes nothing but infinities and what is not a number.
    case notFinite
    /// An answer's grammar cannot go on with this model; the text says why.
    case grammar(String)

    /// The sentence for a person: what failed, and what to do next.
    public var description: String {
        switch self {
        case .file(let error): error.description
        case .unsupported(let file, let feature): "\(file): \(feature) is not supported; choose another model"
        case .tokenizer(let error): error.description
        case .template(let reason): "chat template: \(reason)"
        case .outOfMemory(let bytes): "no \(bytes >> 20) MB of memory left; choose a smaller model or context"
        case .noThreads: "the system starts no more threads; lower the thread count or raise the limit"
        case .notFinite: "the model computes no finite number; its file is damaged, fetch it again"
        case .grammar(let reason): "the grammar cannot be followed: \(reason)"
        }
    }
}
