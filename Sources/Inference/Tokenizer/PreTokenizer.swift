/// Cuts text into the pieces within which byte pairs are merged.
///
/// Each published expression is a scanner written by hand: it looks at every character a bounded number of times, which an
/// engine that backtracks does not promise. Scanners work on UTF-8 and cut only between characters.
struct PreTokenizer: Sendable {
    /// One pass over the text; later passes cut the pieces of earlier ones.
    enum Pass: Sendable {
        /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
        /// where `\p{L}` takes in `\p{M}` for some.
        case words(digits: Int, marksAreLetters: Bool = false)
        /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
        case gpt2
        /// Words as above with single digits, cut where a capital follows small letters, and marks with `/` behind them:
        /// `[^\r\n\p{L}\p{N}]?U*S+|[^\r\n\p{L}\p{N}]?U+S*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|…` where U is a letter but
        /// `[a-z]` and S a letter but `[A-Z]`.
        case casedWords
        /// `\p{N}`, the rest between.
        case singleNumbers
        /// `[0-9][0-9][0-9]`, the rest between.
        case tripleDigits
        /// `\p{N}+`, the rest between.
        case numberRuns
        /// `[\p{P}\$\+<=>\^~\|]+`, the rest between.
        case punctuationRuns
        /// `[\r\n]`, the rest between.
        case singleNewlines
        /// `\s+$`, the rest before it.
        case trailingSpace
        /// `\s?X+` or `X+` for a class X, the rest between.
        case runs(Class, spaced: Bool)
    }

    /// A class of characters that a pass keeps together.
    enum Class: Sendable {
        case casedLetters, marks, eastAsian
        /// `\p{L}`
        case letters
        /// `\p{P}`
        case punctuation
    }

    let passes: [Pass]
    /// A piece that is a token as a whole is taken so, whatever the merges say.
    var takesWholePieces = false
    /// Whether a file that does not say so wants the begin-of-sequence token in front.
    var addsBOS = false

    /// The pre-tokenizer of a name in `tokenizer.ggml.pre`; names and expressions are those of llama.cpp (`llama-vocab.cpp`).
    init?(name: String) {
        switch name {
        case "qwen2", "deepseek-r1-qwen", "megrez", "kormo", "f2llmv2", "stablelm2":
            passes = [.words(digits: 1)]
        case "qwen35":
            passes = [.words(digits: 1, marksAreLetters: true)]
        case "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2":
            passes = [.words(digits: 3)]
            takesWholePieces = true
            addsBOS = true
        case "dbrx", "smaug-bpe", "chatglm-bpe":
            passes = [.words(digits: 3)]
        case "glm4":
            passes = [.words(digits: 3)]
            takesWholePieces = true
        case "gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "gigachat", "a.x-4.0", "mellum", "modern-bert":
            passes = [.gpt2]
        case "smollm", "starcoder", "refact", "command-r", "codeshell":
            passes = [.singleNumbers, .gpt2]
        case "deepseek-llm":
            passes = [
                .singleNewlines, .runs(.casedLetters, spaced: true), .runs(.marks, spaced: true), .trailingSpace,
                .runs(.eastAsian, spaced: false), .numberRuns,
            ]
        case "deepseek-coder":
            passes = [
                .singleNewlines, .runs(.letters, spaced: true), .runs(.punctuation, spaced: true),
                .runs(.eastAsian, spaced: false), .singleNumbers,
            ]
        case "tekken":
            passes = [.casedWords]
            takesWholePieces = true
            addsBOS = true
        case "default":
            passes = [.punctuationRuns, .gpt2, .numberRuns, .tripleDigits]
        default:
            return nil
        }
    }

    /// Calls `body` with the range of each piece, in order; together they are the whole of `range`.
    func forEachPiece(in text: [UInt8], _ range: Range<Int>, _ body: (Range<Int>) -> Void) {
        forEachPiece(in: text, range, pass: 0, body)
    }

    private func forEachPiece(in text: [UInt8], _ range: Range<Int>, pass: Int, _ body: (Range<Int>) -> Void) {
        guard pass < passes.count else {
            body(range)
            return
        }
        var start = range.lowerBound
        let scanner = PieceScanner(text: text, end: range.upperBound)
        while start < range.upperBound {
            let end = scanner.endOfPiece(from: start, passes[pass])
            forEachPiece(in: text, start..<end, pass: pass + 1, body)
            start = end
        }
    }
}
