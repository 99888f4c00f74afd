/// One generation as the scheduler sees it: its tokens, and how far they are in the cache.
struct ServedSequence {
    /// Older sequences have lower numbers.
    let id: Int
    /// How many of the tokens are the prompt.
    let promptCount: Int
    /// The answer, if it is known.
    let script: [TokenID]
    /// The number of tokens at which it ends.
    let end: Int
    /// The prompt, then what was answered.
    private(set) var tokens: [TokenID]
    /// How many of the tokens have keys and values in the cache.
    private(set) var computed = 0
    /// The pages that hold them; none while it waits.
    private(set) var pages: [PageID] = []
    /// How many of the pages are full and can be found.
    private(set) var published = 0
    /// Whether it was admitted.
    private(set) var isRunning = false
    /// Prompt tokens that were found in the cache when it first read its prompt.
    private(set) var reused = 0
    private var wasPreempted = false
    /// Guesses what comes next.
    var lookup = PromptLookup()

    init(id: Int, prompt: [TokenID], limit: Int, script: [TokenID] = []) {
        self.script = script
        self.id = id
        promptCount = prompt.count
        end = prompt.count + limit
        tokens = prompt
    }

    /// Tokens that are not in the cache yet; one while it answers.
    var pending: Int { tokens.count - computed }

    /// The pages for `positions` positions.
    static func pages(for positions: Int) -> Int { (positions + PageMemory.positions - 1) / PageMemory.positions }

    /// The pages that it will want if its answer goes on for `answer` tokens more.
    func estimate(answer: Int) -> Int { Self.pages(for: min(tokens.count + answer, end)) }

    // MARK: Pages

    /// Takes over what the cache holds of the tokens that follow; the last token is left, since its logits are wanted.
    mutating func extend(from prefixes: inout PrefixCache) {
        let size = PageMemory.positions
        guard computed == pages.count * size else { return }
        while computed + size < tokens.count,
            let page = prefixes.find(tokens[computed..<computed + size], after: pages.last)
        {
            pages.append(page)
            published += 1
            computed += size
            if !wasPreempted { reused += size }
        }
    }

    /// Takes pages for `positions` positions, as many as there are; answers for how many it has.
    mutating func grow(to positions: Int, from prefixes: inout PrefixCache) -> Int {
        while pages.count < Self.pages(for: positions), let page = prefixes.take() { pages.append(page) }
        return pages.count * PageMemory.positions
    }

    /// Lets go of all pages; what others can find of them can be found by this one too.
    mutating func letGo(to prefixes: inout PrefixCache) {
        prefixes.release(pages)
        pages = []
        published = 0
        computed = 0
        isRunning = false
        if !wasPreempted { reused = 0 }
    }

    /// Lets others go first.
    mutating func preempt(to prefixes: inout PrefixCache) {
        wasPreempted = true
        letGo(to: &prefixes)
    }

    mutating func admit() { isRunning = true }

    // MARK: Progress

    /// Counts `count` more tokens as computed, and makes full pages findable.
    mutating func advance(by count: Int, in prefixes: inout PrefixCache) {
        computed += count
        precondition(computed <= tokens.count)
        let size = PageMemory.positions
        while (published + 1) * size <= computed {
            let page = tokens[published * size..<(published + 1) * size]
            let parent = published == 0 ? nil : pages[published - 1]
            pages[published] = prefixes.publish(pages[published], page, after: parent)
            published += 1
        }
    }

    /// Takes the token that was chosen to follow.
    mutating func append(_ token: TokenID) {
        precondition(tokens.count < end)
        tokens.append(token)
    }
}
