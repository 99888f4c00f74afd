internal import NIOConcurrencyHelpers

/// The engine's thread: takes requests, computes a step for all generations, and again, until the inbox is closed.
struct EngineLoop {
    private let model: LoadedModel
    private let runner: BatchRunner
    private let inbox: Inbox
    private let slots: Int
    private let usage: NIOLockedValueBox<EngineUsage>
    /// By age.
    private var active: [ActiveGeneration] = []
    private var nextID = 0

    init(
        model: LoadedModel,
        runner: BatchRunner,
        inbox: Inbox,
        slots: Int,
        usage: NIOLockedValueBox<EngineUsage>
    ) {
        self.model = model
        self.runner = runner
        self.inbox = inbox
        self.slots = slots
        self.usage = usage
    }

    /// Runs until the inbox is closed.
    mutating func run() {
        var isIdle = true
        // What changes after a look at the generations wakes the wait for requests.
        while let entries = inbox.take(slots - active.count, waits: isIdle) {
            for entry in entries { begin(entry) }
            isIdle = !step()
            for answer in inbox.takeQuestions() { answer(runner.scheduler.prefixes.hashes) }
            usage.withLockedValue { $0 = runner.usage }
        }
        for generation in active { generation.channel.end(.failure(.closed)) }
    }

    private mutating func begin(_ entry: Inbox.Entry) {
        var generation = ActiveGeneration(entry, id: nextID, model: model)
        if entry.channel.isCancelled {
            generation.cancel()
            return
        }
        nextID += 1
        runner.add(
            id: generation.id,
            prompt: generation.prompt,
            limit: generation.limit,
            script: entry.claim?.tokens ?? []
        )
        active.append(generation)
    }

    /// Computes one step; false if there was nothing to compute.
    private mutating func step() -> Bool {
        for index in active.indices where active[index].channel.isCancelled {
            active[index].cancel()
            runner.remove(active[index].id)
        }
        active.removeAll(where: \.isFinished)
        let paused = Set(active.filter { $0.channel.pauses() }.map(\.id))
        let work = runner.plan(paused: paused)
        guard !work.isEmpty else { return false }
        for part in work { withGeneration(part.id) { $0.start() } }
        let model = model
        unsafe runner.run(
            work,
            fail: { id, error in withGeneration(id) { $0.fail(error) } },
            choose: { id, logits, scratch in
                if let sequence = runner.scheduler[id], sequence.tokens.count == sequence.promptCount {
                    withGeneration(id) { $0.channel.report(reusedTokens: sequence.reused) }
                }
                return withGeneration(id) { unsafe $0.next(logits, scratch: scratch, model: model) } ?? .end
            }
        )
        active.removeAll(where: \.isFinished)
        return true
    }

    @discardableResult private mutating func withGeneration<Result>(
        _ id: Int,
        _ body: (inout ActiveGeneration) -> Result
    ) -> Result? {
        guard let index = active.firstIndex(where: { $0.id == id }) else { return nil }
        return body(&active[index])
    }
}
