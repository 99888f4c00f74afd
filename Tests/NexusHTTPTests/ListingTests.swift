import Foundation
import Nexus
import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct Listings {
    @Test func `of models carry context, nodes and prices`() async throws {
        let reply = try await withServer { port in try await call(port, "GET", "/v1/models") }
        #expect(reply.json["object"] as? String == "list")
        let models = try #require(reply.json["data"] as? [[String: Any]])
        #expect(models.map { $0["id"] as? String } == ["lattice-tiny", "org/name:q8_0"])
        #expect(models[0]["object"] as? String == "model")
        #expect(models[0]["owned_by"] as? String == "lattice")
        #expect(models[0]["created"] as? Int == 1_795_253_472)
        #expect(models[0]["context_length"] as? Int == 2_048)
        #expect(models[0]["pricing"] as? [String: String] == ["input": "0.500000000", "output": "2.000000000"])
    }

    @Test(arguments: ["/v1/models/org/name:q8_0", "/v1/models/org%2Fname%3Aq8_0", "/models/org/name:q8_0"])
    func `of one model take ids with slashes and colons`(path: String) async throws {
        let reply = try await withServer { port in try await call(port, "GET", path) }
        #expect(reply.status == 200)
        #expect(reply.json["id"] as? String == "org/name:q8_0")
    }

    @Test func `of an unknown model tell what is served`() async throws {
        let reply = try await withServer { port in try await call(port, "GET", "/v1/models/nope") }
        #expect(reply.status == 404)
        #expect(reply.error["code"] as? String == "model_not_found")
        #expect((reply.error["message"] as? String)?.contains("lattice-tiny") == true)
    }

    @Test func `of nodes say null for what was not measured`() async throws {
        let reply = try await withServer { port in try await call(port, "GET", "/v1/nodes") }
        let node = try #require((reply.json["data"] as? [[String: Any]])?.first)
        #expect(node["id"] as? Int == 1)
        #expect(node["name"] as? String == "naïve")
        #expect(node["state"] as? String == "live")
        #expect(node["latency_ms"] as? Double == 0.8)
        #expect(node["tokens_per_second"] is NSNull)
        #expect(node["earned"] as? String == "0.000081000")
    }

    @Test func `of the account hold amounts as text`() async throws {
        let reply = try await withServer { port in try await call(port, "GET", "/v1/account") }
        #expect(reply.json["user"] as? Int == 7)
        #expect(reply.json["headroom"] as? String == "4.999919000")
    }

    @Test func `of the ledger obey their limit`() async throws {
        try await withServer { (port: Int) async throws in
            let reply = try await call(port, "GET", "/v1/ledger/entries?x=1&limit=3")
            #expect(reply.json["head"] as? Int == 1_000)
            let entries = try #require(reply.json["entries"] as? [[String: Any]])
            #expect(entries.compactMap { $0["block"] as? Int } == [1_000, 999, 998])
            #expect(entries[0]["summary"] as? String == "\"quoted\"")
            let plain = try await call(port, "GET", "/v1/ledger/entries")
            #expect((plain.json["entries"] as? [Any])?.count == 20)
            for limit in ["0", "101", "x", "", "-1"] {
                let refused = try await call(port, "GET", "/v1/ledger/entries?limit=\(limit)")
                #expect(refused.status == 400)
                #expect(refused.error["param"] as? String == "limit")
            }
        }
    }

    @Test func `of health are open to all`() async throws {
        try await withServer(configure: { $0.version = "9.8.7" }) { (port: Int) async throws in
            for path in ["/health", "/health/liveliness", "/health/liveness", "/health/readiness"] {
                #expect(try await call(port, "GET", path, key: nil).status == 200)
            }
            #expect(try await call(port, "GET", "/version", key: nil).json["version"] as? String == "9.8.7")
        }
        try await withServer(ScriptedBackend(nodes: [])) { (port: Int) async throws in
            #expect(try await call(port, "GET", "/health/readiness", key: nil).status == 503)
            #expect(try await call(port, "GET", "/health", key: nil).status == 200)
        }
    }
}
