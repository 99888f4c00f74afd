import Ledger
import NodeAPI
import Testing

@testable import Nexus

@Suite struct `A request to nodes` {
    private let user = ChatMessage(role: "user", content: "Hello")

    private func message(_ request: ChatRequest) -> ProtoChatStart {
        ProtoChatStart(request, session: Bytes32(number: 1), credit: Nano(9), seed: 3)
    }

    @Test func `has no options where all are at their default`() {
        #expect(!message(ChatRequest(model: "m", messages: [user])).hasOptions)
    }

    @Test func `carries all that is asked`() {
        let request = ChatRequest(
            model: "m",
            messages: [
                ChatMessage(
                    role: "assistant",
                    content: "",
                    reasoning: "hm",
                    toolCalls: [ToolCall(id: "c", name: "f", arguments: "{}")]
                ),
                ChatMessage(role: "tool", content: "2", toolCallID: "c", toolName: "f"),
            ],
            sampling: Sampling(
                minP: 0.1,
                repetitionPenalty: 1.2,
                presencePenalty: 1,
                frequencyPenalty: -1,
                logitBias: [7: 1, 2: -100],
                logprobs: 0
            ),
            tools: [Tool(name: "f", description: "d", parameters: "{}")],
            toolChoice: .function("f"),
            format: .jsonSchema("{}"),
            thinking: false,
            wantsReceipt: true
        )
        let start = message(request)
        #expect(start.turns[0].reasoning == "hm" && start.turns[0].toolCalls.map(\.name) == ["f"])
        #expect(start.turns[1].toolCallID == "c" && start.turns[1].toolName == "f")
        let options = start.options
        #expect(options.minP == 0.1 && options.repetitionPenalty == 1.2)
        #expect(options.presencePenalty == 1 && options.frequencyPenalty == -1)
        #expect(options.logitBias.map(\.token) == [2, 7] && options.logitBias.map(\.bias) == [-100, 1])
        #expect(options.hasLogprobs && options.logprobs == 0)
        #expect(options.tools.map(\.description_p) == ["d"])
        #expect(options.toolChoice == .function && options.toolName == "f")
        #expect(options.responseFormat.jsonSchema == "{}")
        #expect(options.hasThinking && !options.thinking && options.wantsReceipt)
    }

    @Test func `says what the engine must be able to do`() {
        var request = ChatRequest(model: "m", messages: [user])
        #expect(request.needs == [])
        request.tools = [Tool(name: "f")]
        request.format = .gbnf("root ::= [a]")
        request.sampling.logprobs = 1
        request.wantsReceipt = true
        #expect(request.needs == [.tools, .grammars, .logprobs, .isBitExact])
        request.toolChoice = .none
        request.format = .jsonObject
        #expect(request.needs == [.schemas, .logprobs, .isBitExact])
    }

    @Test func `is refused by the field that no node can serve`() throws {
        var request = ChatRequest(model: "m", messages: [user], tools: [Tool(name: "f")])
        var offer = Offer(
            model: "m",
            fingerprint: .zero,
            contextLength: 9,
            price: TokenPrice(input: .zero, output: .zero)
        )
        #expect(
            throws: NexusError.invalidRequest(field: "tools", problem: "No node that serves 'm' can call tools.")
        ) {
            try request.checkCapabilities(of: [offer])
        }
        offer.capabilities = .tools
        try request.checkCapabilities(of: [offer])
        request.wantsReceipt = true
        #expect(throws: NexusError.self) { try request.checkCapabilities(of: [offer]) }
    }

    @Test(arguments: [
        (Sampling(minP: 2), "min_p"), (Sampling(repetitionPenalty: 0), "repetition_penalty"),
        (Sampling(presencePenalty: 3), "presence_penalty"), (Sampling(frequencyPenalty: .nan), "frequency_penalty"),
        (Sampling(logitBias: [-1: 0]), "logit_bias"), (Sampling(logprobs: 21), "top_logprobs"),
    ])
    func `is refused by the field that is out of range`(sampling: Sampling, field: String) {
        let request = ChatRequest(model: "m", messages: [user], sampling: sampling)
        #expect {
            try request.validate()
        } throws: { error in
            guard case NexusError.invalidRequest(field, _) = error else { return false }
            return true
        }
    }

    @Test func `is held for at least what its tools may take`() {
        let plain = RequestSize(ChatRequest(model: "m", messages: [user]), contextLength: 100_000)
        let schema = String(repeating: "x", count: 1000)
        let tools = RequestSize(
            ChatRequest(model: "m", messages: [user], tools: [Tool(name: "f", parameters: schema)]),
            contextLength: 100_000
        )
        #expect(tools.promptTokenLimit >= plain.promptTokenLimit + 4000)
    }
}
