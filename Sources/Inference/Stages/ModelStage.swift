/// Some of a model's layers, for machines that compute one model together.
///
/// The first stage takes tokens, the others take what the stage before gave, and the last gives logits. Stages that are
/// chained give the same bits as one engine, however the layers are cut: hidden states pass as whole floats. Each stage
/// keeps keys and values of its own layers for the sequences that run through it.
public final class ModelStage: Sendable {
    /// The layers of this stage.
    public let layers: Range<Int>
    /// The layers of the whole model.
    public let layerCount: Int
    /// Floats of a hidden state.
    public let width: Int
    /// Positions of a sequence.
    public let contextLength: Int
    /// The most tokens in one call, all parts together.
    public let tokenLimit: Int
    /// The most rows of logits in one call, all parts together.
    public let rowLimit: Int
    /// The SHA-256 of the model's file, in hexadecimal.
    public let fingerprint: String
    /// How keys and values are kept; equal in all stages of a chain, if the chain is to give an engine's bits.
    public let cacheType: CacheType

    /// Calls that wait for the one that runs.
    private static let queueLimit = 64
    private let thread: SerialThread
    private let core: StageCore

    /// Loads `layers` of the model at `path`; only their weights are read into memory.
    public static func load(
        path: String,
        layers: Range<Int>,
        options: EngineOptions = EngineOptions()
    ) async throws(ModelError) -> ModelStage {
        let file: GGUFFile
        do { file = try GGUFFile(path: path) } catch { throw .file(error) }
        async let hash = onOwnThread { .success(file.fingerprint) }
        let core = await onOwnThread { () -> Result<StageCore, ModelError> in
            Result { () throws(ModelError) in try StageCore(file: file, layers: layers, options: options) }
        }
        let print = try await hash.get()
        return try ModelStage(core: core.get(), fingerprint: print)
    }

    private init(core: StageCore, fingerprint: String) throws(ModelError) {
        self.core = core
        self.fingerprint = fingerprint
        layers = core.transformer.layers
        layerCount = core.transformer.shape.layers
        width = core.transformer.shape.width
        contextLength = core.contextLength
        tokenLimit = core.workspace.capacity
        rowLimit = core.workspace.rows
        cacheType = core.memory.type
        thread = try SerialThread(limit: Self.queueLimit)
    }

    deinit { thread.close() }

    /// Computes the parts together, one result for each; all of them or, with an error, none.
    public func run(_ parts: [StagePart]) async throws(StageError) -> [StageResult] {
        try await onThread { core in Result { () throws(StageError) in try core.run(parts) } }
    }

    /// Gives back the memory of a sequence.
    public func forget(_ sequence: UInt64) async throws(StageError) {
        try await onThread { core in
            core.forget(sequence)
            return .success(())
        }
    }

    /// Refuses calls from here on.
    public func close() { thread.close() }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable (StageCore) -> Result<Value, StageError>
    ) async throws(StageError) -> Value {
        let result: Result<Value, StageError>
        do {
            result = try await thread.run { [core] in body(core) }
        } catch {
            switch error {
            case .busy: throw .busy
            case .closed: throw .closed
            }
        }
        return try result.get()
    }
}

/// What a stage computes with.
///
/// `@unchecked Sendable`: after `init` only the stage's thread touches what changes.
final class StageCore: @unchecked Sendable {
    let transformer: Transformer
    let workspace: Workspace
    let memory: PageMemory
    let contextLength: Int
    private let pool: KernelPool
    private let slots: Int
    private var free: PrefixCache
    private var sequences: [UInt64: (pages: [PageID], count: Int)] = [:]

    init(file: GGUFFile, layers: Range<Int>, options: EngineOptions) throws(ModelError) {
        let shape = try ModelShape(metadata: file.metadata)
        guard !layers.isEmpty, layers.lowerBound >= 0, layers.upperBound <= shape.layers else {
            throw .unsupported(file: file.name, feature: "layers \(layers) of \(shape.layers)")
        }
        pool = try KernelPool(threads: LoadedModel.threads(for: file, options))
        transformer = try Transformer(file: file, layers: layers, pool: pool)
        slots = min(max(options.slots, 1), Engine.slotLimit)
        let pageSize = PageMemory.pageSize(for: transformer, type: options.cacheType)
        let context = LoadedModel.context(of: transformer, options)
        let pages = LoadedModel.pages(context: context, pageSize: pageSize, options: options)
        contextLength = min(context, pages * PageMemory.positions)
        let limits = Scheduler.Limits()
        workspace = try Workspace(for: transformer, capacity: limits.stepTokens, rows: limits.rows)
        memory = PageMemory(for: transformer, type: options.cacheType, pages: pages)
        free = PrefixCache(pages: pages)
    }

