import Foundation
import Testing

@testable import Inference

/// llama.cpp's own vocabularies and templates, which `scripts/llama-cpp-models.sh` fetches.
enum LlamaCppModels {
    static let folder: String = {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["LATTICE_LLAMA_CPP_MODELS"] { return folder }
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache"
        return cache + "/lattice/llama-cpp-models"
    }()

    static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + name) }
}

@Suite(.timeLimit(.minutes(5))) struct `Published vocabularies` {
    /// Texts with the token ids that llama.cpp gives them, without special tokens.
    private func cases(_ name: String) throws -> [(text: String, tokens: [TokenID])] {
        let path = LlamaCppModels.folder + "/ggml-vocab-\(name).gguf"
        let texts = try String(decoding: Data(contentsOf: URL(filePath: path + ".inp")), as: UTF8.self)
            .components(separatedBy: "\n__ggml_vocab_test__\n")
        let lines = try String(decoding: Data(contentsOf: URL(filePath: path + ".out")), as: UTF8.self)
            .components(separatedBy: "\n")
        return zip(texts, lines).map { ($0, $1.split(separator: " ").compactMap { TokenID($0) }) }
    }

    @Test(
        .enabled(if: LlamaCppModels.has("ggml-vocab-llama-bpe.gguf"), "needs scripts/llama-cpp-models.sh"),
        arguments: [
            "llama-bpe", "llama-spm", "qwen2", "qwen35", "deepseek-llm", "deepseek-coder", "gpt-2", "bert-bge", "phi-3",
            "starcoder", "refact", "command-r", "mpt",
        ]
    )
    func `give the token ids of llama.cpp`(name: String) throws {
        let metadata = try GGUFFile(path: LlamaCppModels.folder + "/ggml-vocab-\(name).gguf").metadata
        let tokenizer = try Tokenizer(metadata: metadata)
        let cases = try cases(name)
        #expect(cases.count > 30)
        for (text, tokens) in cases {
            #expect(tokenizer.encode(text, parsingSpecial: false, addingBOS: false) == tokens, "\(name): \(text)")
            guard name != "bert-bge" else { continue }
            var decoder = TokenDecoder(tokenizer: tokenizer)
            let decoded = tokens.map { decoder.append($0) }.joined() + decoder.finish()
            #expect(Array(decoded.utf8) == Array(text.utf8), "\(name)")
        }
    }
}
