import Foundation
import Inference
import LatticeTesting
import Testing

@testable import EngineAdapters

@Suite(.timeLimit(.minutes(1))) struct `Remote embedder` {
    private static let vectors =
        #"{"object":"list","data":[{"index":1,"embedding":[0,-2]},{"index":0,"embedding":[3,4]}],"usage":{"prompt_tokens":9}}"#
    private static let probe = #"{"data":[{"index":0,"embedding":[1,1]}],"usage":{"prompt_tokens":1}}"#

    private func run(_ answer: String, _ body: (RemoteEmbedder, ScriptedServer) async throws -> Void) async throws {
        try await ScriptedServer.run { request in
            guard request.path == "/v1/embeddings" else { return Engines.openAI(request) }
            return .json(request.body.contains("dimensions") ? Self.probe : answer)
        } _: { server, url in
            try await body(try await RemoteEmbedder.connect(url: url), server)
        }
    }

    @Test func `gives vectors of length 1 in the order of their texts`() async throws {
        try await run(Self.vectors) { embedder, server in
            #expect(embedder.dimensions == 2)
            #expect(embedder.modelName == "gpt-x")
            let result = try await embedder.embeddings(of: ["a \"b\"", "c"])
            #expect(result.vectors == [[0.6, 0.8], [0, -1]])
            #expect(result.tokenCounts.reduce(0, +) == 9)
            #expect(server.requests(for: "/v1/embeddings").last?.body.contains(#""input":["a \"b\"","c"]"#) == true)
            #expect(try await embedder.embeddings(of: []).vectors.isEmpty)
        }
    }

    @Test(arguments: [
        #"{"data":[]}"#, #"{"data":[{"index":0,"embedding":[1,1]},{"index":0,"embedding":[1,1]}]}"#,
        #"{"data":[{"index":0,"embedding":[1,1]},{"index":1,"embedding":[1]}]}"#, "7", "",
        #"{"data":[{"index":-1,"embedding":[1,1]},{"index":5,"embedding":[1,1]}]}"#,
    ])
    func `takes no answer that is not whole`(answer: String) async throws {
        try await run(answer) { embedder, _ in
            await #expect(throws: EmbeddingError.self) { try await embedder.embeddings(of: ["a", "b"]) }
        }
    }

    @Test func `splits the tokens of a call by bytes, with the right sum`() {
        var generator = SeededGenerator(seed: 3)
        for total in [0, 1, 7, 1000] {
            let texts = (0..<9).map { _ in String(repeating: "x", count: .random(in: 0..<50, using: &generator)) }
            #expect(RemoteEmbedder.shares(of: total, among: texts).reduce(0, +) == total)
        }
        #expect(RemoteEmbedder.shares(of: nil, among: ["12345678"]) == [3])
    }

    @Test(.enabled(if: LlamaServer.python != nil, "\(LlamaServer.absence)"))
    func `agrees with the embedded model`() async throws {
        let server = try LlamaServer("--embedding", "last", "--context", "512", "--slots", "1")
        defer { server.kill() }
        let remote = try await RemoteEmbedder.connect(url: server.url)
        let embedded = try await EmbeddingModel.load(path: LlamaServer.model)
        #expect(remote.dimensions == embedded.dimensions)
        let texts = ["Peers find each other.", "a", "Ünïcödé", String(repeating: "many words ", count: 90)]
        let theirs = try await remote.embeddings(of: texts)
        let ours = try await embedded.embeddings(of: texts)
        #expect(theirs.tokenCounts.reduce(0, +) == ours.tokenCounts.reduce(0, +))
        for (left, right) in zip(theirs.vectors, ours.vectors) {
            #expect(zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } > 0.99)
        }
        // Cut to what the server takes.
        let long = String(repeating: "far too many words ", count: 2000)
        #expect(try await remote.embeddings(of: [long]).vectors.count == 1)
    }
}
