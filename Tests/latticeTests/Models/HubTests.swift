import Foundation
import Inference
import LatticeTesting
import NIOConcurrencyHelpers
import Testing

@testable import lattice

@Suite(.timeLimit(.minutes(1))) struct `A hub of models` {
    private static let files: [(path: String, bytes: [UInt8])] = [
        ("README.md", [1]), ("model-F16.gguf", GGUFBytes.file(salt: 1)), ("model-Q4_K_M.gguf", GGUFBytes.file(salt: 2)),
        ("model-Q8_0.gguf", GGUFBytes.file(salt: 3)), ("model-IQ2_XS.gguf", GGUFBytes.file(salt: 4)),
        ("mmproj-model-f16.gguf", GGUFBytes.file(salt: 5)),
        ("big/model-Q6_K-00001-of-00002.gguf", GGUFBytes.file(salt: 6, split: (0, 2))),
        ("big/model-Q6_K-00002-of-00002.gguf", GGUFBytes.file(salt: 7, split: (1, 2))),
    ]

    private static func reply(_ request: FileServer.Request) -> FileServer.Reply {
        if request.path.hasPrefix("/api/models/org/model/tree/main") {
            return FileServer.Reply(body: PullTest.listing(files))
        }
        let start = "/org/model/resolve/main/"
        guard request.path.hasPrefix(start),
            let file = files.first(where: { $0.path == request.path.dropFirst(start.count) })
        else { return FileServer.Reply(status: 404) }
        return FileServer.file(file.bytes, for: request)
    }

    @Test(arguments: [
        ("org/model", "org/model:Q4_K_M", 2), ("org/model:latest", "org/model:Q4_K_M", 2),
        ("org/model:q8_0", "org/model:Q8_0", 3), ("hf.co/org/model:F16", "org/model:F16", 1),
        ("org/model:model-F16.gguf", "org/model:F16", 1), ("org/model:Q6_K", "org/model:Q6_K", 6),
    ])
    func `gives the file that is meant, checked by the digest that it lists`(
        text: String,
        name: String,
        salt: UInt8
    ) async throws {
        try await PullTest.run(Self.reply) { (test: PullTest) async throws in
            let result = try await test.pull(text)
            let manifest = result.manifest
            #expect(manifest.name == name && result.summary.name == "made of bytes \(salt)")
            for file in manifest.files {
                let listed = try #require(Self.files.first { $0.path.hasSuffix(file.name) })
                #expect(file.sha256 == GGUFBytes.digest(listed.bytes))
            }
            #expect(try await test.pull(text).wasThere)
            #expect(try test.store.model(name).name == name)
            #expect(try test.store.model(manifest.source).name == name)
        }
    }

    @Test func `is known by its own address, and by that of a page of it`() async throws {
        try await PullTest.run(Self.reply) { (test: PullTest) async throws in
            for path in [
                "/org/model", "/org/model/blob/main/model-Q8_0.gguf", "/org/model/resolve/main/model-Q8_0.gguf",
            ] {
                let source = try PullSource(test.server.url(path).absoluteString, hub: test.server.url(""))
                guard case .repository(let repository, let selector) = source else {
                    Issue.record("\(path) is no repository")
                    continue
                }
                #expect(repository.description == "org/model")
                #expect(selector == (path == "/org/model" ? nil : "model-Q8_0.gguf"))
            }
        }
    }

    @Test func `lists what it has when something else is asked for`() async throws {
        try await PullTest.run(Self.reply) { (test: PullTest) async throws in
            await #expect {
                try await test.pull("org/model:Q3_K_S")
            } throws: { "\($0)".contains("org/model:Q8_0") && "\($0)".contains("org/model:Q4_K_M") }
            await #expect {
                try await test.pull("org/model:IQ2_XS")
            } throws: { "\($0)".contains("cannot be run here") && !"\($0)".contains("org/model:IQ2_XS  ") }
            await #expect { try await test.pull("org/other") } throws: { "\($0)".contains("HF_TOKEN") }
        }
    }

    @Test func `refuses a file that is not what it lists`() async throws {
        let listed = GGUFBytes.file()
        try await PullTest.run({ request in
            request.path.hasPrefix("/api/")
                ? FileServer.Reply(body: PullTest.listing([("model.gguf", listed)]))
                : FileServer.file(GGUFBytes.file(salt: 9), for: request)
        }) { (test: PullTest) async throws in
            await #expect { try await test.pull("org/model") } throws: { "\($0)".contains("Nothing was kept") }
        }
    }

    @Test func `is shown the token, and nobody that it leads to`() async throws {
        let bytes = GGUFBytes.file()
        let (hubSaw, otherSaw) = (NIOLockedValueBox<[String?]>([]), NIOLockedValueBox<[String?]>([]))
        try await FileServer.run({ request in
            otherSaw.withLockedValue { $0.append(request.headers["authorization"]) }
            return FileServer.file(bytes, for: request)
        }) { other in
            let elsewhere = try other.url("/store/1").absoluteString
            try await PullTest.run({ request in
                hubSaw.withLockedValue { $0.append(request.headers["authorization"]) }
                if request.path.hasPrefix("/api/") {
                    return FileServer.Reply(body: PullTest.listing([("model.gguf", bytes)]))
                }
                return FileServer.Reply(status: 302, headers: [("Location", elsewhere)])
            }) { (test: PullTest) async throws in
                _ = try await test.pull("org/model", token: "hf_secret")
                _ = try await test.pull(elsewhere + ".gguf", token: "hf_secret")
            }
        }
        #expect(hubSaw.withLockedValue { $0 } == ["Bearer hf_secret", "Bearer hf_secret"])
        #expect(otherSaw.withLockedValue { $0 } == [nil, nil])
    }

    @Test func `is read to the last page of its list`() async throws {
        let bytes = GGUFBytes.file()
        try await PullTest.run({ request in
            guard request.path.hasPrefix("/api/") else { return FileServer.file(bytes, for: request) }
            if request.path.contains("cursor=2") {
                return FileServer.Reply(body: PullTest.listing([("model.gguf", bytes)]))
            }
            let next = "</api/models/org/model/tree/main?cursor=2>; rel=\"next\""
            return FileServer.Reply(headers: [("Link", next)], body: PullTest.listing([("README.md", [1])]))
        }) { (test: PullTest) async throws in
            let manifest = try await test.pull("org/model").manifest
            #expect(manifest.name == "org/model:latest")
        }
    }

    @Test(arguments: ["../../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf", "..gguf", ".gguf"])
    func `leads nowhere but into the model's own folder`(path: String) async throws {
        let bytes = GGUFBytes.file()
        try await PullTest.run({ request in
            request.path.hasPrefix("/api/")
                ? FileServer.Reply(body: PullTest.listing([(path, bytes)])) : FileServer.file(bytes, for: request)
        }) { (test: PullTest) async throws in
            _ = try? await test.pull("org/model")
            let outside = URL(filePath: test.folder).deletingLastPathComponent().path
            let beside = try FileManager.default.contentsOfDirectory(atPath: outside)
            #expect(beside.allSatisfy { $0 == "models" })
            let stored = (try? FileManager.default.contentsOfDirectory(atPath: test.folder)) ?? []
            #expect(Set(stored).isSubset(of: [".pulling", "org+model+latest"]))
        }
    }

    @Test(arguments: ["not json", "{}", "[{}]", #"[{"type":"file"}]"#, "[", ""])
    func `may answer nonsense`(text: String) async throws {
        try await PullTest.run({ _ in FileServer.Reply(body: Array(text.utf8)) }) { (test: PullTest) async throws in
            await #expect(throws: Hub.Fault.self) { try await test.pull("org/model") }
        }
    }
}

@Suite struct `What is to be pulled` {
    private static let hub = URL(string: "https://hub.example") ?? URL(filePath: "/")

    @Test(arguments: [
        "", "model", "a/b/c", "../b", "a/..", "a/b:", "ftp://example.org/a.gguf", "https://", "file:///a.gguf",
        "https://me:secret@example.org/a.gguf", "a b/c", "a/b:\u{1B}[2J",
    ])
    func `is refused with what it looks like`(text: String) {
        #expect(throws: PullSource.Fault.self) { try PullSource(text, hub: Self.hub) }
    }

    @Test func `may be any address that names a file`() throws {
        #expect(try PullSource("https://example.org/a.gguf?x=1", hub: Self.hub) != PullSource("a/b", hub: Self.hub))
        let page = try PullSource("https://huggingface.co/org/repo/blob/v1/sub/a.gguf", hub: Self.hub)
        var repository = PullSource.Repository(organization: "org", name: "repo")
        repository.revision = "v1"
        #expect(page == .repository(repository, selector: "sub/a.gguf"))
    }

    @Test(arguments: [
        ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Llama-3.2-1B-Instruct:Q4_K_M"), ("a-q8_0.gguf", "a:q8_0"),
        ("a.IQ3_XXS.gguf", "a:IQ3_XXS"), ("a-1.5B.gguf", "a-1.5B:latest"), ("a-bf16-00002-of-00003.gguf", "a:bf16"),
        ("a-00003-of-00002.gguf", "a-00003-of-00002:latest"),
    ])
    func `gets a name from its file`(file: String, name: String) throws {
        #expect(ModelFileName(file)?.modelName?.description == name)
    }

    @Test(arguments: ["a.bin", ".a.gguf", "a/b.gguf", "a\u{0}b.gguf", "a\nb.gguf"])
    func `has no such file name`(file: String) {
        #expect(ModelFileName(file) == nil)
    }

    @Test func `has ranges`() {
        let (part, beyond) = (ContentRange("bytes 5-9/10"), ContentRange("bytes */10"))
        #expect(part?.start == 5 && part?.total == 10)
        #expect(beyond != nil && beyond?.start == nil && beyond?.total == 10)
        for text in ["", "bytes", "bytes 9-5/10", "bytes 5-10/10", "bytes -1-5/10", "bytes a-b/c", "items 0-1/2"] {
            #expect(ContentRange(text) == nil, "\(text)")
        }
    }

    @Test func `waits for seconds or for a date`() {
        let now = Date(timeIntervalSince1970: 1_445_412_480)
        #expect(RetryAfter.seconds("120") == 120)
        #expect(RetryAfter.seconds("Wed, 21 Oct 2015 07:28:30 GMT", now: now) == 30)
        #expect(RetryAfter.seconds("Wed, 21 Oct 2015 07:00:00 GMT", now: now) == 0)
        for text in ["", "soon", "-1", "1e9"] { #expect(RetryAfter.seconds(text, now: now) == nil) }
    }

    @Test func `goes through the proxy that the environment names, but for its exceptions`() throws {
        let proxies = ProxySettings(
            environment: ["HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "localhost, .inside.example"]
        )
        func server(_ text: String) -> String? { URL(string: text).flatMap { proxies.server(for: $0) } }
        #expect(server("https://hub.example/a") == "http://proxy.example:3128")
        #expect(server("https://a.inside.example/a") == nil)
        #expect(server("http://hub.example/a") == nil)
        #expect(ProxySettings(environment: [:]).servers.isEmpty)
    }
}

@Suite struct `The progress of a pull` {
    @Test(arguments: 1...140) func `fits any terminal`(width: Int) {
        var progress = PullProgress()
        let start = ContinuousClock.now
        progress.take(.found(name: "a", files: ["a"], size: 1_000_000_000), at: start)
        progress.take(.started(at: 0, of: 1_000_000_000), at: start)
        for second in 1...5 { progress.take(.received(40_000_000), at: start + .seconds(second)) }
        let bar = progress.bar(width: width, at: start + .seconds(5))
        #expect(bar.columns <= width)
        if width >= 70 {
            #expect(bar.hasPrefix(" 20 % ▕") && bar.hasSuffix("200 MB of 1.00 GB · 40.0 MB/s · 20 s left"))
        }
    }

    @Test func `counts what was there, and does not take it for speed`() {
        var progress = PullProgress()
        let start = ContinuousClock.now
        progress.take(.found(name: "a", files: ["a", "b"], size: 300), at: start)
        progress.take(.file(number: 1, name: "a"), at: start)
        progress.take(.resumed(at: 100, of: 100), at: start)
        progress.take(.file(number: 2, name: "b"), at: start)
        progress.take(.started(at: 50, of: 200), at: start)
        progress.take(.received(50), at: start + .seconds(1))
        #expect(progress.received == 200 && progress.total == 300 && progress.speed == 50)
        progress.take(.startsAgain("it must"), at: start)
        #expect(progress.received == 100)
    }
}
