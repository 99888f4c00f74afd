/// Decides what runs in each step, and in which pages.
///
/// A value without clocks or memory. Sequences are served like this:
/// - Each step takes one token of every sequence that answers, with guesses of what follows where they pay, and parts of
///   prompts up to a budget. Prompts take turns, so that a short one does not wait for a long one.
/// - A sequence is admitted in order of arrival when the pages that it and the running ones are expected to need are
///   there. Where nothing else runs it is admitted in any case.
/// - The older one has the right of way: when no page is left, paused sequences and then the youngest give up theirs and
///   wait to be admitted again. The oldest can take every page, and one sequence never needs more than there are: so
///   something always advances.
///
/// What a sequence computes does not depend on any of this.
struct Scheduler {
    /// What the machine can take.
    struct Limits: Hashable {
        /// Tokens in one step, at least as many as there may be sequences.
        var stepTokens = 128
        /// Tokens whose logits are computed in one step, likewise.
        var rows = 64
        /// Tokens of an answer that admission counts on.
        var expectedAnswer = 128
    }

    /// A part of a step: tokens of one sequence.
    struct Work: Hashable {
        let id: Int
        /// What is computed; guesses come last.
        let tokens: [TokenID]
        let guesses: Int
        let segment: Segment
        /// Whether the logits after the last token and after the one before each guess are wanted.
        let wantsLogits: Bool

        /// The number of rows of logits.
        var rows: Int { wantsLogits ? guesses + 1 : 0 }
    }

    let limits: Limits
    private(set) var prefixes: PrefixCache
    /// By age.
    private var sequences: [ServedSequence] = []
    /// The last sequence whose prompt had its turn.
    private var lastTurn = -1
    /// How often pages were taken away.
    private(set) var preemptions = 0

    init(limits: Limits, pages: Int) {
        self.limits = limits
        prefixes = PrefixCache(pages: pages)
    }

    // MARK: Sequences

    /// The numbers of running and of waiting sequences.
    var counts: (running: Int, waiting: Int) {
        let running = sequences.count(where: \.isRunning)
        return (running, sequences.count - running)
    }

    /// Whether some sequence answers: a step is then short, so that its reader does not wait.
    func answers(except paused: Set<Int>) -> Bool {
        sequences.contains { $0.isRunning && $0.pending == 1 && !paused.contains($0.id) }
    }

    /// Takes up a sequence, whose `id` is above those of all before it.
    ///
    /// - Parameter script: the answer, where it is known and only to be checked: it is guessed as far as there is room.
    mutating func add(id: Int, prompt: [TokenID], limit: Int, script: [TokenID] = []) {
        precondition((sequences.last?.id ?? -1) < id && !prompt.isEmpty && limit > 0)
        precondition(sequences.count < min(limits.stepTokens, limits.rows))
        precondition(ServedSequence.pages(for: prompt.count + limit) <= prefixes.capacity)
        sequences.append(ServedSequence(id: id, prompt: prompt, limit: limit, script: script))
    }

    /// Forgets a sequence; its full pages stay in the cache.
    mutating func remove(_ id: Int) {
        guard let index = index(of: id) else { return }
        sequences[index].letGo(to: &prefixes)
        sequences.remove(at: index)
    }

    /// A sequence that is known.
    subscript(id: Int) -> ServedSequence? { index(of: id).map { sequences[$0] } }

    /// Counts `count` tokens of a sequence as computed.
    mutating func advance(_ id: Int, by count: Int) {
        guard let index = index(of: id) else { return }
        sequences[index].advance(by: count, in: &prefixes)
    }

    /// Gives a sequence the token that was chosen to follow.
    mutating func append(_ token: TokenID, to id: Int) {
        guard let index = index(of: id) else { return }
        sequences[index].append(token)
    }

    /// Says how many of a sequence's guesses were right.
    mutating func judge(_ id: Int, guesses: Int, right: Int) {
        guard let index = index(of: id) else { return }
        sequences[index].lookup.record(guesses: guesses, right: right)
    }

    private func index(of id: Int) -> Int? {
        let index = sequences.partitioningIndex { $0.id >= id }
        return index < sequences.count && sequences[index].id == id ? index : nil
    }

    // MARK: Steps

    /// What to compute next; nothing only if every sequence is paused or there is none.
    ///
    /// - Parameters:
    ///   - paused: sequences that must not run.
    ///   - promptTokens: how many tokens of prompts the step may take.
    ///   - cost: what tokens cost, for guesses; `nil` for none.
    mutating func plan(paused: Set<Int>, promptTokens: Int, cost: StepCost?) -> [Work] {
        admit(except: paused)
        let isWanted = { (sequence: ServedSequence) in sequence.isRunning && !paused.contains(sequence.id) }
        let shares = shares(of: promptTokens, isWanted)
        let wanted = sequences.filter(isWanted)
        var work: [Work] = []
        for sequence in wanted {
            let count = sequence.pending == 1 ? 1 : shares[sequence.id] ?? 0
            if let part = place(sequence.id, count, paused) { work.append(part) }
        }
        // Those whose turn it was may have found no page, and the oldest always gets one.
        if work.isEmpty, let oldest = wanted.first {
            if let part = place(oldest.id, min(oldest.pending, max(promptTokens, 1)), paused) { work.append(part) }
        }
        addGuesses(to: &work, cost: cost)
        return work
    }

