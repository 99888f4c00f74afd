import Foundation
import LatticaRPC
import Ledger
import NodeAPI

/// Texts on their way to vectors: the life of a chat, with nothing to stop in its midst.
extension Kernel {
    /// Texts of a request, as in the OpenAI API, and their bytes.
    private static let textLimits = (count: 2048, bytes: 2 << 20)

    /// The vectors of texts, paid for.
    public func embed(_ request: EmbedRequest, for account: AccountID) async throws(NexusError) -> EmbedAnswer {
        guard (1...Self.textLimits.count).contains(request.texts.count),
            request.texts.reduce(0, { $0 + $1.utf8.count }) <= Self.textLimits.bytes
        else {
            throw .invalidRequest(
                field: "input",
                problem:
                    "from 1 to \(Self.textLimits.count) texts are possible, of \(Self.textLimits.bytes) bytes in all"
            )
        }
        let offers = try offers(of: request.model).filter { $0.capabilities.contains(.embeddings) && $0.dimensions > 0 }
        guard let first = offers.first else {
            throw .invalidRequest(field: "model", problem: "'\(request.model)' does not turn texts into vectors.")
        }
        let dimensions = request.dimensions ?? first.dimensions
        guard offers.contains(where: { $0.dimensions == dimensions }) else {
            throw .invalidRequest(
                field: "dimensions",
                problem: "'\(request.model)' gives vectors of \(first.dimensions) dimensions."
            )
        }
        let contextLength = offers.map(\.contextLength).max() ?? 0
        let answer = try await begin(
            RoutingRequest(
                model: request.model,
                promptTokens: 0,
                maxTokens: 1,
                needs: .embeddings,
                dimensions: dimensions
            ),
            RequestSize(request, contextLength: contextLength),
            for: account
        ) { [starter] session, hold, size in
            var start = ProtoEmbedStart()
            start.session = Data(session.id.bytes)
            start.model = request.model
            start.texts = request.texts
            start.credit = hold.amount.count
            return try await starter.start(start, session: session, promptTokenLimit: size.promptTokenLimit)
        }
        let size = dimensions * 4
        let (values, summary) = try await answer.vectors(limit: size * request.texts.count)
        return EmbedAnswer(
            model: answer.model,
            node: answer.node,
            vectors: request.texts.indices.map { Array(values[$0 * size..<($0 + 1) * size]) },
            summary: summary
        )
    }
}
