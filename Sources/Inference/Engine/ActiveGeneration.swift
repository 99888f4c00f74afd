/// One generation on the engine's thread: how its tokens are chosen, and what it has said.
struct ActiveGeneration {
    /// Whether the end was sent.
    private(set) var isFinished = false
    /// Its number in the batch runner.
    let id: Int
    let channel: GenerationChannel
    let prompt: [TokenID]
    /// The most tokens to generate, with the context's end in mind.
    let limit: Int

    private let clock = ContinuousClock()
    private var sampler: Sampler
    private var recorder: ReceiptRecorder?
    private var verifier: ReceiptVerifier?
    private var decoder: TokenDecoder
    private var stops: StopScanner
    private var generated = 0
    /// Tokens since the last text that was sent.
    private var unsent = 0
    private var started: ContinuousClock.Instant?
    private var answered: ContinuousClock.Instant?

    init(_ entry: Inbox.Entry, id: Int, model: LoadedModel) {
        let request = entry.request
        self.id = id
        channel = entry.channel
        prompt = request.promptTokens
        let room = model.contextLength - prompt.count
        limit = min(request.maxTokens ?? room, room)
        sampler = Sampler(
            request.sampling,
            prompt: request.promptTokens,
            constraint: request.grammar.map { model.grammars.constraint($0) }
        )
        if request.wantsReceipt {
            recorder = ReceiptRecorder(
                origin: entry.origin,
                prompt: prompt,
                sampling: request.sampling,
                grammar: request.grammar
            )
        }
        if let claim = entry.claim {
            verifier = ReceiptVerifier(
                claim,
                prompt: prompt,
                constraint: request.grammar.map { model.grammars.constraint($0) }
            )
        }
        decoder = TokenDecoder(tokenizer: model.tokenizer)
        stops = StopScanner(request.stop)
    }

    /// Notes when computing began.
    mutating func start() {
        if started == nil { started = clock.now }
    }

    /// Chooses the next token from its logits, and says what there is to say.
    mutating func next(
        _ logits: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<UInt32>,
        model: LoadedModel
    ) -> BatchRunner.Verdict {
        if answered == nil { answered = clock.now }
        if verifier != nil { return unsafe verify(logits, scratch: scratch, model: model) }
        do throws(ModelError) {
            unsafe recorder?.look(logits, vocabulary: model.tokenizer.vocabularySize)
            let choice = unsafe try sampler.next(
                logits: logits,
                vocabulary: model.tokenizer.vocabularySize,
                scratch: scratch
            )
            sampler.accept(choice.token)
            recorder?.append(choice.token)
            accept(choice, model: model)
            return isFinished ? .end : .goOn(choice.token)
        } catch {
            fail(error)
            return .end
        }
    }

    /// Checks the next token of a receipt's answer.
    private mutating func verify(
        _ logits: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<UInt32>,
        model: LoadedModel
    ) -> BatchRunner.Verdict {
        do throws(ReceiptFault) {
            let vocabulary = model.tokenizer.vocabularySize
            let token = unsafe try verifier?.check(logits, vocabulary: vocabulary, scratch: scratch)
            generated += 1
            if let token, verifier?.isDone == false { return .goOn(token) }
            try verifier?.finish()
        } catch {
            channel.report(error)
        }
        end(.stop)
        return .end
    }

    /// Ends it because nobody wants more.
    mutating func cancel() { finish(.cancelled) }

    /// Ends it with an error.
    mutating func fail(_ error: ModelError) {
        channel.end(.failure(.failed(error)))
        isFinished = true
    }

    private mutating func accept(_ choice: Sampler.Choice, model: LoadedModel) {
        let token = choice.token
        if let logprob = choice.logprob { channel.report(logprob) }
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
        } else if sampler.isComplete {
            finish(.stop)
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
        if let recorder { channel.report(recorder) }
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
