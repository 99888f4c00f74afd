import Inference

/// Prompt and generation speed of the engine on one file.
struct EngineBench {
    let path: String
    let threads: [Int]
    let promptTokens: Int
    let answerTokens: Int
    let runs: Int

    func rows() async throws -> [BenchRow] {
        var rows: [BenchRow] = []
        for count in threads {
            let start = ContinuousClock.now
            let engine = try await Engine.load(path: path, options: EngineOptions(threads: count))
            let loading = ContinuousClock.now - start
            defer { engine.close() }
            var length = 0
            var prefill = Sample()
            var decode = Sample()
            for number in 0..<runs {
                let prompt = try prompt(for: engine, number)
                length = prompt.count
                let (read, written) = try await run(engine, prompt)
                prefill.add(read)
                decode.add(written)
            }
            let name = "\(count) thread\(count == 1 ? "" : "s")"
            rows.append(BenchRow("\(engine.modelName), load, \(name)", unit: "ms", ours: loading / .milliseconds(1)))
            rows.append(
                BenchRow(
                    "\(engine.modelName), prompt of \(length), \(name)",
                    unit: "tokens/s",
                    ours: prefill.median
                )
            )
            rows.append(
                BenchRow(
                    "\(engine.modelName), generation of \(answerTokens), \(name)",
                    unit: "tokens/s",
                    ours: decode.median
                )
            )
        }
        return rows
    }

    /// Prompt tokens and generated tokens a second.
    ///
    /// No end token is obeyed early: the answer is drawn at a high temperature, and a run that ended early is measured
    /// over what it wrote.
    private func run(_ engine: Engine, _ prompt: [TokenID]) async throws -> (Double, Double) {
        let generation = try engine.generate(
            GenerationRequest(
                promptTokens: prompt,
                maxTokens: answerTokens,
                sampling: Sampling(temperature: 2, topK: 0, topP: 1, seed: 1)
            )
        )
        while let event = try await generation.next() {
            guard case .finished(_, let promptTokens, let completionTokens, let prefill, let decode) = event else {
                continue
            }
            return (
                Double(promptTokens) / (prefill / .seconds(1)), Double(completionTokens) / (decode / .seconds(1))
            )
        }
        return (0, 0)
    }

    /// A prompt of about the length asked for, within the context.
    ///
    /// - Parameter number: another one gives a prompt of which the engine's cache knows nothing.
    private func prompt(for engine: Engine, _ number: Int) throws -> [TokenID] {
        let limit = min(promptTokens, engine.contextLength - answerTokens - 1)
        let sentence = "Lattice is a decentralized network for AI inference. "
        let text = "\(number). " + String(repeating: sentence, count: max(1, limit / 6))
        let tokens = try engine.prompt(for: [ChatTurn(role: "user", content: text)])
        return Array(tokens.prefix(max(1, limit)))
    }
}
