internal import HTTPTypes

/// What a request asks for.
enum Route: Hashable, Sendable {
    case models
    case model(id: String)
    case chat
    case embeddings
    case nodes
    case account
    case ledgerEntries
    case health
    case liveness
    case readiness
    case version
    case metrics
    case file(StaticFile)

    /// The route at a path, without the query; `nil` where there is none.
    ///
    /// The OpenAI routes answer with and without `/v1`, as clients join base and path either way.
    init?(path: some StringProtocol) {
        switch path {
        case "/v1/models", "/models": self = .models
        case "/v1/chat/completions", "/chat/completions": self = .chat
        case "/v1/embeddings", "/embeddings": self = .embeddings
        case "/v1/nodes": self = .nodes
        case "/v1/account": self = .account
        case "/v1/ledger/entries": self = .ledgerEntries
        case "/health": self = .health
        case "/health/liveliness", "/health/liveness": self = .liveness
        case "/health/readiness": self = .readiness
        case "/version": self = .version
        case "/metrics": self = .metrics
        default:
            if let id = Self.modelID(in: path) {
                self = .model(id: id)
            } else if let file = StaticFile.all[String(path)] {
                self = .file(file)
            } else {
                return nil
            }
        }
    }

    /// A model's id is all that follows: it may hold `/` and `:`.
    private static func modelID(in path: some StringProtocol) -> String? {
        for prefix in ["/v1/models/", "/models/"] where path.hasPrefix(prefix) {
            guard let id = PercentEncoding.decode(path.dropFirst(prefix.count)), !id.isEmpty else { return nil }
            return id
        }
        return nil
    }

    /// The methods that it answers.
    var methods: [HTTPRequest.Method] {
        self == .chat || self == .embeddings ? [.post] : [.get, .head]
    }

    /// The methods for the `Allow` field.
    var allow: String {
        methods.map(\.rawValue).joined(separator: ", ")
    }

    /// Whether an API key is asked for.
    func needsKey(protectsMetrics: Bool) -> Bool {
        switch self {
        case .models, .model, .chat, .embeddings, .nodes, .account, .ledgerEntries: true
        case .metrics: protectsMetrics
        case .health, .liveness, .readiness, .version, .file: false
        }
    }

    /// A name for metrics; a set that requests cannot enlarge.
    var label: String {
        switch self {
        case .models: "models"
        case .model: "model"
        case .chat: "chat"
        case .embeddings: "embeddings"
        case .nodes: "nodes"
        case .account: "account"
        case .ledgerEntries: "ledger_entries"
        case .health: "health"
        case .liveness: "liveness"
        case .readiness: "readiness"
        case .version: "version"
        case .metrics: "metrics"
        case .file: "page"
        }
    }
}

/// Percent-encoding of paths and queries (RFC 3986 §2.1).
enum PercentEncoding {
    /// The decoded text, or `nil` where an escape is broken or the bytes are not UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
