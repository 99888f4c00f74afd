import Foundation
import Ledger
import Nexus
import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Embeddings` {
    private func embed(
        _ body: String,
        _ backend: ScriptedBackend = ScriptedBackend()
    ) async throws -> Reply {
        try await withServer(backend) { (port: Int) async throws in
            try await call(port, "POST", "/v1/embeddings", body: body)
        }
    }

    @Test func `are one vector for each text, with usage and account`() async throws {
        let reply = try await embed(#"{"model":"m","input":["ab","c"],"user":"u"}"#)
        #expect(reply.status == 200)
        let data = try #require(reply.json["data"] as? [[String: Any]])
        #expect(data.map { $0["index"] as? Int } == [0, 1])
        #expect(data.map { $0["object"] as? String } == ["embedding", "embedding"])
        #expect(data.map { $0["embedding"] as? [Double] } == [[2, -0.5], [1, -0.5]])
        #expect(reply.json["object"] as? String == "list" && reply.json["model"] as? String == "m")
        #expect(reply.json["usage"] as? [String: Int] == ["prompt_tokens": 7, "total_tokens": 7])
        #expect((reply.json["lattice"] as? [String: Any])?["receipt"] as? String == "0xfeed")
        #expect(reply.headers["x-lattice-ignored-fields"] == "user")
        #expect(reply.headers["x-lattice-cost"] == "0.000000003")
    }

    @Test func `are base64 of their floats where that is asked for`() async throws {
        let reply = try await embed(#"{"model":"m","input":"ab","encoding_format":"base64"}"#)
        let data = try #require(reply.json["data"] as? [[String: Any]])
        let text = try #require(data.first?["embedding"] as? String)
        let bytes = [UInt8](try #require(Data(base64Encoded: text)))
        #expect(EmbedAnswer.floats(of: bytes) == [2, -0.5])
    }

    @Test(arguments: [
        (#"{"input":"a"}"#, "model"), (#"{"model":"m"}"#, "input"), (#"{"model":"m","input":[]}"#, "input"),
        (#"{"model":"m","input":[1,2]}"#, "input"), (#"{"model":"","input":"a"}"#, "model"),
        (#"{"model":"m","input":"a","encoding_format":"xml"}"#, "encoding_format"),
        (#"{"model":"m","input":"a","dimensions":1.5}"#, "dimensions"),
    ])
    func `name the field that does not fit`(body: String, param: String) async throws {
        let reply = try await embed(body)
        #expect(reply.status == 400 && reply.error["param"] as? String == param)
    }

    @Test func `are refused as chats are`() async throws {
        let backend = ScriptedBackend(refusal: .invalidRequest(field: "dimensions", problem: "not these"))
        let reply = try await embed(#"{"model":"m","input":"a","dimensions":3}"#, backend)
        #expect(reply.status == 400 && reply.error["param"] as? String == "dimensions")
    }
}
