import Foundation
import Inference
import LatticeTesting
import Testing

@testable import lattice

/// The program itself, as a person or a script runs it.
@Suite(.timeLimit(.minutes(3))) struct `Models at the command line` {
    private struct Output {
        var status: Int32
        var text: String
        var errors: String
    }

    /// Runs the program; its output is a pipe.
    private static func lattice(_ arguments: [String], input: String = "", models: String? = nil) throws -> Output {
        let process = Foundation.Process()
        let runner = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        process.executableURL = runner.appending(path: "lattice")
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["LATTICE_MODELS"] = models ?? "/nonexistent"
        process.environment = environment
        let (standardInput, output, errors) = (Foundation.Pipe(), Foundation.Pipe(), Foundation.Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        standardInput.fileHandleForWriting.write(Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let fault = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Output(
            status: process.terminationStatus,
            text: String(decoding: text, as: UTF8.self),
            errors: String(decoding: fault, as: UTF8.self)
        )
    }

    @Test func `answer a prompt, from the arguments or from a pipe, and nothing else on standard output`() throws {
        let first = try Self.lattice(["run", "lattice-tiny", "What is", "Lattice?", "--temperature", "0"])
        #expect(first.status == 0 && first.text.hasPrefix("Lattice is a decentralized network"), "\(first.errors)")
        #expect(!first.text.contains("\u{1B}") && first.text.hasSuffix("\n") && first.errors.isEmpty)
        let second = try Self.lattice(["run", "lattice-tiny", "--temperature", "0"], input: "What is Lattice?\n")
        #expect(second.text == first.text)
        let none = try Self.lattice(["run", "lattice-tiny"])
        #expect(none.status != 0 && none.errors.contains("no prompt"))
    }

    @Test func `answer in JSON, the same for the same seed`() throws {
        struct Report: Decodable, Equatable {
            var text: String
            var finish_reason: String
            var completion_tokens: Int
        }
        let arguments = [
            "run", "lattice-tiny", "Hello", "--seed", "7", "--temperature", "1", "--max-tokens", "8", "--json",
        ]
        let reports = try (0..<2).map { _ in
            try JSONDecoder().decode(Report.self, from: Data(Self.lattice(arguments).text.utf8))
        }
        #expect(reports[0] == reports[1] && reports[0].completion_tokens <= 8 && reports[0].finish_reason == "length")
    }

    @Test func `keep an answer to a schema or a grammar`() throws {
        try withTemporaryDirectory { folder in
            let schema = #"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#
            try Data(schema.utf8).write(to: URL(filePath: folder + "/s.json"))
            try Data(#"root ::= "yes" | "no""#.utf8).write(to: URL(filePath: folder + "/g.gbnf"))
            let text = try Self.lattice([
                "run", "lattice-tiny", "Hi", "--schema", folder + "/s.json", "--max-tokens", "40",
            ])
            #expect(try JSONSerialization.jsonObject(with: Data(text.text.utf8)) is [String: Any])
            let word = try Self.lattice(["run", "lattice-tiny", "Hi", "--grammar", folder + "/g.gbnf"])
            #expect(["yes\n", "no\n"].contains(word.text))
            try Data("root ::= (".utf8).write(to: URL(filePath: folder + "/g.gbnf"))
            let fault = try Self.lattice(["run", "lattice-tiny", "Hi", "--grammar", folder + "/g.gbnf"])
            #expect(fault.status != 0 && fault.errors.contains("g.gbnf"))
        }
    }

    @Test func `write receipts that are believed, and no others`() throws {
        try withTemporaryDirectory { folder in
            let path = folder + "/receipt.json"
            let schema = #"{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}"#
            try Data(schema.utf8).write(to: URL(filePath: folder + "/s.json"))
            for options in [[], ["--schema", folder + "/s.json"]] {
                let run = ["run", "lattice-tiny", "Hello", "--max-tokens", "30", "--receipt", path] + options
                #expect(try Self.lattice(run).status == 0)
                let verdict = try Self.lattice(["verify", path])
                #expect(verdict.status == 0 && verdict.text.hasPrefix("Believed: lattice-tiny:q8_0"), "\(verdict)")
            }
            var file = try ReceiptReader.read(path)
            let good = file
            #expect(try Self.verify(good, in: folder, wrapped: true).status == 0)

            file.answerTokens[1] ^= 1
            let token = try Self.verify(file, in: folder)
            #expect(token.status == 1 && token.text.contains("token 1 of the answer"))

            file = good
            file.receipt.chain = String(file.receipt.chain.reversed())
            #expect(try Self.verify(file, in: folder).status == 1)

            file = good
            file.grammar = nil
            #expect(try Self.verify(file, in: folder).text.contains("another grammar"))

            file = good
            file.text = "I never said that."
            for wrapped in [false, true] {
                let verdict = try Self.verify(file, in: folder, wrapped: wrapped)
                #expect(verdict.status == 1 && verdict.text.contains("the text beside them is another"))
            }

            file = good
            file.receipt.model = String(repeating: "0", count: 64)
            let unknown = try Self.verify(file, in: folder)
            #expect(unknown.status == 2 && unknown.errors.contains("Pull it"))

            try Data("{}".utf8).write(to: URL(filePath: path))
            let none = try Self.lattice(["verify", path, "--json"])
            #expect(none.status == 2 && none.text.contains("\"checked\" : false"))
        }
    }

    private static func verify(_ file: ReceiptFile, in folder: String, wrapped: Bool = false) throws -> Output {
        struct Answer: Encodable {
            struct Part: Encodable { var computation: ReceiptFile }
            struct Choice: Encodable {
                struct Message: Encodable { var content: String }
                var message: Message
            }
            var id = "chatcmpl-1"
            var choices: [Choice]
            var lattice: Part
        }
        let path = folder + "/other.json"
        var bare = file
        bare.text = nil
        let answer = Answer(
            choices: [.init(message: .init(content: file.text ?? ""))],
            lattice: .init(computation: bare)
        )
        let text = wrapped ? try JSON.text(answer) : try JSON.text(file)
        try Data(text.utf8).write(to: URL(filePath: path))
        return try lattice(["verify", path])
    }

    @Test func `are listed, shown and removed`() throws {
        try withTemporaryDirectory { folder in
            try FileManager.default.copyItem(atPath: DefaultModel.path(), toPath: folder + "/mine-q8_0.gguf")
            try Data(GGUFBytes.file()).write(to: URL(filePath: folder + "/other.gguf"))
            let list = try Self.lattice(["ls"], models: folder)
            #expect(
                list.text.contains("mine:q8_0") && list.text.contains("lattice-tiny:q8_0")
                    && !list.text.contains("\u{1B}")
            )
            let rows = try JSONSerialization.jsonObject(
                with: Data(Self.lattice(["models", "--json"], models: folder).text.utf8)
            )
            #expect((rows as? [[String: Any]])?.count == 3)
            #expect(try Self.lattice(["show", "mine"], models: folder).text.contains("It runs here."))
            let other = try Self.lattice(["show", "other", "--tensors", "--metadata"], models: folder)
            #expect(other.text.contains("tensor.0") && other.text.contains("general.architecture = \"llama\""))
            #expect(try Self.lattice(["show", "other"], models: folder).text.contains("cannot be run here"))
            #expect(try Self.lattice(["show", "mine", "--template"], models: folder).text.contains("{%"))
            #expect(try Self.lattice(["rm", "mine", "nothing"], models: folder).status != 0)
            #expect(try Self.lattice(["rm", "mine"], models: folder).text == "removed mine:q8_0\n")
            #expect(!FileManager.default.fileExists(atPath: folder + "/mine-q8_0.gguf"))
        }
    }
}

@Suite struct `A conversation with a model` {
    @Test func `remembers what was said, and computes it once`() async throws {
        let engine = try await Engine.load(path: DefaultModel.path(), options: EngineOptions(slots: 1))
        defer { engine.close() }
        var settings = RunSettings()
        settings.temperature = 0
        var session = RunSession(engine: engine, name: "lattice-tiny", settings: settings)
        let first = try await session.ask("What is Lattice?") { _ in }
        #expect(first.reason == .stop && first.text.hasPrefix("Lattice is"))
        let second = try await session.ask("What is a node?") { _ in }
        #expect(session.turns.map(\.role) == ["user", "assistant", "user", "assistant"])
        #expect(second.promptTokens > first.promptTokens + first.completionTokens)
        session.clear()
        #expect(session.turns.isEmpty)
        #expect(try await session.ask("What is Lattice?") { _ in }.text == first.text)
    }

    @Test func `forgets a question that was refused`() async throws {
        let engine = try await Engine.load(path: DefaultModel.path(), options: EngineOptions(slots: 1))
        defer { engine.close() }
        var session = RunSession(engine: engine, name: "lattice-tiny", settings: RunSettings())
        let long = String(repeating: "all the words of a long story ", count: 600)
        await #expect(throws: GenerationError.self) { try await session.ask(long) { _ in } }
        #expect(session.turns.isEmpty)
    }

    @Test(arguments: [
        ("temperature", "3"), ("temperature", "x"), ("temperature", "nan"), ("top-p", "0"), ("top-k", "-1"),
        ("seed", "x"),
        ("max-tokens", "0"), ("thinking", "maybe"), ("colour", "red"),
    ])
    func `takes no value that makes no sense`(name: String, value: String) {
        var settings = RunSettings()
        #expect(throws: RunSettings.Fault.self) { try settings.set(name, to: value) }
    }

    @Test func `takes values by name`() throws {
        var settings = RunSettings()
        for (name, value) in [
            ("temperature", "0.2"), ("seed", "9"), ("max-tokens", "5"), ("thinking", "off"), ("top-k", "3"),
        ] {
            try settings.set(name, to: value)
        }
        #expect(settings.sampling.temperature == 0.2 && settings.sampling.seed == 9 && settings.sampling.topK == 3)
        #expect(settings.maxTokens == 5 && settings.thinking == false)
        #expect(settings.rows.count == RunSettings.names.count)
    }
}
