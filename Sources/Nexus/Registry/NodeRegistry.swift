import LatticaCore
import Ledger
import NIOConcurrencyHelpers
import NodeAPI

/// The nodes that have announced themselves, and what was observed of them.
///
/// Writers change one value under a lock; readers take a copy of it and need none.
final class NodeRegistry: Sendable {
    private struct State {
        var nodes: [NodeID: NodeView] = [:]
        var sequences: [NodeID: UInt64] = [:]
        var lastSeen: [NodeID: ContinuousClock.Instant] = [:]
        var firstSeen: [String: Int] = [:]
        var snapshot = RegistrySnapshot()
    }

    private let state = NIOLockedValueBox(State())
    /// A node that has been silent for this long gets no work. Three signs of life are then missing.
    private let silence: Duration

    /// Announcements of further nodes are refused.
    static let nodeLimit = 10_000

    init(announceInterval: Duration) {
        silence = announceInterval * 3
    }

    /// The registry at this moment.
    var snapshot: RegistrySnapshot { state.withLockedValue { $0.snapshot } }

    /// When a model was first announced, Unix seconds.
    func firstSeen(_ model: String) -> Int? { state.withLockedValue { $0.firstSeen[model] } }

    /// Takes in a node's record. An older record than the one known only counts as a sign of life.
    ///
    /// - Returns: `false` if the registry is full.
    func announce(_ record: NodeAnnouncement, load: Int, unixTime: Int) -> Bool {
        state.withLockedValue { state in
            if state.nodes[record.node] == nil, state.nodes.count >= Self.nodeLimit { return false }
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
                        price: $0.price
                    )
                }
            }
            view.state = .live
            view.foreignLoad = max(0, load - view.active)
            state.nodes[record.node] = view
            state.lastSeen[record.node] = .now
            for model in record.models where state.firstSeen[model.name] == nil {
                state.firstSeen[model.name] = unixTime
            }
            Self.publish(&state)
            return true
        }
    }

    /// The connection to a peer has ended: no work until it shows itself again.
    func disconnected(_ peer: PeerID) {
        change { $0.peer == peer && $0.state == .live } by: { $0.state = .silent }
    }

    /// The node said goodbye.
    func left(_ peer: PeerID) {
        change { $0.peer == peer } by: { $0.state = .gone }
    }

    /// Takes nodes out of routing that have been silent too long.
    func sweep(now: ContinuousClock.Instant = .now) {
        let silent = state.withLockedValue { state in
            state.lastSeen.filter { now - $0.value > silence }.map(\.key)
        }
        guard !silent.isEmpty else { return }
        let late = Set(silent)
        change { late.contains($0.id) && $0.state == .live } by: { $0.state = .silent }
    }

    /// A request begins on a node.
    func begin(_ node: NodeID) {
        change { $0.id == node } by: { $0.active += 1 }
    }

    /// A request has ended on a node.
    func finished(_ node: NodeID, observe: (inout Observation) -> Void) {
        change {
            $0.id == node
        } by: {
            $0.active = max(0, $0.active - 1)
            observe(&$0.observed)
        }
    }

    /// A ping came back.
    func sawPing(_ peer: PeerID, _ roundTrip: Duration) {
        change { $0.peer == peer } by: { $0.observed.sawPing(roundTrip) }
    }

    private func change(_ matches: (NodeView) -> Bool, by change: (inout NodeView) -> Void) {
        state.withLockedValue { state in
            var changed = false
            for (id, var node) in state.nodes where matches(node) {
                change(&node)
                state.nodes[id] = node
                changed = true
            }
            if changed { Self.publish(&state) }
        }
    }

    private static func publish(_ state: inout State) {
        state.snapshot = RegistrySnapshot(nodes: Array(state.nodes.values))
    }
}
