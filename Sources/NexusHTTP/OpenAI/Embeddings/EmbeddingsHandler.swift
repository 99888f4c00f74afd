internal import FoundationEssentials
internal import Hummingbird
internal import Nexus

/// Answers `POST /v1/embeddings`.
struct EmbeddingsHandler: Sendable {
    let backend: any ChatBackend
    let configuration: HTTPConfiguration
    /// Those of chats: both are work for nodes.
    let slots: ChatSlots

    /// Reads the body and waits for the vectors; a departing client cancels the wait.
    func respond(to request: Request, from account: AccountID, in exchange: Exchange) async throws -> Response {
        guard let slot = slots.take() else { throw APIError.tooManyChats }
        let parameters = try EmbeddingParameters(json: try await request.json(limit: configuration.bodyLimit))
        let answer = try await exchange.presence.whilePresent { [backend] in
            try await backend.embed(parameters.request, for: account)
        }
        var response = Response.json(try Self.json(answer, isBase64: parameters.isBase64))
        let lattice = ChatAccount(node: answer.node, summary: answer.summary)
        response.headers.append(contentsOf: lattice.headers)
        response.headers[.latticeNode] = HeaderText.plain("\(answer.node.id) \(answer.node.name)")
        if !parameters.ignoredFields.isEmpty {
            response.headers[.latticeIgnoredFields] = parameters.ignoredFields.joined(separator: ", ")
        }
        withExtendedLifetime(slot) {}
        return response
    }

    private static func json(_ answer: EmbedAnswer, isBase64: Bool) throws(NexusError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#"{"object":"list","data":["#)
        for (index, vector) in answer.vectors.enumerated() {
            bytes.append(index > 0 ? #",{"object":"embedding","index":"# : #"{"object":"embedding","index":"#)
            bytes.append(json: index)
            bytes.append(#","embedding":"#)
            if isBase64 {
                bytes.append(jsonString: Data(vector).base64EncodedString())
            } else {
                bytes.append("[")
                for (place, value) in EmbedAnswer.floats(of: vector).enumerated() {
                    guard value.isFinite else { throw .nodeFailed("the node's vectors are no numbers") }
                    if place > 0 { bytes.append(",") }
                    bytes.append(contentsOf: String(value).utf8)
                }
                bytes.append("]")
            }
            bytes.append("}")
        }
        bytes.append(#"],"model":"#)
        bytes.append(jsonString: answer.model)
        bytes.append(#","usage":{"prompt_tokens":"#)
        bytes.append(json: answer.summary.usage.promptTokens)
        bytes.append(#","total_tokens":"#)
        bytes.append(json: answer.summary.usage.promptTokens)
        bytes.append(#"},"lattice":"#)
        bytes += ChatAccount(node: answer.node, summary: answer.summary).json
        bytes.append("}")
        return bytes
    }
}
