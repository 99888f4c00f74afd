/// Computes what the scheduler decides: one batch of tokens a step, for all sequences together.
///
/// Belongs to one thread at a time.
final class BatchRunner {
    /// What became of a token.
    enum Verdict {
        /// It was chosen, and more may follow.
        case goOn(TokenID)
        /// It was the last.
        case end
    }

    private(set) var scheduler: Scheduler
    private(set) var cost = StepCost()
    /// Guesses that were computed, and those that were right.
    private(set) var guesses = (made: 0, right: 0)
    let memory: PageMemory
    private let transformer: Transformer
    private let pool: KernelPool
    private let workspace: Workspace
    private let isGuessing: Bool
    private let clock = ContinuousClock()

    /// A runner with `pages` pages of cache.
    init(
        transformer: Transformer,
        pool: KernelPool,
        type: CacheType,
        pages: Int,
        limits: Scheduler.Limits,
        isGuessing: Bool
    ) throws(ModelError) {
        self.transformer = transformer
        self.pool = pool
        self.isGuessing = isGuessing
        memory = PageMemory(for: transformer, type: type, pages: pages)
        workspace = try Workspace(for: transformer, capacity: limits.stepTokens, rows: limits.rows)
        scheduler = Scheduler(limits: limits, pages: pages)
    }

    /// Takes up a sequence; `id` is above all before it.
    func add(id: Int, prompt: [TokenID], limit: Int, script: [TokenID] = []) {
        scheduler.add(id: id, prompt: prompt, limit: limit, script: script)
    }

    /// Forgets a sequence.
    func remove(_ id: Int) { scheduler.remove(id) }

    /// What is in use.
    var usage: EngineUsage {
        var usage = EngineUsage()
        (usage.running, usage.waiting) = scheduler.counts
        usage.pagesInUse = scheduler.prefixes.inUse
        usage.pagesCached = scheduler.prefixes.idle
        usage.pageLimit = scheduler.prefixes.capacity
        usage.cacheBytes = memory.size
        usage.preemptions = scheduler.preemptions
        usage.guesses = guesses.made
        usage.rightGuesses = guesses.right
        return usage
    }

    /// What to compute next.
    func plan(paused: Set<Int>) -> [Scheduler.Work] {
        let limit = scheduler.limits.stepTokens
        let promptTokens = cost.promptTokens(isAnswering: scheduler.answers(except: paused), limit: limit)
        return scheduler.plan(paused: paused, promptTokens: promptTokens, cost: isGuessing ? cost : nil)
    }

    /// Computes `work`, which was planned last.
    ///
    /// - Parameters:
    ///   - fail: is told which sequence cannot have memory; it is forgotten.
    ///   - choose: chooses a sequence's next token from its logits; a sequence that ends is forgotten. `scratch` has
    ///     room for as many ids as there are logits.
    func run(
        _ work: [Scheduler.Work],
        fail: (Int, ModelError) -> Void,
        choose: (
            _ id: Int, _ logits: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<UInt32>
        ) -> Verdict
    ) {
        let start = clock.now
        var work = work
        work.removeAll { part in
            do throws(ModelError) {
                for page in part.segment.pages { try memory.prepare(page) }
                return false
            } catch {
                scheduler.remove(part.id)
                fail(part.id, error)
                return true
            }
        }
        guard !work.isEmpty else { return }
        var tokens = 0
        var asked: [Int] = []
        for part in work {
            transformer.embed(part.tokens[...], into: workspace, at: tokens)
            tokens += part.tokens.count
            asked += tokens - part.rows..<tokens
        }
        transformer.forward(work.map(\.segment), memory: memory, workspace: workspace, pool: pool)
        transformer.logits(after: asked, workspace: workspace, pool: pool)
        var row = 0
        for part in work {
            unsafe finish(part, row: row, choose: choose)
            row += part.rows
        }
        let answering = work.reduce(0) { $0 + ($1.wantsLogits && $1.tokens.count == $1.rows ? $1.rows : 0) }
        let seconds = start.duration(to: clock.now) / .seconds(1)
        cost.record(tokens: tokens, promptTokens: tokens - answering, seconds: seconds)
    }

    /// Chooses the tokens that follow a part of a step, guess by guess as long as they are right.
    private func finish(
        _ part: Scheduler.Work,
        row first: Int,
        choose: (Int, UnsafeMutablePointer<Float>, UnsafeMutablePointer<UInt32>) -> Verdict
    ) {
        scheduler.advance(part.id, by: part.tokens.count - part.guesses)
        guard part.wantsLogits else { return }
        let guessed = part.tokens.suffix(part.guesses)
        var right = 0
        while true {
            let verdict = unsafe choose(part.id, workspace.logits(first + right), workspace.scratch)
            guard case .goOn(let token) = verdict else {
                scheduler.remove(part.id)
                break
            }
            scheduler.append(token, to: part.id)
            guard right < part.guesses, guessed[guessed.startIndex + right] == token else { break }
            right += 1
            scheduler.advance(part.id, by: 1)
        }
        guard part.guesses > 0 else { return }
        scheduler.judge(part.id, guesses: part.guesses, right: right)
        guesses.made += part.guesses
        guesses.right += right
    }
}
