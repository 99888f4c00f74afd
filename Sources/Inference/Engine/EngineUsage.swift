/// What an engine is doing, for a node's metrics.
public struct EngineUsage: Hashable, Sendable {
    /// Generations that are computed.
    public var running = 0
    /// Generations that hold a slot and wait for room in the cache; those in the queue before them are not counted.
    public var waiting = 0
    /// Pages of the cache, of 64 positions, that generations use.
    public var pagesInUse = 0
    /// Pages that nobody uses and whose prefix can be found again.
    public var pagesCached = 0
    /// Pages that there may be.
    public var pageLimit = 0
    /// Bytes that the cache has taken from the system; at most `pageLimit` pages.
    public var cacheBytes = 0
    /// How often a generation gave up its pages for an older one and was computed again, since the start.
    public var preemptions = 0
    /// Tokens that were guessed ahead, since the start.
    public var guesses = 0
    /// Guesses that were right.
    public var rightGuesses = 0

    /// Nothing at all.
    public init() {}
}
