/// How an engine uses the machine.
public struct EngineOptions: Hashable, Sendable {
    /// The number of computing threads, 1 to 64.
    ///
    /// `nil` takes all processors, or one for models below 32 MB, for which waking a second thread costs more than it
    /// computes.
    public var threads: Int?
    /// How many generations run side by side, 1 to 64.
    public var slots: Int
    /// The positions of a conversation, prompt and answer together; never more than the model was trained for, nor than
    /// the cache has room for.
    ///
    /// `nil` takes what it was trained for, up to 4,096.
    public var contextLength: Int?
    /// How many requests wait for a slot before more are refused.
    public var queueLimit: Int
    /// How many tokens a generation runs ahead of its reader before it pauses.
    public var readAhead: Int
    /// The most bytes that keys and values of all generations take, those kept for later prompts included.
    ///
    /// `nil` takes room for `contextLength` positions in every slot, but no more than a quarter of the machine's memory
    /// unless one conversation needs it.
    public var cacheBytes: Int?
    /// How keys and values are kept; another type gives other bits.
    public var cacheType: CacheType
    /// Whether tokens are guessed ahead from earlier text, where that is measured to pay.
    ///
    /// Changes the speed and never a bit.
    public var guessesAhead: Bool
    /// Where the weights are kept; changes speed and memory, and never a bit.
    public var weights: WeightStorage

    /// Options for an engine.
    public init(
        threads: Int? = nil,
        slots: Int = 4,
        contextLength: Int? = nil,
        queueLimit: Int = 64,
        readAhead: Int = 64,
        cacheBytes: Int? = nil,
        cacheType: CacheType = .f16,
        guessesAhead: Bool = true,
        weights: WeightStorage = .repacked
    ) {
        self.threads = threads
        self.slots = slots
        self.contextLength = contextLength
        self.queueLimit = queueLimit
        self.readAhead = readAhead
        self.cacheBytes = cacheBytes
        self.cacheType = cacheType
        self.guessesAhead = guessesAhead
        self.weights = weights
    }
}
