import AsyncHTTPClient
import Foundation
import Inference
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOPosix

/// Speaks to Nexus as any OpenAI client does.
struct APIClient: Sendable {
    let credentials: Credentials
    let http: HTTPClient

    /// What Nexus said instead of an answer, with what to do.
    struct Refusal: Error, CustomStringConvertible {
        let code: String
        let description: String
    }

    /// One turn of a conversation.
    struct Message: Codable, Sendable {
        var role: String
        var content: String
    }

    /// The closing account of an answer.
    struct Account: Sendable {
        var model = ""
        var node = ""
        var promptTokens = 0
        var completionTokens = 0
        var cost = ""
        var finishReason = ""
    }

    /// The time until the headers arrive; a prompt may wait for a place.
    private static let headerTimeout: TimeAmount = .seconds(120)
    /// The longest line of a stream that is read.
    private static let lineLimit = 1 << 20

    /// Names of the models that are served.
    func models() async throws -> [String] {
        struct List: Decodable {
            struct Model: Decodable { var id: String }
            var data: [Model]
        }
        return try await get("/models", as: List.self).data.map(\.id)
    }

    /// Reads a JSON document.
    func get<Reply: Decodable>(_ path: String, as type: Reply.Type) async throws -> Reply {
        let response = try await send(request(.GET, path))
        return try JSONDecoder().decode(Reply.self, from: Data(buffer: try await response.body.collect(upTo: 1 << 24)))
    }

    /// Asks for an answer and hands over its thoughts and its text as they arrive.
    ///
    /// - Returns: the account, complete when the answer was not cut off.
    func chat(
        model: String,
        messages: [Message],
        maxTokens: Int?,
        temperature: Double?,
        onPart: (ChatOutputPart) -> Void
    ) async throws -> Account {
        struct Body: Encodable {
            struct Options: Encodable { var include_usage = true }
            var model: String
            var messages: [Message]
            var max_tokens: Int?
            var temperature: Double?
            var stream = true
            var stream_options = Options()
        }
        var request = request(.POST, "/chat/completions")
        let body = Body(model: model, messages: messages, max_tokens: maxTokens, temperature: temperature)
        request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(body)))
        let response = try await send(request)
        var account = Account()
        var lines = LineSplitter(limit: Self.lineLimit)
        for try await buffer in response.body {
            for line in try lines.append(buffer) {
                guard let event = line.payload else { continue }
                if event == "[DONE]" { return account }
                try apply(event, to: &account, onPart)
            }
        }
        throw Refusal(
            code: "stream",
            description: "the answer was cut off. Ask again: what did not arrive is not charged."
        )
    }

    private struct Chunk: Decodable {
        struct Choice: Decodable {
            struct Delta: Decodable {
                var content: String?
                var reasoning_content: String?
            }
            var delta: Delta
            var finish_reason: String?
        }
        struct Usage: Decodable {
            var prompt_tokens: Int
            var completion_tokens: Int
        }
        struct Lattice: Decodable {
            struct Node: Decodable {
                var id: UInt64
                var name: String
            }
            var node: Node
            var cost: String
        }
        struct Fault: Decodable { var message: String }
        var model: String?
        var choices: [Choice]?
        var usage: Usage?
        var lattice: Lattice?
        var error: Fault?
    }

    private func apply(_ event: String, to account: inout Account, _ onPart: (ChatOutputPart) -> Void) throws {
        let chunk = try JSONDecoder().decode(Chunk.self, from: Data(event.utf8))
        if let error = chunk.error { throw Refusal(code: "stream", description: error.message) }
        if let model = chunk.model { account.model = model }
        for choice in chunk.choices ?? [] {
            if let text = choice.delta.reasoning_content, !text.isEmpty { onPart(.reasoning(text)) }
            if let text = choice.delta.content, !text.isEmpty { onPart(.content(text)) }
            if let reason = choice.finish_reason { account.finishReason = reason }
        }
        if let usage = chunk.usage {
            account.promptTokens = usage.prompt_tokens
            account.completionTokens = usage.completion_tokens
        }
        if let lattice = chunk.lattice {
            account.node = "\(lattice.node.name) (#\(lattice.node.id))"
            account.cost = lattice.cost
        }
    }

    private func request(_ method: HTTPMethod, _ path: String) -> HTTPClientRequest {
        let base = credentials.baseURL.hasSuffix("/") ? String(credentials.baseURL.dropLast()) : credentials.baseURL
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.headers.add(name: "authorization", value: "Bearer \(credentials.apiKey)")
        request.headers.add(name: "content-type", value: "application/json")
        return request
    }

    private func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, timeout: Self.headerTimeout)
        } catch  where error is HTTPClientError || error is NIOConnectionError || error is IOError {
            throw Refusal(code: "unreachable", description: unreachable)
        }
        guard response.status != .ok else { return response }
        struct Body: Decodable {
            struct Fault: Decodable {
                var message: String
                var code: String?
            }
            var error: Fault
        }
        let data = Data(buffer: try await response.body.collect(upTo: 1 << 20))
        if let fault = try? JSONDecoder().decode(Body.self, from: data).error {
            throw Refusal(code: fault.code ?? "\(response.status.code)", description: fault.message)
        }
        throw Refusal(
            code: "\(response.status.code)",
            description: "\(credentials.baseURL) answered \(response.status)."
        )
    }

    private var unreachable: String {
        "nothing answers at \(credentials.baseURL). Is it running? Start it with 'lattice up', or name another with --base-url."
    }
}

/// Cuts a stream of bytes into lines.
struct LineSplitter {
    /// A line is longer than can be right.
    struct TooLong: Error {}

    private var rest: [UInt8] = []
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// The lines that are complete with these bytes.
    mutating func append(_ buffer: ByteBuffer) throws -> [String] {
        rest.append(contentsOf: buffer.readableBytesView)
        var lines: [String] = []
        while let end = rest.firstIndex(of: 0x0A) {
            lines.append(String(decoding: rest[..<end], as: UTF8.self))
            rest.removeSubrange(...end)
        }
        guard rest.count <= limit else { throw TooLong() }
        return lines
    }
}

extension String {
    /// What follows `data:` in a line of an event stream.
    fileprivate var payload: String? {
        guard hasPrefix("data:") else { return nil }
        return String(dropFirst(5)).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
