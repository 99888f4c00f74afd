import ArgumentParser
import AsyncHTTPClient
import Foundation
import Inference

/// Asks a model from the terminal.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Ask a model; the answer streams as it is written.",
        discussion: """
            lattice chat "What is a knowledge hub?"      one question
            echo "What is Lattice?" | lattice chat       the question from standard input
            lattice chat                                 a conversation; Ctrl-D ends it

            Ctrl-C stops the answer, not the program: what has arrived stays, and only that is charged.
            """
    )

    @Argument(help: "The question. Left out: read from standard input, or a conversation at a terminal.")
    var prompt: [String] = []

    @Option(name: .shortAndLong, help: "The model to ask; the first that is served if left out.")
    var model: String?

    @Option(help: "What the model is told before the conversation.")
    var system: String?

    @Option(help: "The most tokens of an answer.")
    var maxTokens: Int?

    @Option(help: "0 for the most likely answer, up to 2 for the most surprising.")
    var temperature: Double?

    @Flag(help: "Print the answer and its account as one JSON object.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
        let settings = try await connection.settings()
        let credentials = try Credentials.find(settings: settings, environment: ProcessInfo.processInfo.environment)
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        do {
            try await converse(APIClient(credentials: credentials, http: http))
            try await http.shutdown()
        } catch {
            try await http.shutdown()
            throw error
        }
    }

    private func converse(_ client: APIClient) async throws {
        let model = if let model { model } else { try await firstModel(client) }
        var conversation = Conversation(client: client, model: model, system: system, asJSON: json)
        conversation.maxTokens = maxTokens
        conversation.temperature = temperature
        if !prompt.isEmpty {
            try await conversation.ask(prompt.joined(separator: " "))
        } else if isatty(STDIN_FILENO) == 0 {
            let input = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
            try await conversation.ask(input.trimmingCharacters(in: .whitespacesAndNewlines))
        } else {
            try await converse(&conversation, model)
        }
    }

    private func converse(_ conversation: inout Conversation, _ model: String) async throws {
        print("\(model) · Ctrl-C stops an answer, Ctrl-D ends")
        while true {
            print("\n> ", terminator: "")
            fflush(nil)
            guard let line = readLine() else { break }
            let question = line.trimmingCharacters(in: .whitespaces)
            if question.isEmpty { continue }
            do {
                try await conversation.ask(question)
            } catch let refusal as APIClient.Refusal {
                // One refused question does not end the conversation.
                StandardError.print("lattice: \(refusal)")
            }
        }
        print()
    }

    private func firstModel(_ client: APIClient) async throws -> String {
        guard let first = try await client.models().first else {
            throw APIClient.Refusal(
                code: "no_node_available",
                description:
                    "no node serves a model. Start one with 'lattice node start --join ADDRESS --model FILE.gguf'."
            )
        }
        return first
    }
}

/// A conversation at the terminal.
struct Conversation {
    let client: APIClient
    let model: String
    let asJSON: Bool
    var maxTokens: Int?
    var temperature: Double?
    private var messages: [APIClient.Message]

    init(client: APIClient, model: String, system: String?, asJSON: Bool) {
        self.client = client
        self.model = model
        self.asJSON = asJSON
        messages = system.map { [APIClient.Message(role: "system", content: $0)] } ?? []
    }

    /// Asks, prints the answer as it comes, and remembers both.
    mutating func ask(_ question: String) async throws {
        guard !question.isEmpty else {
            throw ValidationError("There is no question. Give one, or type it to 'lattice chat'.")
        }
        // Remembered only once it is answered: a refused question must not weigh on those that follow.
        let asked = messages + [APIClient.Message(role: "user", content: question)]
        let request = Request(
            client: client,
            model: model,
            messages: asked,
            maxTokens: maxTokens,
            temperature: temperature,
            isQuiet: asJSON
        )
        let (answer, account) = try await Interrupt.cancelling { try await request.run() }
        messages = asked + [APIClient.Message(role: "assistant", content: answer.text)]
        if asJSON {
            try report(answer, account)
        } else {
            StandardError.print(account.map(Self.line) ?? "stopped; what had arrived is charged")
        }
    }

    /// What has arrived of an answer.
    private struct Answer: Sendable {
        var text = ""
        var reasoning = ""

        mutating func add(_ part: ChatOutputPart) {
            switch part {
            case .content(let piece): text += piece
            case .reasoning(let piece): reasoning += piece
            case .toolCall: break
            }
        }
    }

    private struct Request: Sendable {
        let client: APIClient
        let model: String
        let messages: [APIClient.Message]
        let maxTokens: Int?
        let temperature: Double?
        let isQuiet: Bool

        /// The answer, and the account unless it was stopped.
        func run() async throws -> (Answer, APIClient.Account?) {
            var answer = Answer()
            var printer = AnswerPrinter()
            defer { if !isQuiet { printer.end() } }
            do {
                let account = try await client.chat(
                    model: model,
                    messages: messages,
                    maxTokens: maxTokens,
                    temperature: temperature
                ) { part in
                    answer.add(part)
                    if !isQuiet { printer.write([part]) }
                }
                return (answer, account)
            } catch  where Task.isCancelled {
                return (answer, nil)
            }
        }
    }

    private static func line(_ account: APIClient.Account) -> String {
        "— \(account.model) on \(account.node) · \(account.promptTokens) + \(account.completionTokens) tokens"
            + " · \(account.cost) LAI"
    }

    private func report(_ answer: Answer, _ account: APIClient.Account?) throws {
        struct Report: Encodable {
            var text: String
            var reasoning: String?
            var stopped: Bool
            var model: String?
            var node: String?
            var prompt_tokens: Int?
            var completion_tokens: Int?
            var cost: String?
        }
        let report = Report(
            text: answer.text,
            reasoning: answer.reasoning.isEmpty ? nil : answer.reasoning,
            stopped: account == nil,
            model: account?.model,
            node: account?.node,
            prompt_tokens: account?.promptTokens,
            completion_tokens: account?.completionTokens,
            cost: account?.cost
        )
        print(try JSON.text(report))
    }
}
