import LatticaConnection
import LatticaCore
import Multiformats

/// What is tried to reach a peer, and what has come of it.
struct DialRace: Sendable {
    /// An address, and how it is reached.
    struct Route: Sendable {
        var address: Multiaddr
        var transport: any Transport
    }

    /// Who must answer; `nil` takes the peer that the address names, or any.
    let peer: PeerID?
    /// The peer, or the address, as people are told of it.
    let name: String
    /// The best first.
    var routes: [Route] = []
    /// What has to be looked up first.
    var names: [Multiaddr] = []
    /// Why addresses were not tried.
    var reasons: [String] = []
    private(set) var failures: [(address: Multiaddr, error: ConnectionError)] = []
    private(set) var nameFailures: [DNSAddrError] = []

    init(peer: PeerID?, name: String) {
        self.peer = peer
        self.name = name
    }

    mutating func failed(_ address: Multiaddr, _ error: ConnectionError) {
        failures.append((address, error))
    }

    mutating func failed(_ errors: [DNSAddrError]) {
        nameFailures += errors
    }

    /// The addresses that were tried, or would have been.
    var untold: [Multiaddr] {
        routes.map(\.address).filter { address in !failures.contains { $0.address == address } }
    }

    /// Why nobody was reached: one failure is told as what it is, several by their reasons.
    var outcome: DialError {
        if reasons.isEmpty, failures.count + nameFailures.count == 1 {
            if let error = nameFailures.first { return .nameNotResolved(error) }
            switch failures.first?.error {
            case .transport, .addressNotSupported, .closedByPeer, nil: break
            case .limitReached: return .limitReached("\(ConnectionError.limitReached)")
            case .timedOut: return .timedOut
            case .closed: return .stopped
            case .some(let error): return .handshakeFailed("\(error)")
            }
        }
        let told = failures.map { "\($0.address): \($0.error)" } + nameFailures.map(\.description)
        return .unreachable(peer: name, reasons: told + reasons)
    }
}