    private var isFirst: Bool { transformer.layers.lowerBound == 0 }
    private var isLast: Bool { transformer.layers.upperBound == transformer.shape.layers }

    func forget(_ sequence: UInt64) {
        guard let held = sequences.removeValue(forKey: sequence) else { return }
        free.release(held.pages)
    }

    func run(_ parts: [StagePart]) throws(StageError) -> [StageResult] {
        let counts = try check(parts)
        var segments: [Segment] = []
        for (part, count) in zip(parts, counts) { segments.append(try grow(part, count)) }
        var start = 0
        var asked: [Int] = []
        for (part, count) in zip(parts, counts) {
            put(part.input, at: start)
            start += count
            asked += start - part.rows..<start
        }
        transformer.forward(segments, memory: memory, workspace: workspace, pool: pool)
        if isLast { transformer.logits(after: asked, workspace: workspace, pool: pool) }
        for (part, count) in zip(parts, counts) { sequences[part.sequence]?.count = part.position + count }
        return results(parts, counts)
    }

    /// The number of tokens of each part, if all parts are sound.
    private func check(_ parts: [StagePart]) throws(StageError) -> [Int] {
        let width = transformer.shape.width
        var counts: [Int] = []
        for part in parts {
            let count: Int
            switch part.input {
            case .tokens(let tokens):
                guard isFirst else { throw .invalid("layers \(transformer.layers) take hidden states, not tokens") }
                guard tokens.allSatisfy({ 0..<transformer.vocabulary ~= Int($0) }) else {
                    throw .invalid("a token is not in the model's vocabulary")
                }
                count = tokens.count
            case .hidden(let states):
                guard !isFirst else { throw .invalid("the first stage takes tokens, not hidden states") }
                guard states.count % width == 0 else {
                    throw .invalid("\(states.count) floats are no whole number of states of \(width)")
                }
                count = states.count / width
            }
            guard count > 0, 0...count ~= part.rows, isLast || part.rows == 0 else {
                throw .invalid("\(part.rows) rows of logits after \(count) tokens of layers \(transformer.layers)")
            }
            let held = sequences[part.sequence]?.count ?? 0
            guard 0...held ~= part.position else {
                throw .gap(sequence: part.sequence, position: part.position, held: held)
            }
            guard count <= contextLength - part.position else {
                throw .invalid("the sequence is longer than the context of \(contextLength)")
            }
            counts.append(count)
        }
        guard counts.reduce(0, +) <= workspace.capacity, parts.reduce(0, { $0 + $1.rows }) <= workspace.rows else {
            throw .invalid("more than \(workspace.capacity) tokens or \(workspace.rows) rows of logits")
        }
        guard Set(parts.map(\.sequence)).count == parts.count else { throw .invalid("a sequence has two parts") }
        let added = Set(parts.map(\.sequence)).subtracting(sequences.keys).count
        let pages = zip(parts, counts).reduce(0) { sum, next in
            let held = sequences[next.0.sequence]?.pages.count ?? 0
            return sum + max(0, ServedSequence.pages(for: next.0.position + next.1) - held)
        }
        guard sequences.count + added <= slots, pages <= free.available else { throw .full }
        return counts
    }

    private func grow(_ part: StagePart, _ count: Int) throws(StageError) -> Segment {
        var held = sequences[part.sequence] ?? (pages: [], count: 0)
        let wanted = ServedSequence.pages(for: part.position + count)
        defer { sequences[part.sequence] = held }
        while held.pages.count < wanted {
            guard let page = free.take() else { throw .full }
            held.pages.append(page)
            do { try memory.prepare(page) } catch { throw .failed(error) }
        }
        held.count = min(held.count, part.position)
        return Segment(pages: held.pages, position: part.position, count: count)
    }

    private func put(_ input: StagePart.Input, at index: Int) {
        switch input {
        case .tokens(let tokens): transformer.embed(tokens[...], into: workspace, at: index)
        case .hidden(let states):
            let target = unsafe workspace.hidden + index * transformer.shape.width
            unsafe states.withUnsafeBufferPointer { source in
                guard let start = source.baseAddress else { return }
                unsafe target.update(from: start, count: source.count)
            }
        }
    }

    private func results(_ parts: [StagePart], _ counts: [Int]) -> [StageResult] {
        let width = transformer.shape.width
        var start = 0
        var row = 0
        return zip(parts, counts).map { part, count in
            defer { start += count }
            guard isLast else {
                let states = unsafe UnsafeBufferPointer(start: workspace.hidden + start * width, count: count * width)
                return unsafe StageResult(hidden: Array(states), logits: [])
            }
            defer { row += part.rows }
            return StageResult(hidden: [], logits: (row..<row + part.rows).map { workspace.copyLogits($0) })
        }
    }
}
