import Foundation
import Inference

/// Reads a streamed answer: takes its bytes, and answers with events.
///
/// The tokens of all parts together are never more than those of the ending, and neither is ever more than what was asked
/// for, so that a bill can rest on both.
struct AnswerReader {
    /// What is known of an answer before its first byte.
    struct Expectation: Sendable {
        /// The tokens of the prompt; the ending has no more.
        var promptTokens: Int
        /// What the prompt has if the engine does not say.
        var likelyPromptTokens: Int
        /// The most tokens that were asked for.
        var limit: Int?
        /// How many alternatives are reported for each token; `nil` for no log probabilities.
        var logprobs: Int?
    }

    /// Bytes of text that a token may have: an engine that writes on beyond what was asked for is cut off here.
    private static let bytesPerToken = 64
    private static let spareBytes = 4096
    private static let errorWord = Data(#""error""#.utf8)

    private let expected: Expectation
    private var events = ServerSentEvents()
    private var calls = ToolCallJoiner()
    /// The tokens of all parts so far.
    private var counted = 0
    /// The bytes of all text so far.
    private var bytes = 0
    /// Whether the engine counts in its chunks.
    private var hasRunningCount = false
    private var reason: FinishReason?
    private var usage = ChatChunk.Usage()
    private var timings = ChatChunk.Timings()
    private var firstToken: Duration?
    private var lastToken: Duration?
    /// Whether `.finished` was given.
    private(set) var isFinished = false

    init(_ expected: Expectation) { self.expected = expected }

    /// What these bytes tell.
    ///
    /// - Parameter time: the time since the request was sent.
    mutating func append(
        _ bytes: some Collection<UInt8>,
        at time: Duration
    ) throws(ChatEngineError) -> [AnswerEvent] {
        guard !isFinished else { return [] }
        let events: [ServerSentEvent]
        do throws(EventStreamError) { events = try self.events.append(bytes) } catch { throw Self.failure(error) }
        var answer: [AnswerEvent] = []
        for event in events where !isFinished { try read(event, at: time, into: &answer) }
        return answer
    }

    /// What the end of the bytes tells.
    mutating func finish(at time: Duration) throws(ChatEngineError) -> [AnswerEvent] {
        guard !isFinished else { return [] }
        let event: ServerSentEvent?
        do throws(EventStreamError) { event = try events.finish() } catch { throw Self.failure(error) }
        var answer: [AnswerEvent] = []
        if let event { try read(event, at: time, into: &answer) }
        if !isFinished { answer += try end(at: time) }
        return answer
    }

    /// The account of an answer that nobody wants further.
    mutating func cancel(at time: Duration) -> AnswerEvent {
        isFinished = true
        return .finished(ending(.cancelled, at: time))
    }

    private mutating func read(
        _ event: ServerSentEvent,
        at time: Duration,
        into answer: inout [AnswerEvent]
    ) throws(ChatEngineError) {
        if event.data == Array("[DONE]".utf8) {
            answer += try end(at: time)
            return
        }
        if let fault = EngineFault(event.data) { throw fault.midAnswer }
        guard event.name != "error", let chunk = try? JSONDecoder().decode(ChatChunk.self, from: Data(event.data))
        else {
            throw .failed("it sent a chunk that cannot be read")
        }
        if let parts = try parts(of: chunk, at: time) { answer.append(parts) }
        if let limit = expected.limit, bytes > Self.bytesPerToken * limit + Self.spareBytes {
            reason = reason ?? .length
            answer += try end(at: time)
        }
    }

    private mutating func parts(of chunk: ChatChunk, at time: Duration) throws(ChatEngineError) -> AnswerEvent? {
        if let usage = chunk.usage { self.usage = usage }
        if let timings = chunk.timings { self.timings = timings }
        guard let choice = chunk.choices?.first else { return nil }
        var parts: [ChatOutputPart] = []
        if let thoughts = choice.delta?.thoughts, !thoughts.isEmpty { parts.append(.reasoning(thoughts)) }
        if let content = choice.delta?.content, !content.isEmpty { parts.append(.content(content)) }
        bytes += (choice.delta?.thoughts?.utf8.count ?? 0) + (choice.delta?.content?.utf8.count ?? 0)
        let fragments = choice.delta?.tool_calls ?? []
        for fragment in fragments { try calls.add(fragment) }
        let logprobs = expected.logprobs == nil ? [] : choice.logprobs?.content ?? []
        let tokens = count(chunk, isToken: !(parts.isEmpty && fragments.isEmpty), logprobs: logprobs.count)
        if let reason = choice.finish_reason, !reason.isEmpty {
            self.reason = try Self.reason(reason)
            parts += try calls.finish().map { .toolCall($0) }
        }
        guard !parts.isEmpty || tokens > 0 else { return nil }
        if firstToken == nil { firstToken = time }
        lastToken = time
        return .parts(parts, tokens: tokens, logprobs: logprobs.map(reported))
    }

    /// The tokens of a chunk: by the engine's running count where it has one, and else one for each chunk that says
    /// something, as engines send a chunk for each token or for several.
    private mutating func count(_ chunk: ChatChunk, isToken: Bool, logprobs: Int) -> Int {
        let tokens: Int
        if let running = chunk.timings?.predicted_n ?? chunk.usage?.completion_tokens {
            hasRunningCount = true
            tokens = max(running.clamped - counted, 0)
        } else {
            tokens = max(logprobs, isToken ? 1 : 0)
        }
        let allowed = min(tokens, (expected.limit ?? Int(Int32.max)) - counted)
        counted += allowed
        return allowed
    }

    private func reported(_ token: ChatChunk.Token) -> AnswerLogprob {
        AnswerLogprob(
            token: token.alternative,
            top: (token.top_logprobs ?? []).prefix(expected.logprobs ?? 0).map(\.alternative)
        )
    }

    private mutating func end(at time: Duration) throws(ChatEngineError) -> [AnswerEvent] {
        guard let reason else { throw .failed("it broke off in the middle of the answer") }
        isFinished = true
        let ending = ending(reason, at: time)
        // Tokens that came several to a chunk are told before the end: bills add up what the parts say.
        let missing = hasRunningCount ? 0 : ending.completionTokens - counted
        counted += missing
        return (missing > 0 ? [.parts([], tokens: missing, logprobs: [])] : []) + [.finished(ending)]
    }

    private func ending(_ reason: FinishReason, at time: Duration) -> AnswerEnding {
        let reported = reason == .cancelled ? nil : (usage.completion_tokens ?? timings.predicted_n)?.clamped
        let completion = min(max(reported ?? counted, counted), expected.limit ?? .max)
        let prompt = min(usage.prompt_tokens?.clamped ?? expected.likelyPromptTokens, expected.promptTokens)
        let cached = usage.prompt_tokens_details?.cached_tokens ?? timings.cache_n
        return AnswerEnding(
            reason: reason,
            promptTokens: prompt,
            cachedPromptTokens: min((cached ?? 0).clamped, prompt),
            completionTokens: completion,
            prefill: timings.prompt_ms.flatMap(Duration.init(milliseconds:)) ?? firstToken ?? time,
            decode: timings.predicted_ms.flatMap(Duration.init(milliseconds:))
                ?? firstToken.map { (lastToken ?? $0) - $0 } ?? .zero
        )
    }

    private static func reason(_ text: String) throws(ChatEngineError) -> FinishReason {
        switch text {
        case "length", "max_tokens": .length
        case "error", "abort": throw .failed("it gave the answer up (\(text))")
        // The model's own end, a stop text, tool calls, or a filter.
        default: .stop
        }
    }

    private static func failure(_ error: EventStreamError) -> ChatEngineError {
        switch error {
        case .lineTooLong(let limit), .eventTooLong(let limit):
            .failed("a chunk of the answer has more than \(limit) bytes")
        }
    }
}

extension Int {
    /// A count that came from outside.
    var clamped: Int { Swift.min(Swift.max(self, 0), Int(Int32.max)) }
}

extension Duration {
    /// Some milliseconds, if that makes sense.
    init?(milliseconds: Double) {
        guard milliseconds >= 0, milliseconds < 1e12 else { return nil }
        self = .microseconds(Int(milliseconds * 1000))
    }
}
