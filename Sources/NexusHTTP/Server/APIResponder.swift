internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import Nexus

/// Leads each request to what answers it, and puts every error into one shape.
struct APIResponder: HTTPResponder {
    typealias Context = ConnectionContext

    private let backend: any ChatBackend
    private let configuration: HTTPConfiguration
    private let origins: OriginPolicy
    private let listings: ListingHandler
    private let chat: ChatHandler
    private let embeddings: EmbeddingsHandler
    private let registry: PrometheusRegistry
    private let metrics: HTTPMetrics
    private let logger: Logger

    init(backend: any ChatBackend, configuration: HTTPConfiguration, registry: PrometheusRegistry, logger: Logger) {
        let now: @Sendable () -> Int = { Int(Date.now.timeIntervalSince1970) }
        let metrics = HTTPMetrics(registry: registry, startTime: now())
        self.backend = backend
        self.configuration = configuration
        self.registry = registry
        self.metrics = metrics
        self.logger = logger
        origins = OriginPolicy(configuration)
        listings = ListingHandler(backend: backend)
        chat = ChatHandler(backend: backend, configuration: configuration, metrics: metrics, now: now)
        embeddings = EmbeddingsHandler(backend: backend, configuration: configuration, slots: chat.slots)
    }

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let exchange = Exchange(request, presence: context.presence, logger: logger)
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        let route = Route(path: path)
        var response: Response
        do {
            try origins.check(request.head)
            guard let route else {
                throw APIError.unknownRoute(method: request.method.rawValue, path: String(path.prefix(200)))
            }
            guard route.methods.contains(request.method) else {
                throw APIError.wrongMethod(request.method.rawValue, allowed: route.allow)
            }
            response = try await answer(route, to: request, in: exchange)
        } catch let error as APIError {
            response = error.response()
            if error.status == .methodNotAllowed { response.headers[.allow] = route?.allow }
        } catch let error as NexusError {
            if case .internalFault(let fault) = error {
                exchange.logger.error("request failed", metadata: ["fault": "\(fault)"])
            }
            response = APIError(error).response()
        } catch is ClientLeft {
            // Nobody reads it; the code is the one that nginx writes down for it.
            response = Response(status: .init(code: 499, reasonPhrase: "Client Closed Request"))
        }
        if request.method == .head { response = response.createHeadResponse() }
        return finish(response, route: route, exchange: exchange)
    }

    private func answer(_ route: Route, to request: Request, in exchange: Exchange) async throws -> Response {
        var account: AccountID?
        if route.needsKey(protectsMetrics: configuration.protectsMetrics) {
            account = try await backend.authenticate(apiKey: try Self.apiKey(in: request.headers))
        }
        switch (route, account) {
        case (.chat, let account?): return try await chat.respond(to: request, from: account, in: exchange)
        case (.embeddings, let account?):
            return try await embeddings.respond(to: request, from: account, in: exchange)
        case (.account, let account?): return try await listings.account(account)
        case (.models, _): return try await listings.models()
        case (.model(let id), _): return try await listings.model(id)
        case (.nodes, _): return try await listings.nodes()
        case (.ledgerEntries, _): return try await listings.ledgerEntries(query: request.head.path)
        case (.health, _): return try await listings.health()
        case (.liveness, _): return .json([UInt8](#"{"status":"ok"}"#.utf8))
        case (.readiness, _): return try await listings.readiness()
        case (.version, _): return try ListingHandler.encode(["version": configuration.version])
        case (.metrics, _): return registry.response()
        case (.file(let file), _): return file.response(to: request.headers)
        case (.chat, nil), (.embeddings, nil), (.account, nil): throw APIError.missingKey
        }
    }

    /// The key in `Authorization: Bearer` or `x-api-key`.
    private static func apiKey(in headers: HTTPFields) throws(APIError) -> String {
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { return String(parts[1]) }
        }
        guard let key = headers[.apiKey], !key.isEmpty else { throw .missingKey }
        return key
    }

    private func finish(_ response: Response, route: Route?, exchange: Exchange) -> Response {
        var response = response
        let milliseconds = exchange.started.duration(to: .now) / .milliseconds(1)
        response.headers[.requestID] = exchange.requestID
        response.headers[.processingMilliseconds] = String(Int(milliseconds.rounded()))
        response.headers[.xContentTypeOptions] = "nosniff"
        let label = route?.label ?? "unknown"
        metrics.countRequest(route: label, code: response.status.code)
        exchange.logger.debug(
            "request",
            metadata: ["route": "\(label)", "code": "\(response.status.code)", "milliseconds": "\(milliseconds)"]
        )
        return response
    }
}
