internal import HTTPTypes
internal import Ledger
internal import Nexus

/// Who answered and what it cost: the `lattice` object of an answer.
struct ChatAccount: Sendable {
    var node: NodeListing
    var cost: Nano
    var receipt: String
    /// What was computed, as JSON text, if it was asked for.
    var computation: String?

    /// The account of an answer.
    init(node: NodeListing, summary: ChatSummary) {
        self.node = node
        cost = summary.cost
        receipt = summary.receipt
        computation = summary.computation
    }

    /// The same for headers: `x-lattice-cost` and `x-lattice-receipt`.
    var headers: HTTPFields {
        [.latticeCost: cost.description, .latticeReceipt: HeaderText.plain(receipt)]
    }

    /// `{"node":{"id","name","peer"},"cost","receipt"}`, with `computation` where there is one.
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
        if let computation {
            bytes.append(#","computation":"#)
            // Nexus has made sure that it is JSON in one line.
            bytes += computation.utf8
        }
        bytes.append("}")
        return bytes
    }
}

extension Usage {
    /// `{"prompt_tokens","completion_tokens","total_tokens"}`, with details where they are known.
    func json(reasoningTokens: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(#"{"prompt_tokens":"#)
        bytes.append(json: promptTokens)
        bytes.append(#","completion_tokens":"#)
        bytes.append(json: completionTokens)
        bytes.append(#","total_tokens":"#)
        bytes.append(json: promptTokens.addingReportingOverflow(completionTokens).partialValue)
        if let cachedPromptTokens {
            bytes.append(#","prompt_tokens_details":{"cached_tokens":"#)
            bytes.append(json: cachedPromptTokens)
            bytes.append("}")
        }
        if reasoningTokens > 0 {
            bytes.append(#","completion_tokens_details":{"reasoning_tokens":"#)
            bytes.append(json: reasoningTokens)
            bytes.append("}")
        }
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
