import LatticaConnection
import LatticaCore
import LatticaProtocols
import Multiformats

/// What changes while a host runs, under one lock.
struct HostState {
    enum Phase {
        case fresh, running, stopped
    }

    enum DialTarget: Hashable {
        case peer(PeerID, isForced: Bool)
        case address(Multiaddr)
    }

    /// What is known of a connected peer.
    struct Peer {
        var identity: IdentifyMessage?
        var roundTripTime: Duration?
        var nextPing: Duration
        var nextIdentify: Duration
    }

    var phase = Phase.fresh
    var gate: ConnectionGate
    var transports: [any Transport] = []
    var listeners: [any Listener] = []
    var table: ConnectionTable<HeldConnection>
    var peers: [PeerID: Peer] = [:]
    var dials: [DialTarget: Dial] = [:]
    var backOff: DialBackOff
    var observed: ObservedAddresses
    /// What peers were told last.
    var introduced: IdentifyMessage?
    var isIntroducing = false
    var keptRevision = 0
    var subscribers: [Int: AsyncStream<HostEvent>.Continuation] = [:]
    var nextSubscriber = 0

    init(_ configuration: LatticaConfiguration) {
        let swarm = configuration.swarm
        gate = configuration.gate
        table = ConnectionTable(local: configuration.keypair.peerID, limits: configuration.limits, swarm: swarm)
        backOff = DialBackOff(first: swarm.backOff, longest: swarm.longestBackOff)
        observed = ObservedAddresses(needed: swarm.observersNeeded)
    }

    /// A connection with the peer that takes streams, the preferred one.
    func liveConnection(with peer: PeerID) -> HeldConnection? {
        table.connections(with: peer).first { $0.handle.connection.acceptsStreams }?.handle
    }

    func publish(_ event: HostEvent) {
        for id in subscribers.keys.sorted() { subscribers[id]?.yield(event) }
    }
}
