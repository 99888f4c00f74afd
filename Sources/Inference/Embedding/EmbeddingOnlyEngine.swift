/// An engine for models that only turn texts into vectors: it answers no conversation, and says so.
public struct EmbeddingOnlyEngine: ChatEngine {
    /// What it serves.
    public let profile: EngineProfile

    /// Stands beside an embedder where an engine is asked for.
    public init(_ embedder: some TextEmbedder, engine: String = "lattice") {
        profile = EngineProfile(
            engine: engine,
            model: embedder.modelName,
            fingerprint: embedder.fingerprint,
            contextLength: embedder.maxTokens,
            slots: 1,
            capabilities: .embedsOnly
        )
    }

    /// Nothing is ever done.
    public var usage: EngineUsage { EngineUsage() }

    /// Refuses.
    public func read(_ conversation: Conversation) async throws(ChatEngineError) -> any ReadConversation {
        throw .badRequest("\(profile.model) turns texts into vectors and answers no conversation; ask for embeddings")
    }

    /// There is nothing to give up.
    public func close() async {}
}
