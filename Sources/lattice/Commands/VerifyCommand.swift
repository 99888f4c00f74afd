import ArgumentParser
import Foundation
import Inference

/// Computes an answer again and compares it with its receipt.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a receipt of computation by computing the answer again.",
        discussion: """
            The receipt is a file that 'lattice run --receipt FILE' wrote, or an answer of the API that holds
            'lattice.computation'. The answer is read by the same model in one pass; every token and every logit must be
            the same, bit for bit.

            Ends with 0 if the receipt is believed, 1 if it is not, and 2 if it could not be checked.
            """
    )

    @Argument(help: "The file; - reads standard input.")
    var receipt: String

    @Option(help: "The model (default: the stored one whose digest the receipt names).")
    var model: String?

    @Option(help: "Threads that compute (default: as the model's size asks for).")
    var threads: Int?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var options: StoreOptions

    /// What cannot be checked ends with this.
    private static let notChecked = ExitCode(2)

    func run() async throws {
        let verdict: Verdict
        do {
            verdict = try await check(ReceiptReader.read(receipt))
        } catch  where !(error is CancellationError) {
            if json { print(try JSON.text(Verdict(isChecked: false, reason: "\(error)"))) }
            StandardError.print("Error: \("\(error)".withoutControls)")
            throw Self.notChecked
        }
        if json {
            print(try JSON.text(verdict))
        } else if let text = verdict.text {
            print(text)
        } else {
            print("Not believed: \((verdict.reason ?? "").withoutControls)")
        }
        if !verdict.believed { throw ExitCode.failure }
    }

    private func check(_ file: ReceiptFile) async throws -> Verdict {
        let store = try await options.store()
        let model = try model.map { try store.model($0) } ?? find(file.receipt.model, in: store)
        let total = file.promptTokens.count + file.answerTokens.count
        let engine = try await Engine.load(
            path: model.path,
            options: EngineOptions(
                threads: threads.map { min(max($0, 1), 64) },
                slots: 1,
                contextLength: total + 1,
                cacheType: file.receipt.cache
            )
        )
        defer { engine.close() }
        var verdict = Verdict(file: file, model: model)
        let start = ContinuousClock.now
        do {
            try await file.check(with: engine)
            verdict.believed = true
        } catch .failed(let error) {
            throw Fault(description: "the receipt could not be checked: \(error)")
        } catch {
            verdict.reason = "\(error)"
        }
        verdict.seconds = (ContinuousClock.now - start) / .seconds(1)
        if verdict.believed, let text = file.text, !Self.says(text, file.answerTokens, engine) {
            verdict.believed = false
            verdict.reason = "the tokens are right, and the text beside them is another"
        }
        verdict.prompt = String(Self.text(of: file.promptTokens, engine).suffix(Self.shownPrompt))
        return verdict
    }

    /// Characters of the prompt's end that are shown: who asks must see that it is the own question that was answered.
    private static let shownPrompt = 160

    private static func text(of tokens: [TokenID], _ engine: Engine) -> String {
        var decoder = TokenDecoder(tokenizer: engine.tokenizer)
        return tokens.map { decoder.append($0) }.joined() + decoder.finish()
    }

    /// Whether the tokens say the text, with thoughts before it or without; what follows a stop string was cut off.
    private static func says(_ text: String, _ tokens: [TokenID], _ engine: Engine) -> Bool {
        let whole = Self.text(of: tokens, engine)
        let wanted = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let answers = [false, true].map { isThinking in
            var parser = ChatOutputParser(format: engine.chatFormat, isThinking: isThinking)
            return (parser.append(whole) + parser.finish())
                .map { if case .content(let text) = $0 { text } else { "" } }.joined()
        }
        return ([whole] + answers).contains {
            $0.trimmingCharacters(in: .whitespacesAndNewlines).hasPrefix(wanted)
        }
    }

    /// The stored model with this fingerprint.
    private func find(_ fingerprint: String, in store: ModelStore) throws -> StoredModel {
        let models = store.models()
        if let known = models.first(where: { $0.knownFingerprint == fingerprint }) { return known }
        let unknown = models.filter { $0.knownFingerprint == nil }
        if let found = unknown.first(where: { (try? GGUFFile(path: $0.path).fingerprint) == fingerprint }) {
            return found
        }
        throw Fault(
            description:
                "the receipt is for the model \(fingerprint.printable), which is not here. Pull it, or name its"
                + " file with --model."
        )
    }

    /// Why a receipt could not be checked.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// What came of it.
    struct Verdict: Encodable {
        var believed = false
        var checked = true
        var model: String?
        var fingerprint: String?
        var prompt_tokens: Int?
        var answer_tokens: Int?
        var reason: String?
        var seconds: Double?
        /// The end of the prompt that was answered.
        var prompt: String?
        /// What the answer was kept to.
        var grammar: String?

        init(isChecked: Bool, reason: String) {
            checked = isChecked
            self.reason = reason
        }

        init(file: ReceiptFile, model: StoredModel) {
            self.model = model.name
            fingerprint = file.receipt.model
            prompt_tokens = file.promptTokens.count
            answer_tokens = file.answerTokens.count
            grammar = file.grammar.map { "\($0.kind.rawValue): \($0.text)" }
        }

        /// The sentence of a receipt that is believed.
        var text: String? {
            guard believed, let model, let answer_tokens, let fingerprint else { return nil }
            let time = seconds.map { " in \(DurationText.of(.seconds($0)))" } ?? ""
            // The prompt and the grammar are the receipt's own: nothing proves that they are those that were sent.
            return
                "Believed: \(model) (\(fingerprint.prefix(12))) gives these \(answer_tokens) tokens, bit for bit. Checked\(time)."
                + (prompt.map { "\nThe prompt ends: \($0.replacing("\n", with: " ").printable)" } ?? "")
                + (grammar.map { "\nThe answer was kept to \($0.printable)" } ?? "")
        }
    }
}

