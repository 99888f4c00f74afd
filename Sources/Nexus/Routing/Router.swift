public import Ledger
public import NodeAPI

/// What the router must know of a request.
public struct RoutingRequest: Sendable, Hashable {
    /// The model asked for.
    public var model: String
    /// An estimate of the prompt's length in tokens.
    public var promptTokens: Int
    /// The most tokens the answer may have; `nil`: as many as the context holds.
    public var maxTokens: Int?
    /// What the node's engine must be able to do.
    public var needs: ModelCapabilities
    /// The dimensions that its vectors must have, where vectors are asked for: texts are comparable only within one size.
    public var dimensions: Int?

    /// Makes a request.
    public init(
        model: String,
        promptTokens: Int,
        maxTokens: Int?,
        needs: ModelCapabilities = [],
        dimensions: Int? = nil
    ) {
        self.model = model
        self.promptTokens = promptTokens
        self.maxTokens = maxTokens
        self.needs = needs
        self.dimensions = dimensions
    }
}

/// The router's answer: whom to ask, in which order, and why.
public struct Ranking: Sendable {
    /// A node that can take the request.
    public struct Choice: Sendable {
        /// The node.
        public var node: NodeView
        /// What it offers for the model.
        public var offer: Offer
        /// Lower is better: predicted seconds, weighted by price and health.
        public var score: Double
        /// What the score is made of, for people.
        public var reasons: [String]
    }

    /// A node that serves the model and cannot take the request.
    public struct Refusal: Sendable, Hashable {
        /// The node.
        public var node: NodeID
        /// Why not, for people.
        public var reason: String
    }

    /// The best first.
    public var choices: [Choice]
    /// Nodes that were left out.
    public var refused: [Refusal]
}

/// Picks nodes for a request by predicted time to answer, price and health.
///
/// A pure function of the request, the snapshot and the generator, so that every decision can be explained and repeated.
public enum Router {
    /// How a score is made.
    ///
    /// The defaults suit a small cluster of like machines.
    public struct Weights: Sendable {
        /// How many times a node of twice the lowest price must be faster to be as good.
        ///
        /// 0 ignores the price.
        public var price = 0.5
        /// Nodes within this factor of the best count as equally good, and load decides between them.
        ///
        /// Wide enough that measuring noise between like machines does not send all work to one of them.
        public var nearBest = 1.5
        /// Assumed until measured: prompt tokens and generated tokens a second, and a round trip in seconds.
        public var prior = (prefill: 500.0, decode: 50.0, latency: 0.01)
        /// How long an answer is assumed to be when the caller gave no limit, in tokens.
        public var expectedTokens = 256

        /// The default weights.
        public init() {}
    }

    /// Ranks the nodes that can take a request.
    ///
    /// Among nodes near the best, two are drawn and the less loaded one goes first (power of two choices), so that
    /// several replicas that see the same figures do not all run to the same node.
    public static func choose(
        _ request: RoutingRequest,
        in snapshot: RegistrySnapshot,
        weights: Weights = Weights(),
        using generator: inout some RandomNumberGenerator
    ) -> Ranking {
        var candidates: [(node: NodeView, offer: Offer)] = []
        var refused: [Ranking.Refusal] = []
        for node in snapshot.nodes {
            guard let offer = node.offers.first(where: { $0.model == request.model }) else { continue }
            if let reason = refusal(of: request, by: node, offer) {
                refused.append(Ranking.Refusal(node: node.id, reason: reason))
            } else {
                candidates.append((node, offer))
            }
        }
        guard let cheapest = candidates.map({ blendedPrice($0.offer) }).min() else {
            return Ranking(choices: [], refused: refused)
        }
        let assumed = assumedRates(candidates.map(\.node.observed), weights)
        var choices = candidates.map { node, offer in
            score(request, node, offer, cheapest: cheapest, assumed: assumed, weights)
        }
        choices.sort { ($0.score, $0.node.id) < ($1.score, $1.node.id) }
        preferLessLoaded(&choices, within: weights.nearBest, using: &generator)
        return Ranking(choices: choices, refused: refused)
    }

    /// Requests that may wait on a node; its engine keeps a few more before it refuses by itself.
    private static let queueLength = 60

