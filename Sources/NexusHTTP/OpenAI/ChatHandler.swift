internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Nexus

/// Answers `POST /v1/chat/completions`.
struct ChatHandler: Sendable {
    let backend: any ChatBackend
    let configuration: HTTPConfiguration
    let metrics: HTTPMetrics
    let slots: ChatSlots
    let now: @Sendable () -> Int

    init(
        backend: any ChatBackend,
        configuration: HTTPConfiguration,
        metrics: HTTPMetrics,
        now: @escaping @Sendable () -> Int
    ) {
        self.backend = backend
        self.configuration = configuration
        self.metrics = metrics
        self.now = now
        slots = ChatSlots(limit: configuration.maximumChats)
    }

    /// Reads the body, starts the chat and answers it whole or as a stream.
    ///
    /// Until the answer begins a departing client cancels the start; from then on it stops the answer.
    func respond(to request: Request, from account: AccountID, in exchange: Exchange) async throws -> Response {
        guard let slot = slots.take(onRelease: { [metrics] in metrics.chatEnded() }) else {
            throw APIError.tooManyChats
        }
        metrics.chatBegan()
        let parameters = try ChatParameters(json: try await request.json(limit: configuration.bodyLimit))
        let answer = try await start(parameters.request, for: account, presence: exchange.presence)
        let chat = RunningChat(
            answer: answer,
            created: now(),
            exchange: exchange,
            slot: slot,
            metrics: metrics
        )
        var response =
            parameters.streams
            ? chat.streamed(includesUsage: parameters.includesUsage)
            : try await chat.collected(limit: configuration.answerLimit)
        response.headers[.latticeNode] = HeaderText.plain("\(answer.node.id) \(answer.node.name)")
        if !parameters.ignoredFields.isEmpty {
            response.headers[.latticeIgnoredFields] = parameters.ignoredFields.joined(separator: ", ")
        }
        return response
    }

    private func start(
        _ request: ChatRequest,
        for account: AccountID,
        presence: ClientPresence
    ) async throws -> any ChatAnswer {
        try await presence.whilePresent { [backend] in
            try await backend.chat(request, for: account)
        }
    }
}

extension Request {
    /// The whole body.
    func json(limit: Int) async throws -> Data {
        if let declared = headers[.contentLength].flatMap({ Int($0) }), declared > limit {
            throw APIError.tooLarge(limit: limit)
        }
        do {
            let buffer = try await body.collect(upTo: limit)
            return Data(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw APIError.tooLarge(limit: limit)
        }
    }
}
