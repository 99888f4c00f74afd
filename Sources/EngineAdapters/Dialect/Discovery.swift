import Crypto
import Foundation
import Inference
import NIOHTTP1

/// What answers at an address.
struct DiscoveredEngine: Hashable, Sendable {
    var dialect: Dialect
    /// The model as the engine names it in requests.
    var model: String
    var profile: EngineProfile
}

/// Finds out which engine answers, which model it serves, and what it can do.
struct Discovery {
    let client: EngineClient
    let options: RemoteEngineOptions
    /// What was found before, so that what cannot change without a new start of the engine is not asked again.
    var before: DiscoveredEngine?

    /// What engines with slots unknown are given: vLLM runs up to 256 at once, others a few.
    private static let vllmSlots = 32
    private static let otherSlots = 4
    /// What is assumed of an endpoint that tells no context: requests beyond it are refused by itself or cut.
    private static let unknownContext = 8192
    /// What Ollama gives a model on machines without a large GPU, unless it is told otherwise.
    private static let ollamaContext = 4096

    private struct Models: Decodable {
        struct Model: Decodable {
            var id: String
            var owned_by: String?
            /// vLLM and SGLang.
            var max_model_len: Int?
            /// OpenRouter.
            var context_length: Int?
            /// Groq.
            var context_window: Int?
            /// LM Studio.
            var max_context_length: Int?

            var context: Int? { max_model_len ?? context_length ?? context_window ?? max_context_length }
        }

        var data: [Model]?
    }

    private struct Props: Decodable {
        struct Settings: Decodable { var n_ctx: Int? }

        var default_generation_settings: Settings?
        var total_slots: Int?
        var chat_template: String?
        var chat_template_caps: [String: Bool]?
        /// `router` where the server starts a process for each model.
        var role: String?
    }

    private struct Version: Decodable { var version: String }

    private struct Tags: Decodable {
        struct Model: Decodable {
            var name: String
            var digest: String?
        }

        var models: [Model]?
    }

    /// Asks; a model may be left out where there is only one.
    func find(model wanted: String?) async throws(ChatEngineError) -> DiscoveredEngine {
        let (status, bytes) = try await client.send(.GET, "/v1/models")
        if status == 503 { throw .unavailable("\(client.address) is still loading its model; try again in a moment") }
        // Some endpoints have no list; everything else that fails here fails for good.
        guard status == 200 || status == 404 else { throw EngineFault.error(status: status, body: bytes) }
        let models = (try? JSONDecoder().decode(Models.self, from: Data(bytes)))?.data ?? []
        if let props = try await props(wanted), props.default_generation_settings != nil || props.role != nil {
            return try await llamaCpp(props, models, wanted)
        }
        if let tags = try await client.ask(.GET, "/api/tags", as: Tags.self), tags.models != nil,
            let version = try await client.ask(.GET, "/api/version", as: Version.self)
        {
            return try await ollama(version.version, tags, wanted)
        }
        let model = try choose(wanted, among: models.map(\.id))
        let entry = models.first { $0.id == model }
        if entry?.owned_by == "vllm" { return try await vllm(model, entry) }
        return discovered(
            .openAI,
            model: model,
            context: entry?.context ?? Self.unknownContext,
            slots: Self.otherSlots,
            capabilities: [.tools, .schemas, .logprobs, .estimatesTokens]
        )
    }

    // MARK: llama.cpp

