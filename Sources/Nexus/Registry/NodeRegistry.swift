import LatticaCore
import Ledger
import NIOConcurrencyHelpers
import NodeAPI

/// The nodes that have announced themselves, and what was observed of them.
///
/// Writers change it under a lock; readers take an immutable copy, made at the first read after a change.
final class NodeRegistry: Sendable {
    private struct State {
        var nodes: [NodeID: NodeView] = [:]
        var sequences: [NodeID: UInt64] = [:]
        var lastSeen: [NodeID: ContinuousClock.Instant] = [:]
        var firstSeen: [String: Int] = [:]
        /// `nil` after a change.
        var snapshot: RegistrySnapshot?

        /// Makes room for one more node by forgetting the one that has been out of routing for the longest.
        mutating func evict() -> Bool {
            let idle = nodes.values.filter { $0.state != .live && $0.active == 0 }
            guard
                let oldest = idle.compactMap({ node in lastSeen[node.id].map { (node.id, $0) } }).min(by: {
                    $0.1 < $1.1
                })
            else { return false }
            nodes[oldest.0] = nil
            sequences[oldest.0] = nil
            lastSeen[oldest.0] = nil
            return true
        }

        /// Remembers when models were first named; names that nobody offers any more give way at the limit.
        mutating func see(_ models: [NodeAnnouncement.ModelOffer], at time: Int) {
            for model in models where firstSeen[model.name] == nil {
                if firstSeen.count >= NodeRegistry.modelLimit {
                    let offered = Set(nodes.values.flatMap { $0.offers.map(\.model) })
                    firstSeen = firstSeen.filter { offered.contains($0.key) }
                }
                guard firstSeen.count < NodeRegistry.modelLimit else { return }
                firstSeen[model.name] = time
            }
        }
    }

    private let state = NIOLockedValueBox(State())
    /// A node that has been silent for this long gets no work.
    ///
    /// Three signs of life are then missing.
    private let silence: Duration

    /// At the limit a node that is out of routing gives way; if all are live, further ones are refused.
    static let nodeLimit = 10_000
    /// Names of models whose first day is remembered.
    static let modelLimit = 10_000

    init(announceInterval: Duration) {
        silence = announceInterval * 3
    }

    /// The registry at this moment.
    var snapshot: RegistrySnapshot {
        state.withLockedValue { state in
            if let snapshot = state.snapshot { return snapshot }
            let snapshot = RegistrySnapshot(nodes: Array(state.nodes.values))
            state.snapshot = snapshot
            return snapshot
        }
    }

    /// When a model was first announced, Unix seconds.
    func firstSeen(_ model: String) -> Int? { state.withLockedValue { $0.firstSeen[model] } }

    /// Takes in a node's record.
    ///
    /// An older record than the one known only counts as a sign of life.
    ///
    /// - Returns: `false` if the registry is full.
    func announce(_ record: NodeAnnouncement, load: Int, unixTime: Int) -> Bool {
        state.withLockedValue { state in
            if state.nodes[record.node] == nil, state.nodes.count >= Self.nodeLimit, !state.evict() { return false }
            let known = state.nodes[record.node]
            var view =
                known
                ?? NodeView(
                    id: record.node,
                    peer: record.peer,
                    name: record.name,
                    signer: record.signer,
                    offers: [],
                    capacity: record.capacity,
                    state: .live
                )
            if record.sequence >= state.sequences[record.node] ?? 0 || known?.peer != record.peer {
                state.sequences[record.node] = record.sequence
                view.peer = record.peer
                view.name = record.name
                view.signer = record.signer
                view.capacity = record.capacity
                view.offers = record.models.map {
                    Offer(
                        model: $0.name,
                        fingerprint: $0.fingerprint,
                        contextLength: $0.contextLength,
                        price: $0.price,
                        engine: $0.engine,
                        capabilities: $0.capabilities,
                        dimensions: $0.dimensions
                    )
                }
            }
            view.state = .live
            view.foreignLoad = max(0, load - view.active)
            state.nodes[record.node] = view
            state.lastSeen[record.node] = .now
            state.see(record.models, at: unixTime)
            state.snapshot = nil
            return true
        }
    }

    /// The connection to a peer has ended: no work until it shows itself again.
    func disconnected(_ peer: PeerID) {
        change {
            $0.peer == peer && $0.state == .live
        } by: {
            $0.state = .silent
        }
    }

    /// The node said goodbye.
    func left(_ peer: PeerID) {
        change {
            $0.peer == peer
        } by: {
            $0.state = .gone
        }
    }

    /// Takes nodes out of routing that have been silent too long.
    func sweep(now: ContinuousClock.Instant = .now) {
        let silent = state.withLockedValue { state in
            state.lastSeen.filter { now - $0.value > silence }.map(\.key)
        }
        guard !silent.isEmpty else { return }
        let late = Set(silent)
        change {
            late.contains($0.id) && $0.state == .live
        } by: {
            $0.state = .silent
        }
    }

    /// A request begins on a node.
    func begin(_ node: NodeID) {
        change(node) { $0.active += 1 }
    }

    /// A request has ended on a node.
    func finished(_ node: NodeID, observe: (inout Observation) -> Void) {
        change(node) {
            $0.active = max(0, $0.active - 1)
            observe(&$0.observed)
        }
    }

    /// A ping came back.
    func sawPing(_ node: NodeID, _ roundTrip: Duration) {
        change(node) { $0.observed.sawPing(roundTrip) }
    }

    private func change(_ node: NodeID, _ change: (inout NodeView) -> Void) {
        state.withLockedValue { state in
            guard var view = state.nodes[node] else { return }
            change(&view)
            state.nodes[node] = view
            state.snapshot = nil
        }
    }

    private func change(_ matches: (NodeView) -> Bool, by change: (inout NodeView) -> Void) {
        state.withLockedValue { state in
            for (id, var node) in state.nodes where matches(node) {
                change(&node)
                state.nodes[id] = node
                state.snapshot = nil
            }
        }
    }
}
