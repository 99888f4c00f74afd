/// One generation on the engine's thread: its cache, its place in the prompt, and what it has said.
struct ActiveGeneration {
    /// Whether the end was sent.
    private(set) var isFinished = false
    let channel: GenerationChannel

    private let prompt: [TokenID]
    /// The most tokens to generate, with the context's end in mind.
    private let limit: Int
    private let cache: KVCache
    private let clock = ContinuousClock()
    private var sampler: Sampler
    private var decoder: TokenDecoder
    private var stops: StopScanner
    private var last: TokenID?
    private var generated = 0
    /// Tokens since the last text that was sent.
    private var unsent = 0
    private var started: ContinuousClock.Instant?
    private var answered: ContinuousClock.Instant?

    init(_ entry: Inbox.Entry, model: LoadedModel) {
        let request = entry.request
        channel = entry.channel
        prompt = request.promptTokens
        let room = model.contextLength - prompt.count
        limit = min(request.maxTokens ?? room, room)
        cache = KVCache(for: model.transformer, capacity: model.contextLength)
        sampler = Sampler(request.sampling, prompt: request.promptTokens)
        decoder = TokenDecoder(tokenizer: model.tokenizer)
        stops = StopScanner(request.stop)
    }

    /// A chunk of the prompt, or one token; nothing while the reader is behind.
    mutating func step(model: LoadedModel, workspace: Workspace) {
        if channel.isCancelled {
            finish(.cancelled)
        } else if !channel.pauses() {
            do throws(ModelError) {
                if try advance(model: model, workspace: workspace) {
                    let choice = unsafe try sampler.next(
                        logits: workspace.logits(0),
                        vocabulary: model.tokenizer.vocabularySize,
                        scratch: workspace.scratch
                    )
                    sampler.accept(choice.token)
                    accept(choice, model: model)
                }
            } catch {
                channel.end(.failure(.failed(error)))
                isFinished = true
            }
        }
    }

    /// Runs the model on what it has not seen; answers whether the logits of the next token are there.
    private mutating func advance(model: LoadedModel, workspace: Workspace) throws(ModelError) -> Bool {
        if started == nil { started = clock.now }
        let tokens = last.map { [$0][...] } ?? prompt[cache.count...].prefix(workspace.capacity)
        model.transformer.embed(tokens, into: workspace)
        try model.transformer.forward(tokens.count, cache: cache, workspace: workspace, pool: model.pool)
        guard cache.count >= prompt.count else { return false }
        model.transformer.logits(after: tokens.count - 1, workspace: workspace, pool: model.pool)
        if answered == nil { answered = clock.now }
        return true
    }

    private mutating func accept(_ choice: Sampler.Choice, model: LoadedModel) {
        let token = choice.token
        if let logprob = choice.logprob { channel.report(logprob) }
        last = token
        generated += 1
        unsent += 1
        if model.tokenizer.endTokens.contains(token) {
            finish(.stop)
            return
        }
        let (text, isStopped) = stops.append(decoder.append(token))
        send(text)
        if isStopped {
            end(.stop)
        } else if generated >= limit {
            finish(.length)
        }
    }

    private mutating func send(_ text: String) {
        guard !text.isEmpty else { return }
        channel.send(text, tokens: unsent)
        unsent = 0
    }

    /// Sends what was held back, then the end.
    private mutating func finish(_ reason: FinishReason) {
        let (text, isStopped) = stops.append(decoder.finish())
        send(text)
        if !isStopped { send(stops.finish()) }
        end(isStopped && reason != .cancelled ? .stop : reason)
    }

    private mutating func end(_ reason: FinishReason) {
        let now = clock.now
        let answered = answered ?? now
        channel.end(
            .success(
                .finished(
                    reason,
                    promptTokens: prompt.count,
                    completionTokens: generated,
                    prefill: (started ?? now).duration(to: answered),
                    decode: answered.duration(to: now)
                )
            )
        )
        isFinished = true
    }
}
