import Foundation
import Inference
import LatticeTesting
import Logging
import Testing

@testable import lattice

@Suite struct `Node engine` {
    private func load(_ flags: [String: String?]) async throws -> NodeEngine {
        try await NodeEngine(settings: try await Settings(flags: flags, file: nil), logger: Logger(label: "test"))
    }

    @Test func `is the embedded one unless another is named`() async throws {
        let node = try await load(["slots": "3", "context": "512"])
        #expect(node.model == "lattice-tiny")
        #expect(node.engine.profile.engine == "lattice")
        #expect(node.engine.profile.slots == 3)
        #expect(node.engine.profile.contextLength == 512)
        #expect(node.engine.profile.capabilities.contains(.isBitExact))
        #expect(node.watch == nil)
        await node.engine.close()
    }

    @Test func `answers alike wherever its weights are`() async throws {
        var answers: [String] = []
        for flags in [[:], ["weights": "mapped"]] {
            let node = try await load(flags)
            let question = Conversation(turns: [ChatTurn(role: "user", content: "What is Nexus?")])
            let stream = try await node.engine.read(question).answer(limit: 20)
            var text = ""
            while let event = try await stream.next() {
                guard case .parts(let parts, _, _) = event else { continue }
                for case .content(let more) in parts { text += more }
            }
            answers.append(text)
            await node.engine.close()
        }
        #expect(answers[0] == answers[1] && !answers[0].isEmpty)
    }

    @Test(arguments: [("weights", "swapped"), ("cache.type", "f8")])
    func `refuses a choice that there is not, and names those that there are`(key: String, value: String) async {
        await #expect {
            try await load([key: value])
        } throws: {
            "\($0)".contains(value) && "\($0)".contains(key == "weights" ? "repacked or mapped" : "f32 or f16 or q8")
        }
    }

    @Test func `is either a file or another program`() async throws {
        await #expect(throws: Settings.Fault.self) {
            try await load(["engine": "http://127.0.0.1:1", "model": "x.gguf"])
        }
    }

    @Test func `says what is wrong with another program's address or key`() async throws {
        for flags in [
            ["engine": "http://127.0.0.1:1"], ["engine": "127.0.0.1:8080"],
            ["engine": "http://127.0.0.1:1", "engine.key.file": "/nowhere"],
            ["engine": "http://127.0.0.1:1", "slots": "0"],
        ] {
            await #expect(throws: Settings.Fault.self) { try await load(flags) }
        }
        try await withTemporaryDirectory { folder in
            let file = folder + "/key"
            try Data("two words\n".utf8).write(to: URL(filePath: file))
            do {
                _ = try await load(["engine": "http://127.0.0.1:1", "engine.key.file": file])
                Issue.record("the key is no key")
            } catch let fault as Settings.Fault {
                #expect(!fault.description.contains("two words"))
            }
        }
    }
}
