import Foundation
import Inference
import LatticeTesting
import NIOConcurrencyHelpers
import Testing

@testable import lattice

/// Downloads from a real server on this machine.
@Suite(.timeLimit(.minutes(2))) struct `Pulling a model` {
    static let environment = ProcessInfo.processInfo.environment
    static let victimURL = environment["LATTICE_VICTIM_PULLS"]
    static let victimFolder = environment["LATTICE_VICTIM_FOLDER"]

    @Test func `keeps it under the name that the address gives, with its digest and what it says of itself`()
        async throws
    {
        let bytes = GGUFBytes.file()
        try await PullTest.run({ FileServer.file(bytes, for: $0) }) { (test: PullTest) async throws in
            let result = try await test.pull("/files/Some-Model-Q4_K_M.gguf")
            #expect(!result.wasThere)
            #expect(result.manifest.name == "Some-Model:Q4_K_M")
            #expect(result.manifest.fingerprint == GGUFBytes.digest(bytes))
            #expect(result.summary.name == "made of bytes 0" && result.summary.parameters == 1024)
            let model = try test.store.model("some-model")
            #expect(try [UInt8](Data(contentsOf: URL(filePath: model.path))) == bytes)
            #expect(try test.leftovers().isEmpty)
        }
    }

    @Test func `fetches nothing that is here already`() async throws {
        let bytes = GGUFBytes.file()
        try await PullTest.run({ FileServer.file(bytes, for: $0) }) { (test: PullTest) async throws in
            _ = try await test.pull("/a-q8_0.gguf")
            #expect(try await test.pull("/a-q8_0.gguf").wasThere)
            #expect(test.server.requests.count == 1)
            await #expect { try await test.pull("/other/a-q8_0.gguf") } throws: { "\($0)".contains("--name") }
            #expect(try await test.pull("/other/a-q8_0.gguf", isForced: true).wasThere == false)
            #expect(try test.store.model("a").knownFingerprint == GGUFBytes.digest(bytes))
        }
    }

    @Test(arguments: 0..<8) func `goes on where a broken connection stopped, wherever that was`(seed: UInt64)
        async throws
    {
        let bytes = GGUFBytes.file(weights: 60_000)
        let random = NIOLockedValueBox(SeededGenerator(seed: seed))
        let cuts = NIOLockedValueBox(5)
        try await PullTest.run({ request in
            var reply = FileServer.file(bytes, for: request)
            let isCut = cuts.withLockedValue { left in
                left -= 1
                return left >= 0
            }
            if isCut { reply.cut = random.withLockedValue { Int.random(in: 0...reply.body.count - 1, using: &$0) } }
            return reply
        }) { (test: PullTest) async throws in
            let result = try await test.pull("/model.gguf")
            #expect(result.manifest.fingerprint == GGUFBytes.digest(bytes), "seed \(seed)")
            #expect(test.server.requests.count == 6)
            let starts = test.server.requests.map { $0.rangeStart ?? 0 }
            #expect(starts == starts.sorted(), "nothing is fetched twice")
            #expect(test.server.requests.allSatisfy { $0.rangeStart == nil || $0.headers["if-range"] == "\"one\"" })
        }
    }

    @Test func `goes on in another process that pulls it later`() async throws {
        let bytes = GGUFBytes.file(weights: 200_000)
        let isBroken = NIOLockedValueBox(true)
        try await PullTest.run({ request in
            var reply = FileServer.file(bytes, for: request)
            if isBroken.withLockedValue({ $0 }) {
                if request.rangeStart != nil { return FileServer.Reply(status: 503) }
                reply.cut = 700_000
            }
            return reply
        }) { (test: PullTest) async throws in
            await #expect { try await test.pull("/model.gguf") } throws: { "\($0)".contains("kB) is kept") }
            #expect(throws: ModelStore.Fault.self) { try test.store.model("model") }
            isBroken.withLockedValue { $0 = false }
            #expect(try await test.pull("/model.gguf").manifest.fingerprint == GGUFBytes.digest(bytes))
            let start = test.server.requests.last?.rangeStart ?? 0
            // A cut connection may take bytes with it that had not been read.
            #expect((1...700_000).contains(start), "what was kept is not fetched again")
        }
    }

    @Test func `begins again when the file has changed meanwhile`() async throws {
        let old = GGUFBytes.file(weights: 20_000)
        let new = GGUFBytes.file(weights: 20_000, salt: 1)
        let count = NIOLockedValueBox(0)
        try await PullTest.run({ request in
            let number = count.withLockedValue { count in
                count += 1
                return count
            }
            var reply = FileServer.file(number == 1 ? old : new, for: request, tag: number == 1 ? "\"old\"" : "\"new\"")
            if number == 1 { reply.cut = 30_000 }
            return reply
        }) { (test: PullTest) async throws in
            #expect(try await test.pull("/model.gguf").manifest.fingerprint == GGUFBytes.digest(new))
            #expect(test.events.contains(.startsAgain("the file has changed")))
        }
    }

    @Test func `begins again where a server sends no parts`() async throws {
        let bytes = GGUFBytes.file(weights: 20_000)
        let count = NIOLockedValueBox(0)
        try await PullTest.run({ _ in
            let isFirst = count.withLockedValue { count in
                count += 1
                return count == 1
            }
            return FileServer.Reply(headers: [("ETag", "\"one\"")], body: bytes, cut: isFirst ? 30_000 : nil)
        }) { (test: PullTest) async throws in
            #expect(try await test.pull("/model.gguf").manifest.fingerprint == GGUFBytes.digest(bytes))
            #expect(test.events.contains(.startsAgain("the server sends no parts")))
        }
    }

    @Test func `takes no part that it did not ask for`() async throws {
        let bytes = GGUFBytes.file(weights: 20_000)
        let count = NIOLockedValueBox(0)
        try await PullTest.run({ request in
            let number = count.withLockedValue { count in
                count += 1
                return count
            }
            let whole = FileServer.Reply(headers: [("ETag", "\"one\"")], body: bytes, cut: number == 1 ? 60_000 : nil)
            guard request.rangeStart != nil else { return whole }
            let range = ("Content-Range", "bytes 10-\(bytes.count - 1)/\(bytes.count)")
            return FileServer.Reply(status: 206, headers: [range], body: Array(bytes[10...]))
        }) { (test: PullTest) async throws in
            #expect(try await test.pull("/model.gguf").manifest.fingerprint == GGUFBytes.digest(bytes))
        }
        try await PullTest.run({ _ in
            FileServer.Reply(status: 206, headers: [("Content-Range", "bytes 0-9/20")], body: Array(bytes[..<10]))
        }) { (test: PullTest) async throws in
            await #expect(throws: FileDownload.Fault.self) { try await test.pull("/model.gguf") }
        }
    }

    @Test func `believes no part without a mark to tell whether the file is the same`() async throws {
        let bytes = GGUFBytes.file(weights: 20_000)
        let isFirst = NIOLockedValueBox(true)
        try await PullTest.run({ request in
            var reply = FileServer.file(bytes, for: request, tag: nil)
            if isFirst.withLockedValue({ $0 }) { reply.cut = 30_000 }
            return request.rangeStart == nil ? reply : FileServer.Reply(status: 503)
        }) { (test: PullTest) async throws in
            await #expect(throws: FileDownload.Fault.self) { try await test.pull("/model.gguf") }
            isFirst.withLockedValue { $0 = false }
            _ = try await test.pull("/model.gguf")
            #expect(test.server.requests.last?.rangeStart == nil)
        }
    }

    @Test func `believes no part of before the machine's last start, unless a digest will tell`() async throws {
        let bytes = GGUFBytes.file(weights: 20_000)
        for digest in [nil, SHA256Text(GGUFBytes.digest(bytes))] {
            let isBroken = NIOLockedValueBox(true)
            try await PullTest.run({ request in
                var reply = FileServer.file(bytes, for: request)
                guard isBroken.withLockedValue({ $0 }) else { return reply }
                reply.cut = 60_000
                return request.rangeStart == nil ? reply : FileServer.Reply(status: 503)
            }) { (test: PullTest) async throws in
                await #expect(throws: FileDownload.Fault.self) { try await test.pull("/model.gguf", sha256: digest) }
                let path = test.folder + "/.pulling/model+latest/model.gguf.part.json"
                var origin = try JSONDecoder().decode(PartFile.Origin.self, from: Data(contentsOf: URL(filePath: path)))
                origin.start = "another"
                try JSONEncoder().encode(origin).write(to: URL(filePath: path))
                isBroken.withLockedValue { $0 = false }
                _ = try await test.pull("/model.gguf", sha256: digest)
                #expect((test.server.requests.last?.rangeStart != nil) == (digest != nil))
            }
        }
    }

    @Test func `refuses what has another digest than was asked for, and keeps nothing of it`() async throws {
        let bytes = GGUFBytes.file()
        let wrong = SHA256Text(GGUFBytes.digest([1]))
        try await PullTest.run({ FileServer.file(bytes, for: $0) }) { (test: PullTest) async throws in
            await #expect {
                try await test.pull("/model.gguf", sha256: wrong)
            } throws: { "\($0)".contains(GGUFBytes.digest(bytes)) && "\($0)".contains(GGUFBytes.digest([1])) }
            #expect(try test.leftovers().isEmpty)
            #expect(throws: ModelStore.Fault.self) { try test.store.model("model") }
            #expect(try await test.pull("/model.gguf", sha256: SHA256Text(GGUFBytes.digest(bytes))).wasThere == false)
        }
    }

    @Test func `fetches all again when the part of an earlier time had gone bad`() async throws {
        let bytes = GGUFBytes.file(weights: 20_000)
        let isBroken = NIOLockedValueBox(true)
        try await PullTest.run({ request in
            var reply = FileServer.file(bytes, for: request)
            if isBroken.withLockedValue({ $0 }) {
                if request.rangeStart != nil { return FileServer.Reply(status: 503) }
                reply.cut = 30_000
            }
            return reply
        }) { (test: PullTest) async throws in
            let digest = SHA256Text(GGUFBytes.digest(bytes))
            await #expect(throws: FileDownload.Fault.self) { try await test.pull("/model.gguf", sha256: digest) }
            let part = test.folder + "/.pulling/model+latest/model.gguf.part"
            let handle = try #require(FileHandle(forWritingAtPath: part))
            try handle.seek(toOffset: 10_000)
            try handle.write(contentsOf: Data([1, 2, 3]))
            try handle.close()
            isBroken.withLockedValue { $0 = false }
            #expect(try await test.pull("/model.gguf", sha256: digest).manifest.fingerprint == digest?.text)
            #expect(test.events.contains(.startsAgain("the digest is wrong")))
        }
    }

    @Test func `refuses what is no GGUF file, and keeps nothing of it`() async throws {
        try await PullTest.run({ FileServer.file(Array("<html>not found</html>".utf8), for: $0) }) {
            (test: PullTest) async throws in
            await #expect { try await test.pull("/model.gguf") } throws: { "\($0)".contains("not a GGUF file") }
            #expect(try test.leftovers().isEmpty)
        }
    }

    @Test func `says what to do when there is nothing, or it is for others`() async throws {
        try await PullTest.run({ FileServer.Reply(status: $0.path.contains("gone") ? 404 : 401) }) {
            (test: PullTest) async throws in
            await #expect { try await test.pull("/gone.gguf") } throws: { "\($0)".contains("Check the name") }
            await #expect { try await test.pull("/gated.gguf") } throws: { "\($0)".contains("HF_TOKEN") }
            #expect(test.server.requests.count == 2, "neither is tried again")
        }
    }

    @Test func `waits as long as a busy server asks for`() async throws {
        let bytes = GGUFBytes.file()
        let count = NIOLockedValueBox(0)
        try await PullTest.run({ request in
            let number = count.withLockedValue { count in
                count += 1
                return count
            }
            if number == 1 { return FileServer.Reply(status: 429, headers: [("Retry-After", "7")]) }
            return number == 2 ? FileServer.Reply(status: 503) : FileServer.file(bytes, for: request)
        }) { (test: PullTest) async throws in
            _ = try await test.pull("/model.gguf")
            #expect(test.waits == [.seconds(7), .seconds(1)])
        }
        try await PullTest.run({ _ in FileServer.Reply(status: 429, headers: [("Retry-After", "7200")]) }) {
            (test: PullTest) async throws in
            await #expect { try await test.pull("/model.gguf") } throws: { "\($0)".contains("2.0 h") }
            #expect(test.waits.isEmpty)
        }
    }

    @Test func `gives up after some tries without a byte`() async throws {
        try await PullTest.run({ _ in FileServer.Reply(status: 502) }) { (test: PullTest) async throws in
            await #expect { try await test.pull("/model.gguf") } throws: { "\($0)".contains("502") }
            #expect(test.server.requests.count == 6)
            #expect(test.waits == [0.5, 1, 2, 4, 8].map { .seconds($0) })
        }
        let port = try await FileServer.run({ _ in FileServer.Reply() }) { $0.port }
        try await PullTest.run({ _ in FileServer.Reply() }) { (test: PullTest) async throws in
            await #expect {
                try await test.puller().pull(
                    PullSource("http://127.0.0.1:\(port)/model.gguf", hub: test.server.url("")),
                    name: nil,
                    sha256: nil
                )
            } throws: { "\($0)".contains("does not answer") && "\($0)".contains("network") }
            #expect(test.waits.count == 2)
        }
    }

    @Test func `follows redirects, and not for ever`() async throws {
        let bytes = GGUFBytes.file()
        try await PullTest.run({ request in
            switch request.path {
            case "/model.gguf": FileServer.Reply(status: 302, headers: [("Location", "/elsewhere?key=1")])
            case "/round.gguf": FileServer.Reply(status: 302, headers: [("Location", "/round.gguf")])
            case "/file.gguf": FileServer.Reply(status: 302, headers: [("Location", "file:///etc/passwd")])
            default: FileServer.file(bytes, for: request)
            }
        }) { (test: PullTest) async throws in
            #expect(try await test.pull("/model.gguf").manifest.fingerprint == GGUFBytes.digest(bytes))
            await #expect { try await test.pull("/round.gguf") } throws: { "\($0)".contains("without an end") }
            await #expect { try await test.pull("/file.gguf") } throws: { "\($0)".contains("no web address") }
        }
    }

    @Test func `begins nothing that the disk has no room for`() async throws {
        let bytes = GGUFBytes.file(weights: 20_000)
        try await PullTest.run({ FileServer.file(bytes, for: $0) }) { (test: PullTest) async throws in
            await #expect {
                try await test.pull("/model.gguf", freeSpace: 50_000_000)
            } throws: { "\($0)".contains("free") && "\($0)".contains("LATTICE_MODELS") }
            #expect(throws: ModelStore.Fault.self) { try test.store.model("model") }
        }
    }

    @Test func `takes no more bytes than were promised`() async throws {
        let bytes = GGUFBytes.file()
        let listing = PullTest.listing([("model-Q8_0.gguf", bytes)])
        try await PullTest.run({ request in
            if request.path.hasPrefix("/api/") { return FileServer.Reply(body: listing) }
            return FileServer.Reply(body: bytes + bytes, hasLength: false)
        }) { (test: PullTest) async throws in
            await #expect(throws: (any Error).self) { try await test.pull("org/model") }
            #expect(throws: ModelStore.Fault.self) { try test.store.model("org/model") }
        }
    }

    @Test func `lets no second pull write the same file`() async throws {
        let bytes = GGUFBytes.file(weights: 60_000)
        let stalls = NIOLockedValueBox(true)
        try await PullTest.run({ request in
            var reply = FileServer.file(bytes, for: request)
            if stalls.withLockedValue({ $0 }) { reply.stall = 200_000 }
            return reply
        }) { (test: PullTest) async throws in
            let first = Task { try await test.pull("/model.gguf") }
            try await eventually("the first to have got something") { (try? test.partSize()) ?? 0 > 100_000 }
            await #expect { try await test.pull("/model.gguf") } throws: { "\($0)".contains("another process") }
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
            stalls.withLockedValue { $0 = false }
            let started = test.server.requests.count
            _ = try await test.pull("/model.gguf")
            #expect(test.server.requests.count == started + 1)
            #expect(test.server.requests.last?.rangeStart ?? 0 > 0, "what was cancelled is gone on with")
        }
    }

    @Test func `pulls the files of a split model together`() async throws {
        let shards = (0..<3).map { GGUFBytes.file(weights: 5000, salt: UInt8($0), split: ($0, 3)) }
        @Sendable func reply(_ request: FileServer.Request) -> FileServer.Reply {
            for number in 1...3 where request.path.contains("-0000\(number)-of-00003.gguf") {
                return FileServer.file(shards[number - 1], for: request)
            }
            return FileServer.Reply(status: 404)
        }
        try await PullTest.run(reply) { (test: PullTest) async throws in
            let result = try await test.pull("/big-Q8_0-00001-of-00003.gguf?key=1")
            #expect(result.manifest.name == "big:Q8_0" && result.summary.shards == 3)
            #expect(result.manifest.fingerprint == GGUFBytes.digest(shards.flatMap { $0 }))
            #expect(test.server.requests.allSatisfy { $0.path.hasSuffix("?key=1") })
            #expect(try GGUFFile(path: test.store.path(for: "big")).shards == 3)
        }
    }

    // MARK: - Killed

    @Test(.enabled(if: victimURL != nil, "run by the test that kills it"))
    func `victim that pulls until it is killed`() async throws {
        let url = try #require(Self.victimURL)
        let folder = try #require(Self.victimFolder)
        let hub = try #require(URL(string: "http://127.0.0.1:1"))
        let web = Web(environment: [:])
        let puller = Puller(store: ModelStore(folder: folder), hub: Hub(url: hub, secret: nil, web: web)) { _ in }
        _ = try await puller.pull(PullSource(url, hub: hub), name: nil, sha256: nil)
        await web.shutdown()
    }

    @Test(.enabled(if: victimURL == nil)) func `goes on after a process that was killed in the middle`() async throws {
        let bytes = GGUFBytes.file(weights: 200_000)
        let stalls = NIOLockedValueBox(true)
        try await PullTest.run({ request in
            var reply = FileServer.file(bytes, for: request)
            if stalls.withLockedValue({ $0 }) { reply.stall = 400_000 }
            return reply
        }) { (test: PullTest) async throws in
            let victim = try Victim(
                running: "victim that pulls",
                [
                    "LATTICE_VICTIM_PULLS": try test.server.url("/model.gguf").absoluteString,
                    "LATTICE_VICTIM_FOLDER": test.folder,
                ]
            )
            defer { victim.kill() }
            try await eventually("a part to be there", within: .seconds(30)) { (try? test.partSize()) ?? 0 > 100_000 }
            victim.kill()
            stalls.withLockedValue { $0 = false }
            #expect(try await test.pull("/model.gguf").manifest.fingerprint == GGUFBytes.digest(bytes))
            #expect(test.server.requests.last?.rangeStart ?? 0 > 100_000)
            #expect(try test.leftovers().isEmpty)
        }
    }
}