    /// The work of computing `count` tokens of a sequence, or of as many as there are pages for.
    private mutating func place(_ id: Int, _ count: Int, _ paused: Set<Int>) -> Work? {
        // Older ones may have taken its pages meanwhile.
        guard count > 0, let sequence = self[id], sequence.isRunning else { return nil }
        let start = sequence.computed
        let end = min(secure(start + count, for: id, paused), start + count)
        guard end > start, let sequence = self[id] else { return nil }
        return Work(
            id: id,
            tokens: Array(sequence.tokens[start..<end]),
            guesses: 0,
            segment: Segment(pages: sequence.pages, position: start, count: end - start),
            wantsLogits: end == sequence.tokens.count
        )
    }

    private mutating func admit(except paused: Set<Int>) {
        for index in sequences.indices where !sequences[index].isRunning && !paused.contains(sequences[index].id) {
            let running = sequences.filter { $0.isRunning && !paused.contains($0.id) }
            let promised = running.reduce(0) { sum, sequence in
                sum + max(0, sequence.estimate(answer: limits.expectedAnswer) - sequence.pages.count)
            }
            sequences[index].extend(from: &prefixes)
            let needed = sequences[index].estimate(answer: limits.expectedAnswer) - sequences[index].pages.count
            guard running.isEmpty || needed + promised <= prefixes.available else {
                sequences[index].letGo(to: &prefixes)
                return
            }
            sequences[index].admit()
        }
    }

    /// The tokens of prompts in this step, by sequence.
    ///
    /// Chunks end with a page where they can: a page is shared once it is full.
    private mutating func shares(of budget: Int, _ isWanted: (ServedSequence) -> Bool) -> [Int: Int] {
        let candidates = sequences.indices.filter { isWanted(sequences[$0]) }
        let readers = candidates.filter { sequences[$0].pending > 1 }
        var left = min(budget, limits.stepTokens - (candidates.count - readers.count))
        var shares: [Int: Int] = [:]
        let turn = readers.firstIndex { sequences[$0].id > lastTurn } ?? 0
        for index in readers[turn...] + readers[..<turn] where left > 0 {
            sequences[index].extend(from: &prefixes)
            let sequence = sequences[index]
            var count = min(sequence.pending, left)
            if count < sequence.pending {
                let border = (sequence.computed + count) / PageMemory.positions * PageMemory.positions
                if border > sequence.computed { count = border - sequence.computed }
            }
            shares[sequence.id] = count
            left -= count
            lastTurn = sequence.id
        }
        return shares
    }

    /// Gets pages for `positions` positions; answers for how many the sequence has them.
    private mutating func secure(_ positions: Int, for id: Int, _ paused: Set<Int>) -> Int {
        while let index = index(of: id) {
            let held = sequences[index].grow(to: positions, from: &prefixes)
            guard held < positions else { return held }
            let holders = sequences.indices.filter { $0 != index && !sequences[$0].pages.isEmpty }
            let victim =
                holders.last { paused.contains(sequences[$0].id) } ?? holders.last { sequences[$0].id > id }
            guard let victim else { return held }
            sequences[victim].preempt(to: &prefixes)
            preemptions += 1
        }
        return 0
    }

    /// Lets sequences that answer guess ahead, where pages are there without taking any from another sequence.
    private mutating func addGuesses(to work: inout [Work], cost: StepCost?) {
        var tokens = work.reduce(0) { $0 + $1.tokens.count }
        var rows = work.reduce(0) { $0 + $1.rows }
        for (place, item) in work.enumerated() where item.wantsLogits {
            guard let index = index(of: item.id) else { continue }
            let sequence = sequences[index]
            guard !sequence.script.isEmpty || (cost != nil && sequence.tokens.count > sequence.promptCount) else {
                continue
            }
            let room = min(limits.stepTokens - tokens, limits.rows - rows, sequence.end - sequence.tokens.count - 1)
            var guesses = sequence.script.dropFirst(sequence.tokens.count - sequence.promptCount).prefix(max(room, 0))
            if sequence.script.isEmpty, let cost {
                guesses = sequences[index].lookup.guess(after: sequence.tokens, room: room, beside: tokens, cost: cost)
            }
            guard !guesses.isEmpty else { continue }
            let held = sequences[index].grow(to: item.segment.end + guesses.count, from: &prefixes)
            let count = min(guesses.count, held - item.segment.end)
            guard count > 0 else { continue }
            var segment = item.segment
            segment.pages = sequences[index].pages
            segment.count += count
            work[place] = Work(
                id: item.id,
                tokens: item.tokens + guesses.prefix(count),
                guesses: count,
                segment: segment,
                wantsLogits: true
            )
            tokens += count
            rows += count
        }
    }
}

extension Array {
    /// The first index whose element meets `predicate`, which holds for all after it too.
    fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
