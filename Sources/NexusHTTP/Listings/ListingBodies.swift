internal import Ledger
internal import Nexus

// The shapes of the listings. Amounts are LAI as decimal strings with nine decimals, so that no client reads them as floats.

struct ListBody<Element: Encodable>: Encodable {
    let object = "list"
    var data: [Element]

    enum CodingKeys: CodingKey {
        case object, data
    }
}

struct ModelBody: Encodable {
    struct Pricing: Encodable {
        var input: String
        var output: String
    }

    let object = "model"
    let ownedBy = "lattice"
    var id: String
    var created: Int
    var contextLength: Int
    var nodes: Int
    /// LAI per million tokens.
    var pricing: Pricing

    enum CodingKeys: String, CodingKey {
        case object, id, created, nodes, pricing
        case ownedBy = "owned_by"
        case contextLength = "context_length"
    }

    init(_ listing: ModelListing) {
        id = listing.id
        created = listing.created
        contextLength = listing.contextLength
        nodes = listing.nodes
        pricing = Pricing(input: listing.inputPrice.description, output: listing.outputPrice.description)
    }
}

struct NodeBody: Encodable {
    var listing: NodeListing

    enum CodingKeys: String, CodingKey {
        case id, peer, name, state, models, active, capacity, earned
        case latencyMilliseconds = "latency_ms"
        case tokensPerSecond = "tokens_per_second"
    }

    init(_ listing: NodeListing) {
        self.listing = listing
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(listing.id.number, forKey: .id)
        try fields.encode(listing.peer, forKey: .peer)
        try fields.encode(listing.name, forKey: .name)
        try fields.encode(listing.state.rawValue, forKey: .state)
        try fields.encode(listing.models, forKey: .models)
        try fields.encode(listing.active, forKey: .active)
        try fields.encode(listing.capacity, forKey: .capacity)
        try fields.encode(listing.earned.description, forKey: .earned)
        // Absent measurements are `null`; JSON has no infinity, so neither has the listing.
        try fields.encode(listing.latencyMilliseconds.flatMap(Self.finite), forKey: .latencyMilliseconds)
        try fields.encode(listing.tokensPerSecond.flatMap(Self.finite), forKey: .tokensPerSecond)
    }

    private static func finite(_ value: Double) -> Double? {
        value.isFinite ? value : nil
    }
}

struct AccountBody: Encodable {
    var user: UInt64
    var available: String
    var bonus: String
    var unsettled: String
    var reserved: String
    var headroom: String

    init(_ listing: AccountListing) {
        user = listing.user.number
        available = listing.available.description
        bonus = listing.bonus.description
        unsettled = listing.unsettled.description
        reserved = listing.reserved.description
        headroom = listing.headroom.description
    }
}

struct LedgerBody: Encodable {
    struct Entry: Encodable {
        var block: UInt64
        var time: UInt64
        var event: String
        var summary: String
    }

    var head: UInt64
    var hash: String
    var entries: [Entry]

    init(_ listing: LedgerListing) {
        head = listing.head
        hash = listing.hash
        entries = listing.entries.map {
            Entry(block: $0.block, time: $0.time, event: $0.event, summary: $0.summary)
        }
    }
}

struct HealthBody: Encodable {
    var status: String
    var nodes: Int
}
