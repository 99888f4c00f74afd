internal import HTTPTypes
internal import Hummingbird
internal import Nexus

/// An error in the form that OpenAI clients read: `{"error":{"message","type","param","code"}}`.
struct APIError: Error, Equatable {
    var status: HTTPResponse.Status
    var message: String
    var type: String
    var param: String?
    var code: String?
    /// Seconds after which another try makes sense.
    var retryAfter: Int?
    /// Whether the connection cannot serve another request, as its body was not read.
    var closesConnection = false

    /// The request is wrong; `param` names the field.
    static func invalidRequest(_ message: String, param: String? = nil, code: String? = nil) -> APIError {
        APIError(status: .badRequest, message: message, type: "invalid_request_error", param: param, code: code)
    }

    static let missingKey = APIError(
        status: .unauthorized,
        message: "An API key is needed: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
        type: "authentication_error",
        code: "invalid_api_key"
    )

    static func unknownRoute(method: String, path: String) -> APIError {
        APIError(
            status: .notFound,
            message: "There is nothing at \(method) \(path). The API begins at /v1, the page at /.",
            type: "invalid_request_error",
            code: "unknown_url"
        )
    }

    static func wrongMethod(_ method: String, allowed: String) -> APIError {
        APIError(
            status: .methodNotAllowed,
            message: "\(method) is not possible here; use \(allowed).",
            type: "invalid_request_error",
            code: "method_not_allowed"
        )
    }

    static func forbidden(_ message: String) -> APIError {
        APIError(status: .forbidden, message: message, type: "permission_error", code: "forbidden_origin")
    }

    static func tooLarge(limit: Int) -> APIError {
        APIError(
            status: .contentTooLarge,
            message: "The request body is longer than \(limit) bytes. Send a shorter conversation.",
            type: "invalid_request_error",
            code: "request_too_large",
            closesConnection: true
        )
    }

    static let tooManyChats = APIError(
        status: .tooManyRequests,
        message: "This server is answering as many chats as it can. Try again in a moment.",
        type: "rate_limit_error",
        code: "rate_limit_exceeded",
        retryAfter: 1
    )

    static let answerTooLong = APIError(
        status: .internalServerError,
        message: "The answer grew too long to be sent whole. Ask for it with 'stream': true.",
        type: "api_error",
        code: "answer_too_long"
    )

    static func unknownModel(_ id: String, known: [String]) -> APIError {
        let listed = known.prefix(10).joined(separator: ", ")
        let hint = known.isEmpty ? "No node serves a model at present." : "Served at present: \(listed)."
        return APIError(
            status: .notFound,
            message: "The model '\(id)' is not served. \(hint)",
            type: "invalid_request_error",
            param: "model",
            code: "model_not_found"
        )
    }
}

extension APIError {
    /// How callers see an error of Nexus.
    ///
    /// The text of an internal fault stays in the log.
    init(_ error: NexusError) {
        switch error {
        case .invalidKey:
            self = APIError(
                status: .unauthorized,
                message: "The API key is unknown or revoked. 'lattice up' prints the one that opens this network.",
                type: "authentication_error",
                code: "invalid_api_key"
            )
        case .modelNotFound(let id, let known):
            self = .unknownModel(id, known: known)
        case .insufficientCredits(let needed, let headroom):
            self = APIError(
                status: .init(code: 402, reasonPhrase: "Payment Required"),
                message: """
                    The request may cost \(needed) LAI and the account has \(headroom) LAI. \
                    Add credit, or lower 'max_tokens'.
                    """,
                type: "insufficient_credits",
                code: "insufficient_credits"
            )
        case .contextLengthExceeded(let limit, let prompt):
            self = .invalidRequest(
                """
                The model's context holds \(limit) tokens and the prompt alone has \(prompt). \
                Shorten the messages or lower 'max_tokens'.
                """,
                param: "messages",
                code: "context_length_exceeded"
            )
        case .invalidRequest(let field, let problem):
            self = .invalidRequest(problem, param: field.isEmpty ? nil : field)
        case .noNodeAvailable(let model, let reasons):
            let why = reasons.isEmpty ? "" : " (\(reasons.prefix(5).joined(separator: "; ")))"
            self = APIError(
                status: .serviceUnavailable,
                message: "No node can take '\(model)' now\(why). Try again in a moment.",
                type: "api_error",
                code: "no_node_available",
                retryAfter: 2
            )
        case .nodeFailed(let reason):
            self = APIError(
                status: .badGateway,
                message: "No answer: \(reason).",
                type: "api_error",
                code: "node_failed"
            )
        case .internalFault:
            self = APIError(
                status: .internalServerError,
                message: "This Nexus has a fault; its log tells more under the request id.",
                type: "api_error",
                code: "internal_error"
            )
        }
    }

    /// `{"error":{…}}`.
    var json: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#"{"error":{"message":"#)
        bytes.append(jsonString: message)
        bytes.append(#","type":"#)
        bytes.append(jsonString: type)
        bytes.append(#","param":"#)
        bytes.append(jsonStringOrNull: param)
        bytes.append(#","code":"#)
        bytes.append(jsonStringOrNull: code)
        bytes.append("}}")
        return bytes
    }

    /// The error as an answer with its headers.
    func response() -> Response {
        var response = Response.json(json, status: status)
        if let retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        if closesConnection { response.headers[.connection] = "close" }
        return response
    }
}
