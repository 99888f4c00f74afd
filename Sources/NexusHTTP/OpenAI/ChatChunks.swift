internal import HTTPTypes
internal import Ledger
internal import NIOCore
internal import Nexus

/// Writes the chunks of one streamed answer as server-sent events.
///
/// All share the same id, time and model, which are encoded once.
struct ChatChunks: Sendable {
    /// Ends every stream that did not fail.
    static let done = ByteBuffer(string: "data: [DONE]\n\n")

    private let opening: [UInt8]
    private let closing: [UInt8]

    /// Prepares the parts that do not change.
    ///
    /// With `includesUsage` every chunk but the last says `"usage":null`.
    init(id: String, created: Int, model: String, includesUsage: Bool) {
        var opening: [UInt8] = []
        opening.append(#"data: {"id":"#)
        opening.append(jsonString: id)
        opening.append(#","object":"chat.completion.chunk","created":"#)
        opening.append(json: created)
        opening.append(#","model":"#)
        opening.append(jsonString: model)
        opening.append(#","choices":["#)
        self.opening = opening
        closing = [UInt8]((includesUsage ? #"],"usage":null"# : "]").utf8)
    }

    /// The first chunk: who speaks.
    func role() -> ByteBuffer {
        chunk { $0.append(#"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}"#) }
    }

    /// More text.
    func delta(_ text: String) -> ByteBuffer {
        chunk(extra: text.utf8.count) {
            $0.append(#"{"index":0,"delta":{"content":"#)
            $0.append(jsonString: text)
            $0.append(#"},"finish_reason":null}"#)
        }
    }

    /// Why the answer ended; carries the account where no usage chunk follows.
    func finish(_ reason: FinishReason, account: ChatAccount?) -> ByteBuffer {
        var bytes = opening
        bytes.append(#"{"index":0,"delta":{},"finish_reason":"#)
        bytes.append(jsonString: reason.openAIName)
        bytes.append("}")
        bytes += closing
        if let account {
            bytes.append(#","lattice":"#)
            bytes += account.json
        }
        bytes.append("}\n\n")
        return ByteBuffer(bytes: bytes)
    }

    /// The chunk without choices that closes an answer with its usage.
    func usage(_ usage: Usage, account: ChatAccount) -> ByteBuffer {
        var bytes = opening
        bytes.append(#"],"usage":"#)
        bytes += usage.json
        bytes.append(#","lattice":"#)
        bytes += account.json
        bytes.append("}\n\n")
        return ByteBuffer(bytes: bytes)
    }

    /// An error after the head was sent.
    ///
    /// Clients raise it; no `[DONE]` follows.
    static func failure(_ error: APIError) -> ByteBuffer {
        ByteBuffer(bytes: [UInt8]("data: ".utf8) + error.json + [UInt8]("\n\n".utf8))
    }

    private func chunk(extra: Int = 0, _ choice: (inout [UInt8]) -> Void) -> ByteBuffer {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(opening.count + closing.count + extra + 96)
        bytes += opening
        choice(&bytes)
        bytes += closing
        bytes.append("}\n\n")
        return ByteBuffer(bytes: bytes)
    }
}

/// Who answered and what it cost: the `lattice` object of an answer.
struct ChatAccount: Sendable {
    var node: NodeListing
    var cost: Nano
    var receipt: String

    /// The same for headers: `x-lattice-cost` and `x-lattice-receipt`.
    var headers: HTTPFields {
        [.latticeCost: cost.description, .latticeReceipt: HeaderText.plain(receipt)]
    }

    /// `{"node":{"id","name","peer"},"cost","receipt"}`.
    var json: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#"{"node":{"id":"#)
        bytes.append(json: node.id.number)
        bytes.append(#","name":"#)
        bytes.append(jsonString: node.name)
        bytes.append(#","peer":"#)
        bytes.append(jsonString: node.peer)
        bytes.append(#"},"cost":"#)
        bytes.append(jsonString: cost.description)
        bytes.append(#","receipt":"#)
        bytes.append(jsonString: receipt)
        bytes.append("}")
        return bytes
    }
}

extension Usage {
    /// `{"prompt_tokens","completion_tokens","total_tokens"}`.
    var json: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#"{"prompt_tokens":"#)
        bytes.append(json: promptTokens)
        bytes.append(#","completion_tokens":"#)
        bytes.append(json: completionTokens)
        bytes.append(#","total_tokens":"#)
        bytes.append(json: promptTokens.addingReportingOverflow(completionTokens).partialValue)
        bytes.append("}")
        return bytes
    }
}

extension FinishReason {
    /// OpenAI knows no word for an answer that was stopped from outside.
    var openAIName: String {
        switch self {
        case .stop, .cancelled: "stop"
        case .length: "length"
        case .toolCalls: "tool_calls"
        }
    }
}
