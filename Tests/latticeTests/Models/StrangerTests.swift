import Foundation
import Inference
import LatticeTesting
import Testing

@testable import lattice

/// Texts that others wrote: cut anywhere, with bits turned over, or nothing but noise, they give errors and no crash.
@Suite struct `Texts from strangers` {
    private static let receipt = #"""
        {"lattice":{"computation":{"receipt":{"version":1,"model":"93","cache":"f16","promptHash":"4a","promptTokens":2,
        "tokens":2,"sampling":{"temperature":0,"topK":0,"topP":1,"minP":0,"repetitionPenalty":1,"penaltyWindow":64,
        "presencePenalty":0,"frequencyPenalty":0,"seed":"7"},"chain":"bd"},"prompt_tokens":[1,2],"answer_tokens":[3,4],
        "grammar":{"kind":"gbnf","text":"root ::= [a-z]+"}}},"choices":[{"message":{"content":"ab"}}]}
        """#

    @Test func `as receipts`() throws {
        let whole = try ReceiptReader.read(Data(Self.receipt.utf8), name: "it")
        #expect(whole.promptTokens == [1, 2] && whole.text == "ab")
        damaged(Self.receipt) { data in
            do {
                _ = try ReceiptReader.read(data, name: "it").grammar?.grammar()
            } catch is GrammarError {
            } catch {
                #expect(error is VerifyCommand.Fault)
            }
        }
    }

    @Test func `as manifests`() throws {
        try withTemporaryDirectory { folder in
            let manifest = ModelManifest(
                name: "a:b",
                source: "o/a:a.gguf",
                pulledAt: "2026-01-01T00:00:00Z",
                fingerprint: "00",
                files: [.init(name: "a.gguf", source: "https://example.org/a.gguf", size: 1, sha256: "00")],
                summary: ModelSummary(of: try GGUFFile(path: DefaultModel.path()))
            )
            let store = ModelStore(folder: folder)
            try FileManager.default.createDirectory(atPath: folder + "/a+b", withIntermediateDirectories: true)
            let path = URL(filePath: folder + "/a+b/manifest.json")
            try JSONEncoder().encode(manifest).write(to: path)
            #expect(store.models().map(\.name) == ["a:b", "lattice-tiny:q8_0"])
            try damaged(JSON.text(manifest), rounds: 300) { data in
                try data.write(to: path)
                for model in store.models() { #expect(model.paths.allSatisfy { !$0.contains("..") }) }
            }
        }
    }

    @Test func `as what is to be pulled, and as what servers say`() throws {
        let hub = try #require(URL(string: "https://hub.example/mirror"))
        for text in [
            "https://example.org/a-Q4_K_M-00001-of-00003.gguf?x=1", "org/repo:Q4_K_M", "bytes 5-9/10",
            "Wed, 21 Oct 2015 07:28:30 GMT", "https://hub.example/mirror/a/b/blob/main/c.gguf",
        ] {
            damaged(text, rounds: 500) { data in
                let text = String(decoding: data, as: UTF8.self)
                _ = try? PullSource(text, hub: hub)
                _ = ContentRange(text)
                _ = RetryAfter.seconds(text)
                if let file = ModelFileName(text) {
                    #expect(file.files.count == file.count && !file.file.contains("/"))
                }
                if let name = try? ModelName(text) {
                    #expect(!name.folder.contains("/") && !name.folder.hasPrefix("."))
                }
            }
        }
    }

    /// Every beginning of the text, the text with bits turned over, and noise.
    private func damaged(_ text: String, rounds: Int = 1000, _ body: (Data) throws -> Void) rethrows {
        let bytes = Data(text.utf8)
        for count in bytes.indices { try body(bytes.prefix(count)) }
        var random = SeededGenerator(seed: 1)
        for _ in 0..<rounds {
            var flipped = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: flipped.indices, using: &random)
                flipped[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            try body(flipped)
            let noise = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            try body(Data(noise))
        }
    }
}