    private func props(_ model: String?) async throws(ChatEngineError) -> Props? {
        let query = model.flatMap { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) }
        return try await client.ask(.GET, "/props" + (query.map { "?model=" + $0 } ?? ""), as: Props.self)
    }

    private func llamaCpp(
        _ props: Props,
        _ models: [Models.Model],
        _ wanted: String?
    ) async throws(ChatEngineError) -> DiscoveredEngine {
        let model = try choose(wanted, among: models.map(\.id))
        var props = props
        // A router tells nothing of its models until one is named.
        if props.default_generation_settings == nil, let named = try await self.props(model) { props = named }
        // Everyone may ask what it serves: a key that is wrong shows here, and not at the first answer. Once is enough, as
        // this wakes a server that sleeps.
        if before == nil { _ = try await TokenCount(client: client, dialect: .llamaCpp, model: model).tokens(of: "") }
        var capabilities: EngineProfile.Capabilities = [.schemas, .grammars, .logprobs]
        let knowsTools = props.chat_template_caps?["supports_tools"] ?? props.chat_template?.contains("tools")
        if knowsTools == true { capabilities.insert(.tools) }
        return discovered(
            .llamaCpp,
            model: model,
            context: props.default_generation_settings?.n_ctx ?? Self.unknownContext,
            slots: props.total_slots ?? 1,
            capabilities: capabilities
        )
    }

    // MARK: vLLM

    private func vllm(_ model: String, _ entry: Models.Model?) async throws(ChatEngineError) -> DiscoveredEngine {
        var dialect = Dialect.vllm
        var capabilities: EngineProfile.Capabilities = [.schemas, .logprobs]
        let version = try await client.ask(.GET, "/version", as: Version.self)?.version
        if let version, Self.parts(version).lexicographicallyPrecedes([0, 11]) {
            dialect.grammar = .none
        } else {
            capabilities.insert(.grammars)
        }
        let knownTools = before.map { $0.profile.capabilities.contains(.tools) }
        let hasTools = if let knownTools { knownTools } else { try await callsTools(model) }
        if hasTools { capabilities.insert(.tools) }
        return discovered(
            dialect,
            model: model,
            context: entry?.context ?? Self.unknownContext,
            slots: Self.vllmSlots,
            capabilities: capabilities
        )
    }

    /// vLLM calls tools only if it was started with a parser for them, which nothing tells but a refusal.
    private func callsTools(_ model: String) async throws(ChatEngineError) -> Bool {
        var conversation = Conversation(turns: [ChatTurn(role: "user", content: "Hi")])
        conversation.tools = [ChatTool(name: "nothing")]
        let request = try ChatRequest(conversation, dialect: .vllm, model: model)
        var body = JSONText()
        body.add("max_tokens", 1)
        let members = request.counted.dropFirst().dropLast() + #","tool_choice":"auto""#
        let (status, _) = try await client.send(.POST, "/v1/chat/completions", body: body.text + "," + members + "}")
        return status == 200
    }

    // MARK: Ollama

    private func ollama(
        _ version: String,
        _ tags: Tags,
        _ wanted: String?
    ) async throws(ChatEngineError) -> DiscoveredEngine {
        let names = tags.models?.map(\.name) ?? []
        let full = wanted.map { $0.contains(":") ? $0 : $0 + ":latest" }
        let model = try choose(full, among: names)
        let name = JSONText.object { $0.add("model", model) }
        let shown = try await client.call(.POST, "/api/show", body: name, as: OllamaModel.self)
        var dialect = Dialect.ollama
        if !shown.capabilities.contains("thinking") { dialect.thinking = .none }
        var capabilities: EngineProfile.Capabilities = [.schemas, .estimatesTokens]
        if shown.capabilities.contains("tools") { capabilities.insert(.tools) }
        // 0.12.11 brought log probabilities.
        if !Self.parts(version).lexicographicallyPrecedes([0, 12, 11]) { capabilities.insert(.logprobs) }
        let running = try await client.ask(.GET, "/api/ps", as: OllamaProcesses.self)
        let given = running?.models.first { $0.name == model }?.context_length ?? shown.givenContext
        let context = given ?? min(shown.trainedContext ?? Self.ollamaContext, Self.ollamaContext)
        var engine = discovered(dialect, model: model, context: context, slots: 1, capabilities: capabilities)
        if let digest = tags.models?.first(where: { $0.name == model })?.digest, digest.utf8.count == 64,
            digest.allSatisfy(\.isHexDigit)
        {
            engine.profile.fingerprint = digest.lowercased()
        }
        return engine
    }

    // MARK: Parts

    /// The model that is meant.
    private func choose(_ wanted: String?, among models: [String]) throws(ChatEngineError) -> String {
        // The lists of public endpoints are long; a few names show what names look like.
        let some = models.prefix(8).joined(separator: ", ") + (models.count > 8 ? ", …" : "")
        guard let wanted else {
            guard let only = models.first else {
                throw .unavailable("\(client.address) lists no model; name the one that it serves")
            }
            guard models.count == 1 else {
                throw .badRequest("\(client.address) serves several models; name one of them: \(some)")
            }
            return only
        }
        if let found = models.first(where: { $0 == wanted || Self.display($0) == wanted }) { return found }
        guard models.isEmpty else {
            throw .badRequest("\(client.address) does not serve '\(wanted)'; it has: \(some)")
        }
        return wanted
    }

    private func discovered(
        _ dialect: Dialect,
        model: String,
        context: Int,
        slots: Int,
        capabilities: EngineProfile.Capabilities
    ) -> DiscoveredEngine {
        let display = dialect.engine == Dialect.llamaCpp.engine ? Self.display(model) : model
        let name = "\(dialect.engine)/\(display)"
        return DiscoveredEngine(
            dialect: dialect,
            model: model,
            profile: EngineProfile(
                engine: dialect.engine,
                model: display,
                fingerprint: SHA256.hash(data: Data(name.utf8)).map { byte in
                    (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }.joined(),
                contextLength: max(options.contextLength ?? context.clamped, 2),
                slots: max(options.slots ?? slots.clamped, 1),
                capabilities: capabilities
            )
        )
    }

    /// llama.cpp names a model by its file unless it is given another name.
    private static func display(_ model: String) -> String {
        guard model.hasSuffix(".gguf") else { return model }
        return String(model.dropLast(5).split(separator: "/").last ?? "model")
    }

    /// The numbers of a version, as far as they are numbers: `0.11.1rc2` is 0, 11, 1.
    private static func parts(_ version: String) -> [Int] {
        version.split(separator: ".").map { part in Int(part.prefix { $0.isNumber }) ?? 0 }
    }
}

/// What Ollama says of a model (`/api/show`).
private struct OllamaModel: Decodable {
    var capabilities: [String]
    /// What the model was trained for.
    var trainedContext: Int?
    /// What its Modelfile sets.
    var givenContext: Int?

    private enum CodingKeys: CodingKey { case capabilities, model_info, parameters }

    private enum Value: Decodable {
        case number(Int)
        case other

        init(from decoder: any Decoder) throws {
            self = (try? decoder.singleValueContainer().decode(Int.self)).map { .number($0) } ?? .other
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        capabilities = try container.decodeIfPresent([String].self, forKey: .capabilities) ?? []
        let facts = try container.decodeIfPresent([String: Value].self, forKey: .model_info) ?? [:]
        if case .number(let context)? = facts.first(where: { $0.key.hasSuffix(".context_length") })?.value {
            trainedContext = context
        }
        let parameters = try container.decodeIfPresent(String.self, forKey: .parameters) ?? ""
        for line in parameters.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "num_ctx" { givenContext = Int(words[1]) }
        }
    }
}

/// The models that Ollama has in memory (`/api/ps`).
private struct OllamaProcesses: Decodable {
    struct Model: Decodable {
        var name: String
        var context_length: Int?
    }

    var models: [Model]
}
