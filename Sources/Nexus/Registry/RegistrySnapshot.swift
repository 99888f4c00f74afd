public import LatticaCore
public import Ledger
public import NodeAPI

/// The registry at one moment: an immutable value that routing reads without a lock.
public struct RegistrySnapshot: Sendable {
    /// Every node that has announced itself, in the order of its number.
    public var nodes: [NodeView]

    /// Makes a snapshot.
    public init(nodes: [NodeView] = []) {
        self.nodes = nodes.sorted { $0.id < $1.id }
    }

    /// Names of all models that any node offers, live or not.
    public var knownModels: [String] {
        Set(nodes.flatMap { $0.offers.map(\.model) }).sorted()
    }
}

/// A node as the registry sees it: what it says of itself, and what was observed.
public struct NodeView: Sendable, Hashable {
    /// Its number on the ledger.
    public var id: NodeID
    /// Its identity on the network.
    public var peer: PeerID
    /// The name its operator gave it.
    public var name: String
    /// The address whose signature stands under its quotes and receipts.
    public var signer: Address
    /// The models it serves and what they cost.
    public var offers: [Offer]
    /// Requests it can answer at once.
    public var capacity: Int
    /// Whether it gets work.
    public var state: NodeListing.State
    /// Requests that this Nexus has running on it.
    public var active: Int
    /// Requests of others that it said it has running or waiting.
    public var foreignLoad: Int
    /// What was measured.
    public var observed: Observation

    /// Makes a view.
    public init(
        id: NodeID,
        peer: PeerID,
        name: String,
        signer: Address,
        offers: [Offer],
        capacity: Int,
        state: NodeListing.State,
        active: Int = 0,
        foreignLoad: Int = 0,
        observed: Observation = Observation()
    ) {
        self.id = id
        self.peer = peer
        self.name = name
        self.signer = signer
        self.offers = offers
        self.capacity = capacity
        self.state = state
        self.active = active
        self.foreignLoad = foreignLoad
        self.observed = observed
    }
}

/// A model that a node serves.
public struct Offer: Sendable, Hashable {
    /// The name that callers ask for.
    public var model: String
    /// The hash over the model file.
    public var fingerprint: Bytes32
    /// The longest prompt and answer together, in tokens.
    public var contextLength: Int
    /// Nano per million prompt tokens and per million generated tokens.
    public var price: TokenPrice
    /// The program that answers; empty where the node does not say.
    public var engine: String
    /// What the engine can do.
    public var capabilities: ModelCapabilities
    /// The dimensions of its vectors, where it turns texts into vectors; else 0.
    public var dimensions: Int

    /// Makes an offer.
    public init(
        model: String,
        fingerprint: Bytes32,
        contextLength: Int,
        price: TokenPrice,
        engine: String = "",
        capabilities: ModelCapabilities = [],
        dimensions: Int = 0
    ) {
        self.model = model
        self.fingerprint = fingerprint
        self.contextLength = contextLength
        self.price = price
        self.engine = engine
        self.capabilities = capabilities
        self.dimensions = dimensions
    }
}

/// What this Nexus has measured of a node.
///
/// Every figure is a moving average; `nil` until the first measurement.
public struct Observation: Sendable, Hashable {
    /// Round trip of a ping.
    public var latency: Duration?
    /// Prompt tokens a second.
    public var prefillRate: Double?
    /// Generated tokens a second, of one request.
    public var decodeRate: Double?
    /// The share of recent requests that the node finished, from 0 to 1.
    ///
    /// New nodes get the benefit of the doubt.
    public var health: Double = 1

    /// Weight of a new measurement: a change of speed shows after about five requests.
    private static let weight = 0.2

    /// Makes an observation of which nothing is measured.
    public init() {}

    /// Takes in the round trip of a ping.
    public mutating func sawPing(_ roundTrip: Duration) {
        latency = latency.map { $0 * (1 - Self.weight) + roundTrip * Self.weight } ?? roundTrip
    }

    /// Takes in a finished request.
    ///
    /// - Parameters:
    ///   - prefill: the time the node spent on the prompt.
    ///   - decode: the time it spent on the answer.
    public mutating func sawAnswer(promptTokens: Int, prefill: Duration, completionTokens: Int, decode: Duration) {
        health += (1 - health) * Self.weight
        prefillRate = Self.average(prefillRate, promptTokens, in: prefill)
        decodeRate = Self.average(decodeRate, completionTokens, in: decode)
    }

    /// Takes in a request that the node did not finish.
    public mutating func sawFailure() {
        health -= health * Self.weight
    }

    /// A rate needs at least a few tokens to mean anything.
    private static func average(_ old: Double?, _ tokens: Int, in time: Duration) -> Double? {
        guard tokens >= 4, time > .zero else { return old }
        let rate = Double(tokens) / (time / .seconds(1))
        return old.map { $0 * (1 - weight) + rate * weight } ?? rate
    }
}
