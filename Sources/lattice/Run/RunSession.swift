import Foundation
import Inference

/// A conversation with a model in this process.
struct RunSession: Sendable {
    /// An answer and what it cost.
    struct Answer: Sendable {
        var text = ""
        var reasoning = ""
        var reason = FinishReason.cancelled
        var promptTokens = 0
        var cachedPromptTokens = 0
        var completionTokens = 0
        var prefill = Duration.zero
        var decode = Duration.zero
        /// From the question to the first token.
        var first: Duration?
        var receipt: ReceiptFile?

        /// Tokens in a second, after the first one.
        var speed: Double? {
            let seconds = decode / .seconds(1)
            return completionTokens > 1 && seconds > 0 ? Double(completionTokens) / seconds : nil
        }

        /// Prompt tokens in a second, those that were computed.
        var promptSpeed: Double? {
            let seconds = prefill / .seconds(1)
            let computed = promptTokens - cachedPromptTokens
            return computed > 0 && seconds > 0 ? Double(computed) / seconds : nil
        }

        /// The account for people.
        var account: String {
            let cached = cachedPromptTokens > 0 ? " (\(cachedPromptTokens) cached)" : ""
            let parts: [String?] = [
                "\(promptTokens)\(cached) + \(completionTokens) tokens",
                first.map { "first after \(DurationText.of($0))" },
                promptSpeed.map { "prompt \(ByteText.short($0)) tok/s" },
                speed.map { "answer \(ByteText.short($0)) tok/s" },
            ]
            return parts.compactMap { $0 }.joined(separator: " · ")
        }
    }

    let engine: Engine
    let name: String
    var settings: RunSettings
    var wantsReceipt = false
    private(set) var turns: [ChatTurn] = []

    init(engine: Engine, name: String, settings: RunSettings) {
        self.engine = engine
        self.name = name
        self.settings = settings
    }

    /// Forgets what was said.
    mutating func clear() { turns = [] }

    /// Asks, hands over the parts of the answer as they come, and remembers both.
    ///
    /// An answer that is stopped is remembered as far as it came; a refused question is not.
    mutating func ask(_ question: String, onParts: @escaping @Sendable ([ChatOutputPart]) -> Void) async throws
        -> Answer
    {
        let asked = turns + [ChatTurn(role: "user", content: question)]
        let request = Request(
            engine: engine,
            turns: (settings.system.map { [ChatTurn(role: "system", content: $0)] } ?? []) + asked,
            settings: settings,
            wantsReceipt: wantsReceipt
        )
        let answer = try await Interrupt.cancelling { try await request.run(onParts) }
        let thoughts = answer.reasoning.isEmpty ? nil : answer.reasoning
        turns = asked + [ChatTurn(role: "assistant", content: answer.text, reasoning: thoughts)]
        return answer
    }

    private struct Request: Sendable {
        let engine: Engine
        let turns: [ChatTurn]
        let settings: RunSettings
        let wantsReceipt: Bool

        func run(_ onParts: ([ChatOutputPart]) -> Void) async throws -> Answer {
            let start = ContinuousClock.now
            let prompt = try engine.chatPrompt(for: turns, thinking: settings.thinking)
            let generation = try engine.generate(
                GenerationRequest(
                    promptTokens: prompt.tokens,
                    maxTokens: settings.maxTokens,
                    sampling: settings.sampling,
                    grammar: try settings.grammar?.grammar(),
                    wantsReceipt: wantsReceipt
                )
            )
            var parser = prompt.parser
            var answer = Answer()
            func take(_ parts: [ChatOutputPart]) {
                for part in parts {
                    switch part {
                    case .reasoning(let text): answer.reasoning += text
                    case .content(let text): answer.text += text
                    case .toolCall: break
                    }
                }
                if !parts.isEmpty { onParts(parts) }
            }
            while let event = try await generation.next() {
                if answer.first == nil { answer.first = ContinuousClock.now - start }
                switch event {
                case .text(let text, _): take(parser.append(text))
                case .finished(let reason, let promptTokens, let completionTokens, let prefill, let decode):
                    take(parser.finish())
                    answer.reason = reason
                    answer.promptTokens = promptTokens
                    answer.cachedPromptTokens = generation.cachedPromptTokens
                    answer.completionTokens = completionTokens
                    answer.prefill = prefill
                    answer.decode = decode
                }
            }
            answer.text = answer.text.trimmingCharacters(in: .whitespacesAndNewlines)
            answer.receipt = generation.receipt.map { receipt in
                ReceiptFile(
                    receipt: receipt,
                    promptTokens: prompt.tokens,
                    answerTokens: generation.answerTokens,
                    grammar: settings.grammar,
                    text: answer.text
                )
            }
            return answer
        }
    }
}
