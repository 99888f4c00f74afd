import Foundation
import Inference

/// A conversation at a terminal, with its commands.
struct RunConversation {
    private var session: RunSession
    private let model: StoredModel
    private let receiptPath: String?
    private var reader = LineReader()

    init(session: RunSession, model: StoredModel, receiptPath: String?) {
        self.session = session
        self.model = model
        self.receiptPath = receiptPath
    }

    private enum Step { case goOn, leave }

    /// Goes on until the person leaves.
    mutating func run() async throws {
        let terminal = Terminal.output
        let hint = "\(model.name) · /help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves"
        terminal.write(terminal.styled(hint.fitted(terminal.width), .dim) + "\n")
        while let text = readMessage() {
            if text.isEmpty { continue }
            if text.hasPrefix("/"), !text.contains("\n") {
                if case .leave = await command(text) { return }
                continue
            }
            try await ask(text)
        }
    }

    /// The next message, or `nil` at the end; `"""` begins and ends one of several lines.
    private mutating func readMessage() -> String? {
        guard let first = readLine(prompt: "> ") else { return nil }
        let trimmed = first.trimmingCharacters(in: .whitespaces)
        guard trimmed.hasPrefix("\"\"\"") else { return trimmed }
        var lines = [String(trimmed.dropFirst(3))]
        while !Self.ends(lines) {
            guard let line = readLine(prompt: "… ", isInside: true) else { return nil }
            lines.append(line)
        }
        lines[lines.count - 1] = String(lines[lines.count - 1].dropLast(3))
        return lines.joined(separator: "\n").trimmingCharacters(in: .newlines)
    }

    private static func ends(_ lines: [String]) -> Bool { lines.last?.hasSuffix("\"\"\"") ?? true }

    /// A line; Ctrl-C says how to leave, or drops a message of several lines by an empty one.
    private mutating func readLine(prompt: String, isInside: Bool = false) -> String? {
        while true {
            switch reader.next(prompt: prompt) {
            case .line(let line): return line
            case .end: return nil
            case .interrupt:
                if isInside { return "\"\"\"" }
                StandardError.print("(Ctrl-D or /bye leaves)")
            }
        }
    }

    private mutating func ask(_ question: String) async throws {
        do {
            let answer = try await session.askAndPrint(question)
            if answer.reason == .cancelled { StandardError.print(Terminal.errors.styled("(stopped)", .dim)) }
            if answer.reason == .length { StandardError.print(Terminal.errors.styled("(cut off at the limit)", .dim)) }
            if session.settings.isVerbose { StandardError.print(Terminal.errors.styled(answer.account, .dim)) }
            if let receiptPath, let receipt = answer.receipt { try receipt.write(to: receiptPath) }
            Terminal.output.write("\n")
        } catch let error as GenerationError {
            // One refused question does not end the conversation.
            StandardError.print("\(error)" + Self.advice(error))
        } catch  where !(error is CancellationError) {
            StandardError.print("\(error)")
        }
    }

    private static func advice(_ error: GenerationError) -> String {
        guard case .contextOverflow = error else { return "" }
        return ". /clear forgets the conversation."
    }

    // MARK: - Commands

    private mutating func command(_ line: String) async -> Step {
        let words = line.dropFirst().split(separator: " ", maxSplits: 1).map(String.init)
        let rest = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : ""
        switch words.first?.lowercased() {
        case "bye", "exit", "quit": return .leave
        case "help", "?": print(Self.help)
        case "clear":
            session.clear()
            print("The conversation is forgotten.")
        case "system":
            if rest.isEmpty {
                print(session.settings.system ?? "The model is told nothing before the conversation.")
            } else {
                set("system", rest == "off" ? "" : rest)
            }
        case "set":
            let parts = rest.split(separator: " ", maxSplits: 1).map(String.init)
            if let name = parts.first {
                set(name, parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
            } else {
                printSettings()
            }
        case "show": showModel()
        default: StandardError.print("There is no '/\(words.first ?? "")'. /help lists the commands.")
        }
        return .goOn
    }

    private mutating func set(_ name: String, _ value: String) {
        do {
            try session.settings.set(name, to: value)
        } catch {
            StandardError.print("\(error)")
        }
    }

    private func printSettings() {
        var table = TextTable(["SETTING", "VALUE", "TAKES"])
        for (row, name) in zip(session.settings.rows, RunSettings.names) { table.add([row.0, row.1, name.1]) }
        print(table.text(width: Terminal.output.width) { Terminal.output.styled($0, .bold) })
    }

    private func showModel() {
        do {
            print(ModelSheet(model, try GGUFFile(path: model.path)).text(on: .output))
        } catch {
            StandardError.print("\(error)")
        }
    }

    private static let help = """
        /set                    what can be set; /set temperature 0.2 sets it
        /system TEXT            what the model is told before the conversation; off for nothing
        /clear                  forget the conversation
        /show                   what the model is
        /bye                    leave, as Ctrl-D does

        \"""                     begins and ends a message of several lines; so does pasting one, or Ctrl-J
        Ctrl-C                  stops the answer
        Up, Down                what was asked before
        """
}

extension RunSession {
    /// Asks, and prints the answer as it comes.
    mutating func askAndPrint(_ question: String) async throws -> Answer {
        let printer = PrinterBox()
        do {
            let answer = try await ask(question) { printer.write($0) }
            printer.end()
            return answer
        } catch {
            printer.end()
            throw error
        }
    }
}

extension ReceiptFile {
    /// Writes the receipt where somebody wants it.
    func write(to path: String) throws {
        let text = try JSON.text(self) + "\n"
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw VerifyCommand.Fault(
                description: "cannot write the receipt to \(path): \((error as NSError).localizedDescription)"
            )
        }
    }
}
