internal import CoreMetrics
internal import Metrics
internal import Nexus

/// What the HTTP surface counts.
struct HTTPMetrics: Sendable {
    private let timeToFirstToken: Timer
    private let chatDuration: Timer
    private let promptTokens: Counter
    private let completionTokens: Counter
    private let chatsInFlight: Meter
    private let registry: PrometheusRegistry

    init(registry: PrometheusRegistry, startTime: Int) {
        self.registry = registry
        timeToFirstToken = Timer(label: "lattice_chat_time_to_first_token_seconds", factory: registry)
        chatDuration = Timer(label: "lattice_chat_duration_seconds", factory: registry)
        let tokens = "lattice_chat_tokens_total"
        promptTokens = Counter(label: tokens, dimensions: [("kind", "prompt")], factory: registry)
        completionTokens = Counter(label: tokens, dimensions: [("kind", "completion")], factory: registry)
        chatsInFlight = Meter(label: "lattice_chat_in_flight", factory: registry)
        Meter(label: "lattice_process_start_time_seconds", factory: registry).set(startTime)
        registry.describe("lattice_http_requests_total", "Requests by route and status code.")
        registry.describe("lattice_chat_time_to_first_token_seconds", "From the request's head to the first token.")
        registry.describe("lattice_chat_duration_seconds", "From the request's head to the end of the answer.")
        registry.describe(tokens, "Tokens read and written for chats.")
        registry.describe("lattice_chat_in_flight", "Chats that are being answered.")
        registry.describe("lattice_process_start_time_seconds", "When the server was made, seconds since 1970.")
    }

    /// A chat took a place.
    func chatBegan() {
        chatsInFlight.increment()
    }

    /// A chat gave its place back.
    func chatEnded() {
        chatsInFlight.decrement()
    }

    /// Tokens went to a client.
    func delivered(tokens: Int, isFirst: Bool, since start: ContinuousClock.Instant) {
        if isFirst { timeToFirstToken.record(duration: start.duration(to: .now)) }
        completionTokens.increment(by: tokens)
    }

    /// An answer reached its end.
    func finished(_ usage: Usage, since start: ContinuousClock.Instant) {
        promptTokens.increment(by: usage.promptTokens)
        chatDuration.record(duration: start.duration(to: .now))
    }

    /// `route` comes from a fixed set and codes are few, so the series stay few.
    func countRequest(route: String, code: Int) {
        Counter(
            label: "lattice_http_requests_total",
            dimensions: [("route", route), ("code", String(code))],
            factory: registry
        ).increment()
    }
}