/// A server, a store in a folder of its own, and what was said while pulling.
struct PullTest: Sendable {
    let server: FileServer
    let folder: String
    private let web: Web
    private let heard = NIOLockedValueBox<[PullEvent]>([])
    private let slept = NIOLockedValueBox<[Duration]>([])

    var store: ModelStore { ModelStore(folder: folder) }
    var events: [PullEvent] { heard.withLockedValue { $0 } }
    var waits: [Duration] { slept.withLockedValue { $0 } }

    static func run(
        _ handler: @escaping @Sendable (FileServer.Request) -> FileServer.Reply,
        _ body: (PullTest) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            try await FileServer.run(handler) { server in
                let web = Web(environment: [:])
                do {
                    try await body(PullTest(server: server, folder: folder + "/models", web: web))
                } catch {
                    await web.shutdown()
                    throw error
                }
                await web.shutdown()
            }
        }
    }

    /// A puller that waits for nothing.
    func puller(token: String? = nil) -> Puller {
        let url = URL(string: "http://127.0.0.1:\(server.port)") ?? URL(filePath: "/")
        let secret = token.flatMap { token in WebOrigin(url).map { Web.Secret(token: token, origin: $0) } }
        var puller = Puller(store: store, hub: Hub(url: url, secret: secret, web: web)) { event in
            heard.withLockedValue { $0.append(event) }
        }
        puller.retrying.sleep = { wait in slept.withLockedValue { $0.append(wait) } }
        return puller
    }

    /// Pulls a path of the server, or what else the text means.
    func pull(
        _ text: String,
        name: String? = nil,
        sha256: SHA256Text? = nil,
        token: String? = nil,
        isForced: Bool = false,
        freeSpace: Int? = nil
    ) async throws -> Puller.Result {
        let source = try PullSource(
            text.hasPrefix("/") ? server.url(text).absoluteString : text,
            hub: try server.url("")
        )
        var puller = puller(token: token)
        if let freeSpace { puller.freeSpace = { _ in freeSpace } }
        return try await puller.pull(
            source,
            name: try name.map { try ModelName($0) },
            sha256: sha256,
            isForced: isForced
        )
    }

    /// What lies where models are while they are pulled.
    func leftovers() throws -> [String] {
        let staging = folder + "/.pulling"
        guard FileManager.default.fileExists(atPath: staging) else { return [] }
        return try FileManager.default.subpathsOfDirectory(atPath: staging).filter {
            !$0.hasSuffix("+latest") && !$0.hasSuffix(".lock")
        }
    }

    /// The bytes that are there of `model.gguf`, which is being pulled.
    func partSize() throws -> Int {
        let part = folder + "/.pulling/model+latest/model.gguf.part"
        return try FileManager.default.attributesOfItem(atPath: part)[.size] as? Int ?? 0
    }

    /// A hub's list of files.
    static func listing(_ files: [(path: String, bytes: [UInt8])]) -> [UInt8] {
        let rows = files.map { file in
            #"{"type":"file","oid":"x","size":\#(file.bytes.count),"path":"\#(file.path)","#
                + #""lfs":{"oid":"\#(GGUFBytes.digest(file.bytes))","size":\#(file.bytes.count),"pointerSize":130}}"#
        }
        return Array("[\(rows.joined(separator: ","))]".utf8)
    }
}
