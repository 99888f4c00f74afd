internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import Nexus

/// An answer on its way to the client.
///
/// Whoever ends it early (the client, an error, a full socket that nobody reads) ends the node's work: every way out that
/// is not ``ChatEvent/finished(_:)`` calls `stop()`.
struct RunningChat: Sendable {
    let answer: any ChatAnswer
    let created: Int
    let exchange: Exchange
    let slot: ChatSlots.Slot
    let metrics: HTTPMetrics

    private var identity: String { "chatcmpl-" + exchange.requestID }

    // MARK: Whole

    /// Waits for the end and answers with one JSON object.
    func collected(limit: Int) async throws -> Response {
        let (collected, summary) = try await exchange.presence.whilePresent {
            try await self.collect(limit: limit)
        }
        let account = ChatAccount(node: answer.node, summary: summary)
        let completion = ChatCompletion(
            id: identity,
            created: created,
            model: answer.model,
            answer: collected,
            summary: summary,
            account: account
        )
        var response = Response.json(completion.json)
        response.headers.append(contentsOf: account.headers)
        return response
    }

    private func collect(limit: Int) async throws -> (CollectedAnswer, ChatSummary) {
        var collected = CollectedAnswer()
        var isFirst = true
        do {
            while let event = try await answer.next() {
                switch event {
                case .delta(let delta):
                    metrics.delivered(tokens: delta.tokens, isFirst: isFirst, since: exchange.started)
                    isFirst = false
                    collected.append(delta)
                    guard collected.size <= limit else { throw APIError.answerTooLong }
                case .finished(let summary):
                    metrics.finished(summary.usage, since: exchange.started)
                    return (collected, summary)
                }
            }
            throw Self.endedEarly
        } catch {
            await answer.stop()
            throw error
        }
    }

    // MARK: Streamed

    /// Answers with events as the node writes; the head goes out at once.
    func streamed(includesUsage: Bool) -> Response {
        let chunks = ChatChunks(id: identity, created: created, model: answer.model, includesUsage: includesUsage)
        let body = ResponseBody { writer in
            let events = EventWriter(writer, on: exchange.presence.channel.eventLoop)
            do {
                try await exchange.presence.whilePresent {
                    try await write(chunks, includesUsage: includesUsage, to: events)
                }
            } catch {
                await answer.stop()
                exchange.logger.debug("stream ended early", metadata: ["error": "\(type(of: error))"])
                throw error
            }
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream; charset=utf-8",
                .cacheControl: "no-cache",
                .accelBuffering: "no",
            ],
            body: body
        )
    }

    /// One write for each event; the next event is asked for when the socket has taken the last.
    private func write(_ chunks: ChatChunks, includesUsage: Bool, to writer: EventWriter) async throws {
        try await writer.write([chunks.role()])
        var isFirst = true
        var names = CallNames()
        var reasoningTokens = 0
        while true {
            let event: ChatEvent
            do {
                guard let next = try await answer.next() else { throw Self.endedEarly }
                event = next
            } catch let error as NexusError {
                try Task.checkCancellation()
                if case .internalFault(let fault) = error {
                    exchange.logger.error("request failed", metadata: ["fault": "\(fault)"])
                }
                try await writer.write([ChatChunks.failure(APIError(error))])
                try await writer.finish(nil)
                await answer.stop()
                return
            }
            switch event {
            case .delta(let delta):
                metrics.delivered(tokens: delta.tokens, isFirst: isFirst, since: exchange.started)
                isFirst = false
                if delta.isReasoning { reasoningTokens += delta.tokens }
                // A token may end in the middle of a character and bring no text.
                let more = chunks.delta(delta, calls: names.name(delta.toolCalls))
                if !more.isEmpty { try await writer.write(more) }
            case .finished(let summary):
                metrics.finished(summary.usage, since: exchange.started)
                let usage =
                    includesUsage ? { chunks.usage(summary.usage, reasoningTokens: reasoningTokens, account: $0) } : nil
                try await end(summary, chunks: chunks, usage: usage, to: writer)
                return
            }
        }
    }

    private func end(
        _ summary: ChatSummary,
        chunks: ChatChunks,
        usage: ((ChatAccount) -> ByteBuffer)?,
        to writer: EventWriter
    ) async throws {
        let account = ChatAccount(node: answer.node, summary: summary)
        var last = [chunks.finish(summary.reason, account: usage == nil ? account : nil)]
        if let usage { last.append(usage(account)) }
        last.append(ChatChunks.done)
        try await writer.write(last)
        try await writer.finish(exchange.acceptsTrailers ? account.headers : nil)
    }

    private static let endedEarly = NexusError.nodeFailed("the answer ended without an account")
}

/// The response's body, handed to the task that fills it.
///
/// Unchecked, as the body's writer is not `Sendable`: the task that makes this waits for the one that uses it and writes
/// nothing itself.
private final class EventWriter: @unchecked Sendable {
    private var body: any ResponseBodyWriter
    private let eventLoop: any EventLoop
    private var bytesAhead = 0

    /// Bytes that may be ahead of the event loop.
    ///
    /// Hummingbird's writer waits for a full socket, but hears of it from the
    /// event loop; one that is kept from running would let a fast node fill the memory.
    private static let maximumAhead = 64 * 1024

    init(_ body: any ResponseBodyWriter, on eventLoop: any EventLoop) {
        self.body = body
        self.eventLoop = eventLoop
    }

    /// Writes whole events at once and waits until the socket has room.
    @concurrent
    func write(_ events: [ByteBuffer]) async throws {
        try await body.write(contentsOf: events)
        bytesAhead += events.reduce(0) { $0 + $1.readableBytes }
        guard bytesAhead >= Self.maximumAhead else { return }
        try await eventLoop.submit {}.get()
        bytesAhead = 0
    }

    /// Ends the body.
    @concurrent
    func finish(_ trailers: HTTPFields?) async throws {
        try await body.finish(trailers)
    }
}