/// Reads receipts in the forms that they come in.
enum ReceiptReader {
    /// The most bytes of a file; a million tokens have some ten.
    private static let limit = 64 << 20

    static func read(_ path: String) throws -> ReceiptFile {
        let data: Data
        if path == "-" {
            data = try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
        } else {
            guard let file = FileHandle(forReadingAtPath: path) else {
                throw VerifyCommand.Fault(description: "cannot read \(path.printable). Is the path right?")
            }
            defer { try? file.close() }
            data = try file.read(upToCount: limit + 1) ?? Data()
        }
        guard data.count <= limit else {
            throw VerifyCommand.Fault(description: "\(path.printable) is larger than any receipt.")
        }
        return try read(data, name: path == "-" ? "standard input" : path)
    }

    static func read(_ data: Data, name: String) throws -> ReceiptFile {
        do {
            let envelope = try JSONDecoder().decode(Envelope.self, from: data)
            if var file = envelope.lattice?.computation ?? envelope.computation {
                // The text that was shown, and not one that came with the receipt.
                file.text = envelope.choices?.first?.message?.content ?? file.text
                return file
            }
            return try JSONDecoder().decode(ReceiptFile.self, from: data)
        } catch let error as DecodingError {
            throw VerifyCommand.Fault(
                description:
                    "\(name.printable) holds no receipt of computation (\(error.short)). 'lattice run --receipt FILE'"
                    + " writes one, and answers of the API hold one in lattice.computation."
            )
        }
    }

    /// An answer of the API, or a part of one.
    private struct Envelope: Decodable {
        struct Part: Decodable {
            var computation: ReceiptFile?
        }
        struct Choice: Decodable {
            struct Message: Decodable {
                var content: String?
            }
            var message: Message?
        }
        var lattice: Part?
        var computation: ReceiptFile?
        var choices: [Choice]?
    }
}
