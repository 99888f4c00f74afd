import Foundation
import Inference
import NIOCore

/// What an engine says when it refuses or fails, in any of the forms that they use.
///
/// `{"error": {"message", "code", "type"}}` is OpenAI's, llama.cpp's and Ollama's; `{"error": "…"}` Ollama's own;
/// `{"object": "error", "message", "code"}` vLLM's up to 0.9; `{"detail": …}` FastAPI's, on which vLLM runs.
struct EngineFault: Hashable {
    /// Longer messages are cut: some engines repeat the whole prompt.
    static let messageLimit = 500

    var message: String
    var code: Int?
    /// The tokens of the prompt and the context that is too short for them, as llama.cpp says.
    var overflow: (prompt: Int, context: Int)?

    static func == (left: Self, right: Self) -> Bool { left.message == right.message && left.code == right.code }

    func hash(into hasher: inout Hasher) { hasher.combine(message) }

    private enum Form: Decodable {
        case text(String)
        case object(Fields)

        struct Fields: Decodable {
            var message: String?
            var code: Code?
            var n_prompt_tokens: Int?
            var n_ctx: Int?
        }

        /// A number, or a word that says nothing here.
        enum Code: Decodable {
            case number(Int)
            case other

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                self = (try? container.decode(Int.self)).map { .number($0) } ?? .other
            }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .object(try container.decode(Fields.self))
            }
        }
    }

    private struct Body: Decodable {
        var error: Form?
        var object: String?
        var message: String?
        var code: Form.Code?
    }

    private struct Detail: Decodable {
        var detail: String
    }

    /// `nil` if this is no report of a failure.
    init?(_ body: [UInt8]) {
        let data = Data(body)
        guard let body = try? JSONDecoder().decode(Body.self, from: data) else {
            return nil
        }
        switch body.error {
        case .text(let text): self.init(message: text, code: nil)
        case .object(let fields): self.init(fields)
        case nil where body.object == "error":
            self.init(Form.Fields(message: body.message, code: body.code))
        case nil:
            guard let detail = try? JSONDecoder().decode(Detail.self, from: data) else { return nil }
            self.init(message: detail.detail, code: nil)
        }
    }

    private init(_ fields: Form.Fields) {
        var code: Int?
        if case .number(let number) = fields.code { code = number }
        self.init(message: fields.message ?? "it does not say why", code: code)
        if let prompt = fields.n_prompt_tokens, let context = fields.n_ctx { overflow = (prompt, context) }
    }

    private init(message: String, code: Int?) {
        self.message = Self.bounded(message)
        self.code = code
    }

    /// An error that is no answer of the engine, such as a connection that is refused.
    static func words(for error: any Error) -> String {
        guard let error = error as? IOError, let reason = unsafe strerror(error.errnoCode) else {
            return bounded("\(error)")
        }
        return unsafe String(cString: reason)
    }

    /// Text from outside as one line that people can read.
    static func bounded(_ text: String) -> String {
        let line = String(text.unicodeScalars.prefix(messageLimit).map { $0.value < 0x20 ? " " : Character($0) })
        return text.unicodeScalars.count > messageLimit ? line + "…" : line
    }

    /// The failure of an answer that has begun.
    var midAnswer: ChatEngineError {
        if let overflow { return .contextOverflow(promptTokens: overflow.prompt, contextLength: overflow.context) }
        return .failed(message)
    }

    /// The failure of a request, by its HTTP status.
    static func error(status: UInt, body: [UInt8]) -> ChatEngineError {
        let fault = EngineFault(body)
        if let overflow = fault?.overflow {
            return .contextOverflow(promptTokens: overflow.prompt, contextLength: overflow.context)
        }
        let message = fault?.message ?? "it answered with HTTP status \(status)"
        switch status {
        case 429, 503: return .busy
        case 401, 403: return .unavailable("it asks for a valid API key (\(message))")
        // The model or the path is missing, for which nobody who asks can be blamed.
        case 404, 405: return .unavailable(message)
        case 300..<400: return .unavailable("it sends elsewhere, where nothing is sent; give the final address")
        case 400..<500: return .badRequest(message)
        default: return .failed(message)
        }
    }
}
