import ArgumentParser
import Foundation
import Inference
import NIOConcurrencyHelpers

/// Talks with a model in this process, without a network.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Talk with a model on this machine, without a network.",
        discussion: """
            lattice run MODEL                           a conversation; /help lists its commands
            lattice run MODEL "What is a hub?"          one answer
            cat notes.txt | lattice run MODEL "Sum up"  the text follows the prompt

            MODEL is a name of 'lattice models', or a GGUF file.
            """
    )

    @Argument(help: "A model of 'lattice models', or a GGUF file.")
    var model: String

    @Argument(help: "The prompt. Left out: read from standard input, or a conversation at a terminal.")
    var prompt: [String] = []

    @Option(help: "What the model is told before the conversation.")
    var system: String?

    @Option(help: "0 for the most likely answer, up to 2 for the most surprising (default: 0.7).")
    var temperature: Double?

    @Option(help: "Makes the answer the same each time, on every machine.")
    var seed: UInt64?

    @Option(help: "The most tokens of an answer.")
    var maxTokens: Int?

    @Option(help: "A file with the JSON schema that the answer is kept to.")
    var schema: String?

    @Option(help: "A file with the grammar, in GBNF, that the answer is kept to.")
    var grammar: String?

    @Option(
        help: "Tokens of prompt and answer together that there is room for (default: as the model has, up to 4096)."
    )
    var context: Int?

    @Option(help: "Threads that compute (default: as the model's size asks for).")
    var threads: Int?

    @Option(help: "Write the receipt of computation of the last answer to this file, for 'lattice verify'.")
    var receipt: String?

    @Flag(help: "Print tokens and speed after each answer.")
    var verbose = false

    @Flag(help: "Print the answer and its account as one JSON object.")
    var json = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let settings = try runSettings()
        let model = try await storedModel()
        let question = try question()
        if let receipt,
            !FileManager.default.isWritableFile(atPath: URL(filePath: receipt).deletingLastPathComponent().path)
        {
            throw RunSettings.Fault(
                description: "the receipt cannot be written to '\(receipt)'. Is there such a folder?"
            )
        }
        let size = model.paths.reduce(0) { sum, path in
            sum + ((try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0)
        }
        let engineOptions = EngineOptions(
            threads: threads.map { min(max($0, 1), 64) },
            slots: 1,
            contextLength: context
        )
        let engine: Engine
        do {
            engine = try await LoadingLine.shown("loading \(model.name) (\(ByteText.of(size)))") {
                try await Engine.load(path: model.path, options: engineOptions)
            }
        } catch let error as ModelError {
            throw Self.explained(error, model)
        }
        defer { engine.close() }
        var session = RunSession(engine: engine, name: model.name, settings: settings)
        session.wantsReceipt = receipt != nil
        if let question {
            try await answer(question, &session)
        } else {
            var conversation = RunConversation(session: session, model: model, receiptPath: receipt)
            try await conversation.run()
        }
    }

    /// The model; one that is not here is pulled, if there is a person to ask.
    private func storedModel() async throws -> StoredModel {
        let settings = try await options.settings()
        let store = ModelStore(settings: settings)
        do {
            return try store.model(model)
        } catch let fault as ModelStore.Fault {
            guard !json, isatty(STDIN_FILENO) == 1, Terminal.errors.isInteractive,
                let name = try? ModelName(model), name.organization != nil
            else { throw fault }
            Terminal.errors.write("\(name) is not here. Pull it? [Y/n] ")
            guard let answer = readLine(), ["", "y", "yes"].contains(answer.lowercased()) else { throw fault }
            let result = try await PullJob(settings: settings).run(model)
            return try store.model(result.manifest.name)
        }
    }

    /// One answer.
    private func answer(_ question: String, _ session: inout RunSession) async throws {
        let answer = json ? try await session.ask(question) { _ in } : try await session.askAndPrint(question)
        if json { print(try JSON.text(Report(answer, model: session.name))) }
        if verbose, !json { StandardError.print(Terminal.errors.styled(answer.account, .dim)) }
        if let receipt, let file = answer.receipt { try file.write(to: receipt) }
        if answer.reason == .cancelled { throw ExitCode(130) }
    }

    /// What is asked, or `nil` for a conversation.
    private func question() throws -> String? {
        let typed = prompt.joined(separator: " ")
        if isatty(STDIN_FILENO) == 1 {
            guard prompt.isEmpty else { return typed }
            guard !json, Terminal.output.isInteractive || isatty(STDOUT_FILENO) == 1 else {
                throw RunSettings.Fault(
                    description: "there is no prompt. Give one after the model's name, or on standard input."
                )
            }
            return nil
        }
        let input = PipedInput.read().trimmingCharacters(in: .whitespacesAndNewlines)
        let question = [typed, input].filter { !$0.isEmpty }.joined(separator: "\n\n")
        guard !question.isEmpty else {
            throw RunSettings.Fault(
                description: "there is no prompt. Give one after the model's name, or on standard input."
            )
        }
        return question
    }

    private func runSettings() throws -> RunSettings {
        var settings = RunSettings()
        settings.system = system
        settings.isVerbose = verbose
        settings.seed = seed
        if let temperature { try settings.set("temperature", to: "\(temperature)") }
        if let maxTokens { try settings.set("max-tokens", to: "\(maxTokens)") }
        guard schema == nil || grammar == nil else {
            throw RunSettings.Fault(description: "an answer is kept to a schema or to a grammar, not to both.")
        }
        if let schema { settings.grammar = .init(kind: .jsonSchema, text: try Self.text(of: schema)) }
        if let grammar { settings.grammar = .init(kind: .gbnf, text: try Self.text(of: grammar)) }
        // Told now, and not after the model was loaded.
        do {
            _ = try settings.grammar?.grammar()
        } catch {
            throw RunSettings.Fault(description: "\(schema ?? grammar ?? ""): \(error)")
        }
        return settings
    }

    private static func text(of path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path), data.count <= Grammar.sizeLimit,
            let text = String(data: data, encoding: .utf8)
        else {
            throw RunSettings.Fault(
                description: "'\(path)' cannot be read as text of at most \(ByteText.of(Grammar.sizeLimit))."
            )
        }
        return text
    }

    /// An error of loading with what to do instead.
    private static func explained(_ error: ModelError, _ model: StoredModel) -> any Error {
        guard let summary = try? model.summary(), summary.isEmbedder else { return error }
        return ModelStore.Fault(
            description: "\(model.name) turns texts into vectors and does not chat. Choose another model."
        )
    }

    /// What `--json` prints.
    private struct Report: Encodable {
        var model: String
        var text: String
        var reasoning: String?
        var finish_reason: String
        var prompt_tokens: Int
        var cached_prompt_tokens: Int
        var completion_tokens: Int
        var first_token_ms: Double?
        var prefill_ms: Double
        var decode_ms: Double
        var tokens_per_second: Double?

        init(_ answer: RunSession.Answer, model: String) {
            self.model = model
            text = answer.text
            reasoning = answer.reasoning.isEmpty ? nil : answer.reasoning
            finish_reason = answer.reason.rawValue
            prompt_tokens = answer.promptTokens
            cached_prompt_tokens = answer.cachedPromptTokens
            completion_tokens = answer.completionTokens
            first_token_ms = answer.first.map { Self.rounded($0 / .milliseconds(1)) }
            prefill_ms = Self.rounded(answer.prefill / .milliseconds(1))
            decode_ms = Self.rounded(answer.decode / .milliseconds(1))
            tokens_per_second = answer.speed.map(Self.rounded)
        }

        private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
    }
}

/// What was piped into the program.
enum PipedInput {
    /// The most bytes that are read; far more than any context holds.
    private static let limit = 64 << 20

    static func read() -> String {
        var data = Data()
        while data.count < limit, let block = try? FileHandle.standardInput.read(upToCount: 1 << 16), !block.isEmpty {
            data += block
        }
        return String(decoding: data, as: UTF8.self)
    }
}

/// A printer that the reader of an answer and its caller share.
final class PrinterBox: Sendable {
    private let printer = NIOLockedValueBox(AnswerPrinter())

    func write(_ parts: [ChatOutputPart]) { printer.withLockedValue { $0.write(parts) } }

    func end() { printer.withLockedValue { $0.end() } }
}
