import Foundation
import Ledger
import NodeAPI
import SwiftProtobuf

/// Requests as they travel to nodes.
extension ProtoChatStart {
    /// The message for a request under a session.
    init(_ request: ChatRequest, session: Bytes32, credit: Nano, seed: UInt64) {
        self.init()
        self.session = Data(session.bytes)
        model = request.model
        turns = request.messages.map { ProtoTurn($0) }
        maxTokens = UInt32(clamping: request.maxTokens ?? 0)
        temperature = request.sampling.temperature
        topP = request.sampling.topP
        topK = UInt32(clamping: request.sampling.topK)
        self.seed = seed
        stop = request.stop
        self.credit = credit.count
        let details = ProtoChatOptions(request)
        if details != ProtoChatOptions() { options = details }
    }
}

extension ProtoChatOptions {
    fileprivate init(_ request: ChatRequest) {
        self.init()
        let sampling = request.sampling
        minP = sampling.minP
        if sampling.repetitionPenalty != 1 { repetitionPenalty = sampling.repetitionPenalty }
        presencePenalty = sampling.presencePenalty
        frequencyPenalty = sampling.frequencyPenalty
        // In one order, so that the same request has the same hash.
        logitBias = sampling.logitBias.sorted { $0.key < $1.key }.map { token, bias in
            .with {
                $0.token = token
                $0.bias = bias
            }
        }
        if let count = sampling.logprobs { logprobs = UInt32(clamping: count) }
        tools = request.tools.map { tool in
            .with {
                $0.name = tool.name
                $0.description_p = tool.description
                $0.parameters = tool.parameters
            }
        }
        switch request.toolChoice {
        case .auto: break
        case .none: toolChoice = .none
        case .required: toolChoice = .required
        case .function(let name):
            toolChoice = .function
            toolName = name
        }
        switch request.format {
        case .text: break
        case .jsonObject: responseFormat.jsonObject = true
        case .jsonSchema(let schema): responseFormat.jsonSchema = schema
        case .gbnf(let grammar): responseFormat.gbnf = grammar
        }
        if let wanted = request.thinking { thinking = wanted }
        wantsReceipt = request.wantsReceipt
    }
}

extension ProtoTurn {
    fileprivate init(_ message: ChatMessage) {
        self.init()
        role = message.role
        content = message.content
        reasoning = message.reasoning ?? ""
        toolCalls = message.toolCalls.map { call in
            .with {
                $0.id = call.id
                $0.name = call.name
                $0.arguments = call.arguments
            }
        }
        toolCallID = message.toolCallID ?? ""
        toolName = message.toolName ?? ""
    }
}

/// Answers as they come from nodes, which are strangers: what is too long is no answer.
extension ChatDelta {
    /// Bounds of one message, in elements and bytes; a message of a call has a bound of its own.
    private static let limits = (calls: 64, alternatives: 20, token: 1024, name: 256)

    /// What a node sends.
    init(_ delta: ProtoChatDelta) throws(MessageError) {
        guard delta.toolCalls.count <= Self.limits.calls else { throw .badField("delta.tool_calls") }
        for call in delta.toolCalls
        where call.id.utf8.count > Self.limits.name || call.name.utf8.count > Self.limits.name {
            throw .badField("delta.tool_calls.name")
        }
        // A token in the middle of a character adds its report to the next delta.
        guard delta.logprobs.count <= Int(delta.tokens) + Self.limits.calls else { throw .badField("delta.logprobs") }
        var logprobs: [TokenLogprob] = []
        for entry in delta.logprobs {
            guard entry.top.count <= Self.limits.alternatives else { throw .badField("delta.logprobs.top") }
            var top: [TokenLogprob.Choice] = []
            for choice in entry.top { top.append(try Self.choice(choice)) }
            logprobs.append(TokenLogprob(token: try Self.choice(entry.token), top: top))
        }
        self.init(
            text: delta.text,
            reasoning: delta.reasoning,
            toolCalls: delta.toolCalls.map { ToolCall(id: $0.id, name: $0.name, arguments: $0.arguments) },
            logprobs: logprobs,
            tokens: Int(delta.tokens)
        )
    }

    private static func choice(_ choice: ProtoTokenChoice) throws(MessageError) -> TokenLogprob.Choice {
        guard choice.text.count <= limits.token, choice.logprob.isFinite else {
            throw .badField("delta.logprobs.token")
        }
        return TokenLogprob.Choice(bytes: [UInt8](choice.text), logprob: choice.logprob)
    }
}

extension ChatSummary {
    /// A receipt of computation with more bytes is dropped: it has the numbers of all tokens, and little else.
    private static let computationLimit = 2 << 20

    /// The account of what a node finished, under a receipt that holds.
    init(_ finished: ProtoChatFinished, receipt: Receipt) {
        let computation = finished.computation
        self.init(
            reason: FinishReason(finished.reason),
            usage: Usage(
                promptTokens: Int(clamping: receipt.inputTokens),
                completionTokens: Int(clamping: receipt.outputTokens),
                cachedPromptTokens: min(Int(finished.cachedPromptTokens), Int(clamping: receipt.inputTokens))
            ),
            cost: receipt.cost,
            receipt: receipt.structHash.description,
            computation: Self.isReceipt(computation) ? computation : nil
        )
    }

    /// Whether a node's text is JSON in one line, as it goes into answers as it is.
    private static func isReceipt(_ text: String) -> Bool {
        guard (2...computationLimit).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x20 }) else {
            return false
        }
        return (try? JSONSerialization.jsonObject(with: Data(text.utf8))) is [String: Any]
    }
}

extension FinishReason {
    init(_ reason: ProtoFinishReason) {
        switch reason {
        case .length: self = .length
        case .cancelled: self = .cancelled
        case .toolCalls: self = .toolCalls
        case .stop, .unspecified, .UNRECOGNIZED: self = .stop
        }
    }
}
