import Foundation
public import Inference
import NIOHTTP1

/// Vectors from another engine, over `/v1/embeddings`.
///
/// They are not bit-exact. The engine counts the tokens of a whole call: those of a single text are its share by bytes,
/// such that the sum is right.
public final class RemoteEmbedder: TextEmbedder {
    /// The most texts in one request: their vectors have some megabytes as JSON.
    private static let batch = 64
    /// llama.cpp takes no longer texts than its physical batch, which it does not tell; this is what it starts with.
    private static let llamaCppTokens = 512

    /// The model's name.
    public let modelName: String
    /// The number of dimensions of a vector.
    public let dimensions: Int
    /// The SHA-256 that stands for the model: of its name, or what Ollama gives as its digest.
    public let fingerprint: String
    /// The tokens of a text that count; longer texts are cut by the engine, or before it where it refuses them.
    public let maxTokens: Int

    private let client: EngineClient
    private let engine: DiscoveredEngine

    private struct Answer: Decodable {
        struct Item: Decodable {
            var index: Int
            var embedding: [Float]
        }

        struct Usage: Decodable { var prompt_tokens: Int? }

        var data: [Item]
        var usage: Usage?
    }

    /// Finds out what answers at `url`, and how many dimensions its vectors have.
    ///
    /// - Parameters:
    ///   - model: as the engine names it; `nil` where it serves only one.
    ///   - apiKey: sent as a bearer token to this address and to no other.
    ///   - maxTokens: the tokens of a text that count; `nil` takes what the engine says, 512 for llama.cpp.
    public static func connect(
        url: String,
        model: String? = nil,
        apiKey: String? = nil,
        maxTokens: Int? = nil,
        options: RemoteEngineOptions = RemoteEngineOptions()
    ) async throws(ChatEngineError) -> RemoteEmbedder {
        let key: EngineKey? = if let apiKey { try EngineKey(apiKey) } else { nil }
        let client = EngineClient(address: try EngineAddress(url), key: key, options: options)
        let engine = try await Discovery(client: client, options: options).find(model: model)
        let probe = try await request([JSONText.string("dimensions")], client, engine)
        guard let vector = probe.data.first?.embedding, !vector.isEmpty else {
            throw .failed("it gave no vector for a text")
        }
        let context = engine.profile.contextLength
        // A text may not fill llama.cpp's context.
        let most = engine.dialect.sampling == .llamaCpp ? min(context - 1, llamaCppTokens) : context
        return RemoteEmbedder(
            client: client,
            engine: engine,
            dimensions: vector.count,
            maxTokens: max(maxTokens ?? most, 1)
        )
    }

    private init(client: EngineClient, engine: DiscoveredEngine, dimensions: Int, maxTokens: Int) {
        self.client = client
        self.engine = engine
        self.dimensions = dimensions
        self.maxTokens = maxTokens
        modelName = engine.profile.model
        fingerprint = engine.profile.fingerprint
    }

    /// The vectors of `texts`, of length 1, in their order, with what they cost.
    public func embeddings(of texts: [String]) async throws(EmbeddingError) -> Embeddings {
        let limit = EmbeddingModel.textLimit
        guard texts.count <= limit else { throw .tooMany(texts: texts.count, limit: limit) }
        var result = Embeddings(vectors: [], tokenCounts: [])
        var rest = texts[...]
        while !rest.isEmpty {
            if Task.isCancelled { throw .cancelled }
            let batch = Array(rest.prefix(Self.batch))
            rest = rest.dropFirst(Self.batch)
            do throws(ChatEngineError) {
                let answer = try await vectors(of: batch)
                result.vectors += answer.vectors
                result.tokenCounts += answer.tokenCounts
            } catch {
                if Task.isCancelled { throw .cancelled }
                throw .unavailable(error.description)
            }
        }
        return result
    }

    private func vectors(of texts: [String]) async throws(ChatEngineError) -> Embeddings {
        var inputs: [String] = []
        for text in texts { inputs.append(try await input(text)) }
        let answer = try await Self.request(inputs, client, engine)
        var vectors = [[Float]?](repeating: nil, count: texts.count)
        for item in answer.data where vectors.indices.contains(item.index) {
            guard item.embedding.count == dimensions else {
                throw .failed("a vector has \(item.embedding.count) dimensions and not \(dimensions)")
            }
            vectors[item.index] = Self.normalized(item.embedding)
        }
        let whole = vectors.compactMap(\.self)
        guard whole.count == texts.count else {
            throw .failed("it gave \(whole.count) vectors for \(texts.count) texts")
        }
        return Embeddings(
            vectors: whole,
            tokenCounts: Self.shares(of: answer.usage?.prompt_tokens?.clamped, among: texts)
        )
    }

    /// A text as it is sent: llama.cpp refuses what is too long for it, so that is cut to the tokens that count.
    private func input(_ text: String) async throws(ChatEngineError) -> String {
        guard engine.dialect.sampling == .llamaCpp, text.utf8.count >= maxTokens else { return JSONText.string(text) }
        let counter = TokenCount(client: client, dialect: engine.dialect, model: engine.model)
        let tokens = try await counter.tokens(of: text)
        guard tokens.count > maxTokens, let last = tokens.last else { return JSONText.string(text) }
        // The last token marks the end in models that have such a mark, and is one word of many in others.
        return JSONText.array((tokens.prefix(maxTokens - 1) + [last]).map { "\($0)" })
    }

    private static func request(
        _ inputs: [String],
        _ client: EngineClient,
        _ engine: DiscoveredEngine
    ) async throws(ChatEngineError) -> Answer {
        let body = JSONText.object { json in
            json.add("model", engine.model)
            json.add("input", json: JSONText.array(inputs))
            json.add("encoding_format", "float")
            // vLLM refuses longer texts unless it is told to cut them where the model ends.
            if engine.dialect.sampling == .vllm { json.add("truncate_prompt_tokens", -1) }
        }
        return try await client.call(.POST, "/v1/embeddings", body: body, as: Answer.self)
    }

    /// A vector of length 1; one of zeros stays what it is.
    private static func normalized(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length > 0, length.isFinite else { return vector }
        return vector.map { Float(Double($0) / length) }
    }

    /// Splits a number of tokens by the bytes of texts; without one, four bytes count as a token.
    static func shares(of total: Int?, among texts: [String]) -> [Int] {
        let bytes = texts.map { $0.utf8.count + 1 }
        guard let total else { return bytes.map { $0 / 4 + 1 } }
        let sum = bytes.reduce(0, +)
        var given = 0
        var seen = 0
        return bytes.map { count in
            seen += count
            let upTo = total * seen / sum
            defer { given = upTo }
            return upTo - given
        }
    }
}