    private static func refusal(of request: RoutingRequest, by node: NodeView, _ offer: Offer) -> String? {
        switch node.state {
        case .silent: return "node \(node.id) has not answered lately"
        case .gone: return "node \(node.id) has left"
        case .live: break
        }
        if !offer.capabilities.contains(request.needs)
            || offer.capabilities.contains(.embedsOnly) && !request.needs.contains(.embeddings)
        {
            return "the engine of node \(node.id) cannot do what is asked"
        }
        if let dimensions = request.dimensions, offer.dimensions != dimensions {
            return "node \(node.id) gives vectors of \(offer.dimensions) dimensions"
        }
        let load = node.active + node.foreignLoad
        if load >= node.capacity + queueLength {
            return "node \(node.id) answers \(node.capacity) requests at once and has \(load)"
        }
        return nil
    }

    /// What an unmeasured node is assumed to do: as well as the best measured one, so that it gets its first work soon.
    private static func assumedRates(
        _ observations: [Observation],
        _ weights: Weights
    ) -> (prefill: Double, decode: Double) {
        (
            observations.compactMap(\.prefillRate).max() ?? weights.prior.prefill,
            observations.compactMap(\.decodeRate).max() ?? weights.prior.decode
        )
    }

    private static func score(
        _ request: RoutingRequest,
        _ node: NodeView,
        _ offer: Offer,
        cheapest: Double,
        assumed: (prefill: Double, decode: Double),
        _ weights: Weights
    ) -> Ranking.Choice {
        let latency = node.observed.latency.map { $0 / .seconds(1) } ?? weights.prior.latency
        let prefill = Double(request.promptTokens) / (node.observed.prefillRate ?? assumed.prefill)
        let answer = Double(min(request.maxTokens ?? weights.expectedTokens, offer.contextLength))
        // Requests on one node share its processors.
        let share = Double(1 + node.active + node.foreignLoad)
        let decode = answer * share / (node.observed.decodeRate ?? assumed.decode)
        let seconds = latency + prefill + decode
        let price = (blendedPrice(offer) + Self.priceFloor) / (cheapest + Self.priceFloor)
        // A node that fails every other request costs at least a second try.
        let health = max(node.observed.health, 0.05)
        let score = seconds * (1 + weights.price * (price - 1)) / health
        return Ranking.Choice(
            node: node,
            offer: offer,
            score: score,
            reasons: [
                "predicted \(milliseconds(seconds)) ms (latency \(milliseconds(latency)), prompt \(milliseconds(prefill)),"
                    + " answer \(milliseconds(decode)) with \(node.active + node.foreignLoad) running)",
                "price \(hundredths(price)) times the lowest",
                "health \(hundredths(node.observed.health))",
            ]
        )
    }

    /// Added to prices before they are compared, so that beside a node that is free others still have a price: a
    /// thousandth of a LAI.
    private static let priceFloor = 1_000_000.0

    /// Answers are usually longer than prompts are dear: three parts output to one part input.
    private static func blendedPrice(_ offer: Offer) -> Double {
        Double(offer.price.input.count) + 3 * Double(offer.price.output.count)
    }

    private static func preferLessLoaded(
        _ choices: inout [Ranking.Choice],
        within factor: Double,
        using generator: inout some RandomNumberGenerator
    ) {
        guard let best = choices.first?.score else { return }
        let near = choices.prefix { $0.score <= best * factor }.count
        guard near > 1 else { return }
        let first = Int.random(in: 0..<near, using: &generator)
        var second = Int.random(in: 0..<(near - 1), using: &generator)
        if second >= first { second += 1 }
        let winner = load(choices[first]) <= load(choices[second]) ? first : second
        choices.insert(choices.remove(at: winner), at: 0)
    }

    /// The share of a node's places that are taken.
    private static func load(_ choice: Ranking.Choice) -> Double {
        Double(choice.node.active + choice.node.foreignLoad) / Double(max(choice.node.capacity, 1))
    }

    private static func milliseconds(_ seconds: Double) -> Int { Int((min(seconds, 1e9) * 1000).rounded()) }

    private static func hundredths(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
