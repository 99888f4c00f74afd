internal import FoundationEssentials
internal import Hummingbird
internal import Nexus

/// Answers what can be asked besides chats.
struct ListingHandler: Sendable {
    let backend: any ChatBackend

    /// More than this many ledger entries are not given at once.
    static let maximumEntries = 100
    static let defaultEntries = 20

    func models() async throws -> Response {
        try Self.encode(ListBody(data: await backend.models().map(ModelBody.init)))
    }

    func model(_ id: String) async throws -> Response {
        let models = await backend.models()
        guard let model = models.first(where: { $0.id == id }) else {
            throw APIError.unknownModel(id, known: models.map(\.id))
        }
        return try Self.encode(ModelBody(model))
    }

    func nodes() async throws -> Response {
        try Self.encode(ListBody(data: await backend.nodes().map(NodeBody.init)))
    }

    func account(_ id: AccountID) async throws -> Response {
        try Self.encode(AccountBody(try await backend.account(id)))
    }

    /// `query` is the path with its query.
    func ledgerEntries(query: String?) async throws -> Response {
        let limit = try Self.limit(in: query)
        return try Self.encode(LedgerBody(try await backend.ledgerEntries(limit: limit)))
    }

    /// Whether the process answers, and how many nodes it has.
    func health() async throws -> Response {
        let live = await backend.nodes().count { $0.state == .live }
        return try Self.encode(HealthBody(status: "ok", nodes: live))
    }

    /// Whether a chat would find a node.
    func readiness() async throws -> Response {
        let live = await backend.nodes().count { $0.state == .live }
        var response = try Self.encode(HealthBody(status: live > 0 ? "ready" : "no live node", nodes: live))
        if live == 0 { response.status = .serviceUnavailable }
        return response
    }

    static func limit(in path: String?) throws(APIError) -> Int {
        let query = path?.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts[0] == "limit" else { continue }
            guard parts.count == 2, let limit = Int(parts[1]), (1...maximumEntries).contains(limit) else {
                throw .invalidRequest("'limit' must be from 1 to \(maximumEntries).", param: "limit")
            }
            return limit
        }
        return defaultEntries
    }

    static func encode(_ body: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return .json([UInt8](try encoder.encode(body)))
    }
}
