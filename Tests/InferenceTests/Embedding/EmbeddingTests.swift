import Foundation
import InferenceKernels
import LatticeTesting
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2))) struct `Embeddings of a bert model` {
    private let texts = ["hello world", "", "a b, c. 你 Café abc", "zzz", "world . . . , a abcbcbc hello"]

    private func model(
        _ bert: RandomBert,
        options: EmbeddingOptions = EmbeddingOptions(threads: 1),
        path: ik_path = ik_best_path()
    ) throws -> EmbeddingModel {
        try withTemporaryDirectory { folder in
            try EmbeddingModel(file: GGUFFile(path: bert.writer.write(in: folder)), options: options, path: path)
        }
    }

    @Test(arguments: [(TensorType.f32, 0.99999), (.f16, 0.99999), (.q8_0, 0.998)])
    func `are those of plain arithmetic`(type: TensorType, bar: Double) async throws {
        let bert = RandomBert(type: type)
        let model = try model(bert)
        let found = try await model.embeddings(of: texts)
        for (index, text) in texts.enumerated() {
            let tokens = model.tokens(of: text).map { Int($0) }
            #expect(found.tokenCounts[index] == tokens.count)
            let likeness = cosine(found.vectors[index], bert.vector(of: tokens))
            #expect(likeness >= bar, "\(text): \(likeness)")
            #expect(abs(found.vectors[index].reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
        }
    }

    @Test func `are pooled as the file says`() async throws {
        let tokens = [2, 4, 5, 3]
        for (pooling, picked) in [(Int?.none, Int?.none), (1, nil), (2, 0), (3, 3)] {
            let bert = RandomBert(type: .f32, pooling: pooling)
            let vector = try await model(bert).embed(["hello world"])[0]
            let expected = bert.vector(of: tokens) { picked == nil || $0 == picked }
            #expect(cosine(vector, expected) > 0.99999, "\(String(describing: pooling))")
        }
        #expect(throws: ModelError.self) { try model(RandomBert(type: .f32, pooling: 4)) }
    }

    @Test(arguments: [TensorType.f32, .q8_0])
    func `have the same bits on every path and whatever else is computed`(type: TensorType) async throws {
        let bert = RandomBert(type: type)
        let expected = try await model(bert).embed(texts).map { $0.map(\.bitPattern) }
        for path in availablePaths {
            for threads in [1, 2] {
                let model = try model(bert, options: EmbeddingOptions(threads: threads), path: path)
                #expect(try await model.embed(texts).map { $0.map(\.bitPattern) } == expected, "\(path) \(threads)")
                for (text, bits) in zip(texts, expected) {
                    #expect(try await model.embed([text])[0].map(\.bitPattern) == bits)
                }
            }
        }
        let many = (0..<300).map { texts[$0 % texts.count] }
        let found = try await model(bert).embed(many)
        for (index, vector) in found.enumerated() { #expect(vector.map(\.bitPattern) == expected[index % texts.count]) }
    }

    @Test func `of long texts are those of their beginnings`() async throws {
        let model = try model(RandomBert(type: .f32), options: EmbeddingOptions(threads: 1, maxTokens: 8))
        #expect(model.maxTokens == 8)
        let found = try await model.embeddings(of: [
            String(repeating: "hello ", count: 100_000), "hello hello hello hello hello hello",
        ])
        #expect(found.tokenCounts == [8, 8])
        #expect(found.vectors[0] == found.vectors[1])
        #expect(try self.model(RandomBert(type: .f32), options: EmbeddingOptions(maxTokens: 9999)).maxTokens == 48)
        var bert = RandomBert(type: .f32)
        bert.change { $0["sentence_bert.max_seq_length"] = .uint(16) }
        #expect(try self.model(bert).maxTokens == 16)
    }

    @Test func `are computed for many callers, and for none that left`() async throws {
        let model = try model(RandomBert(type: .f32))
        let expected = try await model.embed(texts)
        try await withThrowingTaskGroup(of: [[Float]].self) { group in
            for _ in 0..<20 { group.addTask { [texts] in try await model.embed(texts) } }
            for try await found in group { #expect(found == expected) }
        }
        let left = Task { try await model.embed(Array(repeating: "hello world", count: 2000)) }
        left.cancel()
        await #expect(throws: EmbeddingError.cancelled) { try await left.value }
        #expect(try await model.embed(texts) == expected)
    }

    @Test func `are bounded`() async throws {
        let model = try model(RandomBert(type: .f32), options: EmbeddingOptions(threads: 1, queueLimit: 1))
        await #expect(throws: EmbeddingError.tooMany(texts: 2049, limit: 2048)) {
            try await model.embed(Array(repeating: "a", count: 2049))
        }
        #expect(try await model.embed([]).isEmpty)
        let texts = texts
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<30 {
                group.addTask { (try? await model.embed(Array(repeating: texts, count: 40).flatMap(\.self))) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(outcomes >= 1)
    }

    @Test func `need a sound file`() throws {
        for (key, value) in [
            ("bert.block_count", GGUFValue.uint(3)), ("bert.attention.head_count", .uint(7)),
            ("bert.context_length", .uint(64)), ("bert.feed_forward_length", .uint(33)),
            ("bert.attention.layer_norm_epsilon", .float(.nan)), ("bert.embedding_length", .uint(128)),
            ("bert.pooling_type", .string("mean")), ("sentence_bert.max_seq_length", .uint(400)),
            ("general.architecture", .string("nomic")),
        ] {
            var bert = RandomBert(type: .f32)
            bert.change { $0[key] = value }
            #expect(throws: ModelError.self, "\(key)") { try model(bert) }
        }
        var bert = RandomBert(type: .f32)
        bert.change { $0["tokenizer.ggml.tokens"] = .strings(RandomBert.words + ["▁x"]) }
        bert.change { $0["tokenizer.ggml.token_type"] = nil }
        #expect(throws: ModelError.self) { try model(bert) }
    }
}

@Suite struct `Embeddings of the llama family` {
    @Test(arguments: [(Int?.none, Pooling.last), (1, .mean), (2, .first), (3, .last)])
    func `are the states before the output, pooled as the file says`(number: Int?, pooling: Pooling) async throws {
        var writer = try GGUFWriter(copyOf: Fixtures.tiny)
        guard case .string(let architecture)? = writer.values["general.architecture"] else { return }
        if let number { writer.values[architecture + ".pooling_type"] = .uint(UInt64(number)) }
        let model = try withTemporaryDirectory { folder in
            try EmbeddingModel(file: GGUFFile(path: writer.write(in: folder)), options: EmbeddingOptions(threads: 1))
        }
        #expect(model.pooling == pooling)
        let text = String(repeating: "What is Lattice? ", count: 25)
        let vectors = try await model.embed([text, "Hello", text])
        #expect(vectors[0] == vectors[2] && vectors[0] != vectors[1])
        let tokens = model.tokens(of: text)
        #expect(tokens.count > 64)
        // The same from the states themselves, computed in one piece.
        let rig = try Rig(path: Fixtures.tiny, chunk: tokens.count)
        let cache = rig.cache()
        rig.transformer.embed(tokens[...], into: rig.workspace)
        try rig.transformer.forward(tokens.count, cache: cache, workspace: rig.workspace, pool: rig.pool)
        let width = rig.transformer.shape.width
        let norm = try #require(rig.transformer.outputNorm).values
        let states = (0..<tokens.count).map { token -> [Double] in
            let state = (0..<width).map { unsafe Double(rig.workspace.hidden[token * width + $0]) }
            var squares = Double(rig.transformer.shape.epsilon) * Double(width)
            for value in state { squares += value * value }
            let factor = 1 / (squares / Double(width)).squareRoot()
            return zip(state, norm).map { $0 * factor * Double($1) }
        }
        let chosen = pooling == .mean ? states : pooling == .first ? [states[0]] : [states[states.count - 1]]
        let mean = (0..<width).map { d in chosen.reduce(0) { $0 + $1[d] } }
        #expect(cosine(vectors[0], mean) > 0.999999)
    }
}

@Suite struct `GELU` {
    @Test func `uses the error function`() {
        let x = (0..<160_000).map { Float($0 - 80_000) / 10_000 }
        for path in availablePaths {
            var y = x
            unsafe ik_gelu(path, &y, UInt32(y.count))
            var worst = 0.0
            for (x, y) in zip(x, y) {
                let exact = Double(x) / 2 * (1 + erf(Double(x) / 2.0.squareRoot()))
                worst = max(worst, abs(Double(y) - exact))
            }
            #expect(worst < 2e-6)
        }
    }

    @Test func `survives what is no number`() {
        var x: [Float] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude] + [Float](repeating: 0, count: 12)
        unsafe ik_gelu(ik_best_path(), &x, 16)
        #expect(x[4] == 0)
    }
}

/// Compares all-MiniLM-L6-v2, which `scripts/embedder.sh f32 f16 q8_0` fetches, with a plain numpy BERT.
@Suite(.timeLimit(.minutes(5))) struct `Embeddings of MiniLM` {
    private struct Case: Decodable {
        let text: String
        let tokens: [TokenID]
        let embedding: [Double]
    }

    static let folder: String = {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["LATTICE_EMBEDDERS"] { return folder }
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache"
        return cache + "/lattice/embedders"
    }()

    static func path(_ type: String) -> String { folder + "/all-MiniLM-L6-v2-\(type).gguf" }

    @Test(
        .enabled(if: Fixtures.has("models/embeddings/minilm.golden.json"), "needs the shared model folder"),
        .enabled(
            if: ["f32", "f16", "q8_0"].contains { FileManager.default.fileExists(atPath: path($0)) },
            "needs the model: scripts/embedder.sh f32 f16 q8_0"
        ),
        arguments: [("f32", 0.99999), ("f16", 0.99999), ("q8_0", 0.998)]
    )
    func `are the published ones`(type: String, bar: Double) async throws {
        guard FileManager.default.fileExists(atPath: Self.path(type)) else { return }
        let golden = Fixtures.shared.appending(path: "models/embeddings/minilm.golden.json")
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: golden))
        let model = try await EmbeddingModel.load(path: Self.path(type))
        #expect(model.dimensions == 384 && model.maxTokens == 256 && model.pooling == .mean)
        let vectors = try await model.embed(cases.map(\.text))
        var worst = 1.0
        for (vector, expected) in zip(vectors, cases) {
            #expect(model.tokens(of: expected.text) == expected.tokens, "\(expected.text)")
            let likeness = cosine(vector, expected.embedding)
            worst = min(worst, likeness)
            #expect(likeness >= bar, "\(expected.text): \(likeness)")
        }
        print("MiniLM \(type): worst cosine \(worst) of \(cases.count) texts")
    }
}
