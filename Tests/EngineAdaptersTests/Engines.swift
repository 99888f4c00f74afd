import Foundation
import Inference
import NIOHTTP1

@testable import EngineAdapters

/// Answers of engines as their documentation gives them, for what needs no real one.
enum Engines {
    typealias Reply = ScriptedServer.Reply

    static let done = "data: [DONE]\n\n"

    static func chunk(_ text: String, finish: String? = nil) -> String {
        let reason = finish.map { "\"\($0)\"" } ?? "null"
        return #"data: {"choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":\#(reason)}]}"# + "\n\n"
    }

    static func usage(_ prompt: Int, _ completion: Int) -> String {
        #"data: {"choices":[],"usage":{"prompt_tokens":\#(prompt),"completion_tokens":\#(completion)}}"# + "\n\n"
    }

    static let greeting = chunk("Hi") + chunk(" there", finish: "stop") + usage(12, 3) + done

    /// A recorded or documented stream.
    static func vector(_ name: String) throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/\(name).txt")
        return try String(contentsOf: file, encoding: .utf8)
    }

    /// What only speaks OpenAI's API.
    static func openAI(_ request: ScriptedServer.Request, chat: Reply = .stream(.text(greeting))) -> Reply {
        switch request.path {
        case "/v1/models": .json(#"{"object":"list","data":[{"id":"gpt-x","object":"model","owned_by":"someone"}]}"#)
        case "/v1/chat/completions": chat
        default: .notFound
        }
    }

    static func vllm(
        _ request: ScriptedServer.Request,
        version: String = "0.12.0",
        tools: Bool = true,
        chat: Reply = .stream(.text(greeting))
    ) -> Reply {
        switch request.path {
        case "/v1/models":
            .json(
                #"{"object":"list","data":[{"id":"Qwen/Qwen3-0.6B","object":"model","created":1,"owned_by":"vllm","root":"Qwen/Qwen3-0.6B","parent":null,"max_model_len":40960,"permission":[]}]}"#
            )
        case "/version": .json(#"{"version":"\#(version)"}"#)
        case "/tokenize": .json(#"{"count":17,"max_model_len":40960,"tokens":[1,2,3],"token_strs":null}"#)
        case "/v1/chat/completions" where !request.body.contains(#""stream":true"#):
            tools
                ? .json(#"{"choices":[{"message":{"role":"assistant","content":"H"},"finish_reason":"length"}]}"#)
                : .json(
                    #"{"error":{"message":"\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set","type":"BadRequestError","param":null,"code":400}}"#,
                    status: .badRequest
                )
        case "/v1/chat/completions": chat
        default: .json(#"{"detail":"Not Found"}"#, status: .notFound)
        }
    }

    static func ollama(
        _ request: ScriptedServer.Request,
        capabilities: String = #"["completion","tools","thinking"]"#,
        parameters: String = #"num_ctx                        16384\nstop                           \"<|im_end|>\""#,
        running: String = "[]",
        version: String = "0.13.5",
        chat: Reply = .stream(.text(greeting))
    ) -> Reply {
        switch request.path {
        case "/v1/models":
            .json(#"{"object":"list","data":[{"id":"qwen3:0.6b","object":"model","owned_by":"library"}]}"#)
        case "/api/version": .json(#"{"version":"\#(version)"}"#)
        case "/api/tags":
            .json(
                #"{"models":[{"name":"qwen3:0.6b","model":"qwen3:0.6b","size":522653767,"digest":"\#(digest)","details":{"format":"gguf","family":"qwen3","parameter_size":"751.63M","quantization_level":"Q4_K_M"}},{"name":"llama3.2:latest","digest":"x"}]}"#
            )
        case "/api/show":
            .json(
                #"{"parameters":"\#(parameters)","template":"…","details":{"format":"gguf"},"model_info":{"general.architecture":"qwen3","general.parameter_count":751632384,"qwen3.attention.layer_norm_rms_epsilon":1e-06,"qwen3.context_length":40960,"tokenizer.ggml.tokens":null,"tokenizer.ggml.add_bos_token":false},"capabilities":\#(capabilities)}"#
            )
        case "/api/ps": .json(#"{"models":\#(running)}"#)
        case "/v1/chat/completions": chat
        default: .notFound
        }
    }

    static let digest = "7df6b6e09427a769808717c0a93cadc4ae99ed4eb8bf5ca557c90846becea435"

    static let conversation = Conversation(turns: [ChatTurn(role: "user", content: "Hello")])
}

extension AnswerStream {
    /// All that is left of it.
    func rest() async throws -> [AnswerEvent] {
        var events: [AnswerEvent] = []
        while let event = try await next() { events.append(event) }
        return events
    }
}

extension [AnswerEvent] {
    var content: String {
        reduce(into: "") { text, event in
            guard case .parts(let parts, _, _) = event else { return }
            for case .content(let part) in parts { text += part }
        }
    }

    var parts: [ChatOutputPart] {
        reduce(into: []) { parts, event in
            if case .parts(let more, _, _) = event { parts += more }
        }
    }

    var tokens: Int {
        reduce(into: 0) { sum, event in
            if case .parts(_, let tokens, _) = event { sum += tokens }
        }
    }

    var logprobs: [AnswerLogprob] {
        reduce(into: []) { all, event in
            if case .parts(_, _, let logprobs) = event { all += logprobs }
        }
    }

    var ending: AnswerEnding? {
        if case .finished(let ending)? = last { ending } else { nil }
    }
}
