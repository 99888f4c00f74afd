internal import Nexus

/// The fields of a body that say how tokens are chosen.
struct SamplingBody: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case temperature, seed, logprobs
        case topP = "top_p"
        case topK = "top_k"
        case minP = "min_p"
        case repetitionPenalty = "repetition_penalty"
        /// llama.cpp's name for it.
        case repeatPenalty = "repeat_penalty"
        case presencePenalty = "presence_penalty"
        case frequencyPenalty = "frequency_penalty"
        case logitBias = "logit_bias"
        case topLogprobs = "top_logprobs"
    }

    private var temperature: Double
    private var topP: Double
    private var topK: Int
    private var minP: Double
    private var repetitionPenalty: Double
    private var presencePenalty: Double
    private var frequencyPenalty: Double
    private var logitBias: [Int32: Float]
    private var logprobs: Bool
    private var topLogprobs: Int?
    private var seed: UInt64?

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        temperature = try fields.number(Double.self, .temperature) ?? 1
        topP = try fields.number(Double.self, .topP) ?? 1
        topK = try fields.number(Int.self, .topK) ?? 0
        minP = try fields.number(Double.self, .minP) ?? 0
        repetitionPenalty =
            try fields.number(Double.self, .repetitionPenalty) ?? fields.number(Double.self, .repeatPenalty) ?? 1
        presencePenalty = try fields.number(Double.self, .presencePenalty) ?? 0
        frequencyPenalty = try fields.number(Double.self, .frequencyPenalty) ?? 0
        logitBias = try fields.number(BiasBody.self, .logitBias)?.biases ?? [:]
        logprobs = try fields.decodeIfPresent(Bool.self, forKey: .logprobs) ?? false
        topLogprobs = try fields.number(Int.self, .topLogprobs)
        seed = try fields.number(SeedBody.self, .seed)?.value
    }

    /// The rule, once every range was checked.
    func sampling() throws(APIError) -> Sampling {
        try Self.check(temperature, 0...2, "temperature")
        try Self.check(topP, 0...1, "top_p")
        try Self.check(minP, 0...1, "min_p")
        try Self.check(presencePenalty, -2...2, "presence_penalty")
        try Self.check(frequencyPenalty, -2...2, "frequency_penalty")
        guard repetitionPenalty > 0, repetitionPenalty <= 10 else {
            throw .invalidRequest(
                "'repetition_penalty' must be above 0 and at most 10.",
                param: "repetition_penalty"
            )
        }
        // llama.cpp's clients say -1 for "keep all".
        guard topK >= -1 else { throw .invalidRequest("'top_k' must be 0 or more.", param: "top_k") }
        if let topLogprobs {
            guard logprobs else {
                throw .invalidRequest("'top_logprobs' needs 'logprobs' to be true.", param: "top_logprobs")
            }
            guard (0...20).contains(topLogprobs) else {
                throw .invalidRequest("'top_logprobs' must be from 0 to 20.", param: "top_logprobs")
            }
        }
        return Sampling(
            temperature: temperature,
            topP: topP,
            topK: max(topK, 0),
            minP: minP,
            repetitionPenalty: repetitionPenalty,
            presencePenalty: presencePenalty,
            frequencyPenalty: frequencyPenalty,
            logitBias: logitBias,
            logprobs: logprobs ? topLogprobs ?? 0 : nil,
            seed: seed
        )
    }

    private static func check(_ value: Double, _ range: ClosedRange<Double>, _ name: String) throws(APIError) {
        guard range.contains(value) else {
            let (low, high) = (Int(range.lowerBound), Int(range.upperBound))
            throw .invalidRequest("'\(name)' must be from \(low) to \(high).", param: name)
        }
    }
}

/// What is added to the logits of tokens, by their numbers as strings.
private struct BiasBody: Decodable {
    /// OpenAI takes 300.
    private static let limit = 1024

    var biases: [Int32: Float] = [:]

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: FieldName.self)
        guard fields.allKeys.count <= Self.limit else {
            throw APIError.invalidRequest("'logit_bias' takes at most \(Self.limit) tokens.", param: "logit_bias")
        }
        for key in fields.allKeys {
            guard let token = Int32(key.stringValue), token >= 0 else {
                throw APIError.invalidRequest(
                    "The keys of 'logit_bias' must be numbers of tokens.",
                    param: "logit_bias"
                )
            }
            let bias = try fields.decode(Float.self, forKey: key)
            guard (-100...100).contains(bias) else {
                throw APIError.invalidRequest("'logit_bias' takes values from -100 to 100.", param: "logit_bias")
            }
            biases[token] = bias
        }
    }
}

/// A whole number of 64 bits, signed as OpenAI has it or unsigned.
private struct SeedBody: Decodable {
    var value: UInt64

    init(from decoder: any Decoder) throws {
        let number = try decoder.singleValueContainer()
        if let signed = try? number.decode(Int64.self) {
            value = UInt64(bitPattern: signed)
        } else {
            value = try number.decode(UInt64.self)
        }
    }
}
