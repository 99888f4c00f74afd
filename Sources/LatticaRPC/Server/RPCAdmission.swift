import LatticaCore
import NIOConcurrencyHelpers

/// Counts what a server works on, and refuses what would be too much.
final class RPCAdmission: Sendable {
    /// What is under way for one peer; found once for each session, and not for each call.
    final class Load: Sendable {
        let peer: PeerID
        fileprivate let callCount = NIOLockedValueBox(0)
        fileprivate let sessionCount = NIOLockedValueBox(0)
        /// How many have it; changed under the lock of the admission, which forgets a peer whose load nobody has.
        fileprivate let holderCount = NIOLockedValueBox(0)

        fileprivate init(peer: PeerID) {
            self.peer = peer
        }
    }

    private let total = NIOLockedValueBox(0)
    private let loads = NIOLockedValueBox<[PeerID: Load]>([:])
    private let limits: RPCLimits

    init(limits: RPCLimits) {
        self.limits = limits
    }

    var callCount: Int { total.withLockedValue { $0 } }

    /// Admits a call; it is released by ``releaseCall(of:)``.
    func admitCall(of load: Load) -> Bool {
        guard total.takeOne(of: limits.maximumCalls) else { return false }
        guard load.callCount.takeOne(of: limits.maximumCallsPerPeer) else {
            total.withLockedValue { $0 -= 1 }
            return false
        }
        return true
    }

    func releaseCall(of load: Load) {
        load.callCount.withLockedValue { $0 -= 1 }
        total.withLockedValue { $0 -= 1 }
    }

    /// Admits a session; it is released by ``releaseSession(of:)``.
    func admitSession(of load: Load) -> Bool {
        load.sessionCount.takeOne(of: limits.maximumSessionsPerPeer)
    }

    func releaseSession(of load: Load) {
        load.sessionCount.withLockedValue { $0 -= 1 }
    }

    /// Runs work that counts what is under way for a peer.
    func withLoad<Result>(of peer: PeerID, _ work: (Load) async -> Result) async -> Result {
        let load = loads.withLockedValue { loads in
            let load = loads[peer] ?? Load(peer: peer)
            load.holderCount.withLockedValue { $0 += 1 }
            loads[peer] = load
            return load
        }
        let result = await work(load)
        loads.withLockedValue { loads in
            let left = load.holderCount.withLockedValue { count in
                count -= 1
                return count
            }
            if left == 0 { loads[peer] = nil }
        }
        return result
    }
}

extension NIOLockedValueBox<Int> {
    /// Counts one more, unless there are as many as there may be.
    fileprivate func takeOne(of limit: Int) -> Bool {
        withLockedValue { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }
}
