import LatticaCore
import NIOConcurrencyHelpers

/// Counts what a server works on, and refuses what would be too much.
final class RPCAdmission: Sendable {
    private struct Peer {
        var calls = 0
        var sessions = 0
    }

    private struct State {
        var callCount = 0
        var peers: [PeerID: Peer] = [:]

        mutating func prune(_ id: PeerID) {
            if let peer = peers[id], peer.calls <= 0, peer.sessions <= 0 { peers[id] = nil }
        }
    }

    private let state = NIOLockedValueBox(State())
    private let limits: RPCLimits

    init(limits: RPCLimits) {
        self.limits = limits
    }

    var callCount: Int { state.withLockedValue(\.callCount) }

    func admitCall(of id: PeerID) -> Bool {
        state.withLockedValue { [limits] state in
            let peer = state.peers[id, default: Peer()]
            guard state.callCount < limits.maximumCalls, peer.calls < limits.maximumCallsPerPeer else { return false }
            state.callCount += 1
            state.peers[id, default: peer].calls += 1
            return true
        }
    }

    func releaseCall(of id: PeerID) {
        state.withLockedValue { state in
            state.callCount -= 1
            state.peers[id]?.calls -= 1
            state.prune(id)
        }
    }

    func admitSession(of id: PeerID) -> Bool {
        state.withLockedValue { [limits] state in
            guard state.peers[id, default: Peer()].sessions < limits.maximumSessionsPerPeer else { return false }
            state.peers[id, default: Peer()].sessions += 1
            return true
        }
    }

    func releaseSession(of id: PeerID) {
        state.withLockedValue { state in
            state.peers[id]?.sessions -= 1
            state.prune(id)
        }
    }
}
