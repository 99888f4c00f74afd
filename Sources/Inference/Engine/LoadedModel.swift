internal import InferenceKernels

/// What the engine's thread computes with; never changes after loading.
struct LoadedModel: Sendable {
    let name: String
    let transformer: Transformer
    let tokenizer: Tokenizer
    let template: ChatTemplate
    let pool: KernelPool
    let grammars: GrammarCache
    /// The positions of a conversation.
    let contextLength: Int
    /// The pages of the cache; one conversation fits.
    let pages: Int

    /// Below this a second thread costs more than it computes.
    private static let smallModel = 32 << 20
    /// Positions unless asked for more: what the caches of all slots may grow to should not surprise.
    private static let usualContext = 4096

    /// Loads the model in `file`, and starts its threads.
    init(file: GGUFFile, options: EngineOptions) throws(ModelError) {
        let metadata = file.metadata
        do { tokenizer = try Tokenizer(metadata: metadata) } catch { throw .tokenizer(error) }
        grammars = GrammarCache(tokenizer)
        do { template = try ChatTemplate(metadata: metadata) } catch { throw .template("\(error)") }
        pool = try KernelPool(threads: Self.threads(for: file, options))
        transformer = try Transformer(file: file, pool: pool, storage: options.weights)
        guard tokenizer.vocabularySize <= transformer.vocabulary else {
            let shape = [transformer.shape.width, tokenizer.vocabularySize]
            let found = [transformer.shape.width, transformer.vocabulary]
            let problem = GGUFError.Problem.shape(expected: shape, found: found)
            throw .file(GGUFError(file: file.name, field: "token_embd.weight", problem: problem))
        }
        let context = Self.context(of: transformer, options)
        let pageSize = PageMemory.pageSize(for: transformer, type: options.cacheType)
        pages = Self.pages(context: context, pageSize: pageSize, options: options)
        contextLength = min(context, pages * PageMemory.positions)
        if case .string(let given)? = metadata["general.name"], !given.isEmpty {
            name = given
        } else {
            name = file.name.hasSuffix(".gguf") ? String(file.name.dropLast(5)) : file.name
        }
    }

    /// How many threads compute.
    static func threads(for file: GGUFFile, _ options: EngineOptions) -> Int {
        min(max(options.threads ?? (file.size < smallModel ? 1 : Int(ik_processors())), 1), 64)
    }

    /// The positions of a conversation, as far as the model goes.
    static func context(of transformer: Transformer, _ options: EngineOptions) -> Int {
        min(max(options.contextLength ?? usualContext, 1), transformer.shape.contextLength)
    }

    /// How many pages of `pageSize` bytes the cache has.
    static func pages(context: Int, pageSize: Int, options: EngineOptions) -> Int {
        // Page numbers have 32 bits.
        let most = 1 << 24
        if let bytes = options.cacheBytes { return min(max(bytes / pageSize, 1), most) }
        let conversation = ServedSequence.pages(for: context)
        let slots = min(max(options.slots, 1), Engine.slotLimit)
        let memory = Int(clamping: ik_machine_memory())
        guard memory > 0 else { return min(conversation * slots, most) }
        return min(max(min(conversation * slots, memory / 4 / pageSize), conversation), most)
    }
}
