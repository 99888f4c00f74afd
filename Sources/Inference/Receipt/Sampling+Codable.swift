extension Sampling: Codable {
    private enum Key: String, CodingKey {
        case temperature, topK, topP, minP, repetitionPenalty, penaltyWindow, presencePenalty, frequencyPenalty,
            logitBias
        case logprobs, seed
    }

    /// Reads a sampling; what is not there is at its default, the temperature and the seed aside.
    public init(from decoder: any Swift.Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let seedText = try container.decode(String.self, forKey: .seed)
        guard let seed = UInt64(seedText) else {
            throw DecodingError.dataCorruptedError(forKey: .seed, in: container, debugDescription: "no 64-bit number")
        }
        self.init(temperature: try container.decode(Double.self, forKey: .temperature), seed: seed)
        topK = try container.decodeIfPresent(Int.self, forKey: .topK) ?? topK
        topP = try container.decodeIfPresent(Double.self, forKey: .topP) ?? topP
        minP = try container.decodeIfPresent(Double.self, forKey: .minP) ?? minP
        repetitionPenalty = try container.decodeIfPresent(Double.self, forKey: .repetitionPenalty) ?? repetitionPenalty
        // Here nothing stands for all tokens.
        penaltyWindow = try container.decodeIfPresent(Int.self, forKey: .penaltyWindow)
        presencePenalty = try container.decodeIfPresent(Double.self, forKey: .presencePenalty) ?? presencePenalty
        frequencyPenalty = try container.decodeIfPresent(Double.self, forKey: .frequencyPenalty) ?? frequencyPenalty
        logprobs = try container.decodeIfPresent(Int.self, forKey: .logprobs)
        for (name, bias) in try container.decodeIfPresent([String: Float?].self, forKey: .logitBias) ?? [:] {
            guard let token = TokenID(name) else {
                throw DecodingError.dataCorruptedError(forKey: .logitBias, in: container, debugDescription: "no token")
            }
            logitBias[token] = bias ?? -.infinity
        }
    }

    /// Writes all values: the seed as text, because readers of JSON round large numbers, and minus infinity as null,
    /// because JSON has none.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(temperature, forKey: .temperature)
        try container.encode(topK, forKey: .topK)
        try container.encode(topP, forKey: .topP)
        try container.encode(minP, forKey: .minP)
        try container.encode(repetitionPenalty, forKey: .repetitionPenalty)
        try container.encodeIfPresent(penaltyWindow, forKey: .penaltyWindow)
        try container.encode(presencePenalty, forKey: .presencePenalty)
        try container.encode(frequencyPenalty, forKey: .frequencyPenalty)
        try container.encodeIfPresent(logprobs, forKey: .logprobs)
        if !logitBias.isEmpty {
            let biases = logitBias.map { (String($0.key), $0.value == -.infinity ? Float?.none : $0.value) }
            try container.encode(Dictionary(uniqueKeysWithValues: biases), forKey: .logitBias)
        }
        try container.encode(String(seed), forKey: .seed)
    }
}
