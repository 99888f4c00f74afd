import LatticaConnection
import LatticaCore

/// Which connections there are, which of several to one peer is preferred, and which can be spared.
///
/// It knows times and counts and no sockets, so a test plays hours of it in a moment. `Handle` stands for the connection.
struct ConnectionTable<Handle: Sendable>: Sendable {
    struct Entry: Sendable {
        let id: UInt64
        let peer: PeerID
        let isOutbound: Bool
        let isRelayed: Bool
        let openedAt: Duration
        let handle: Handle
    }

    private let local: PeerID
    private let limits: ConnectionLimits
    private let swarm: SwarmLimits
    private var entries: [PeerID: [Entry]] = [:]
    private var protections: [PeerID: Set<String>] = [:]
    private var idleSince: [PeerID: Duration] = [:]
    private var nextID: UInt64 = 0

    /// Connections with all peers.
    private(set) var count = 0

    init(local: PeerID, limits: ConnectionLimits, swarm: SwarmLimits) {
        self.local = local
        self.limits = limits
        self.swarm = swarm
    }

    /// The peers with which there is a connection, in no order.
    var peers: Dictionary<PeerID, [Entry]>.Keys { entries.keys }

    /// All connections, the oldest first.
    var all: [Entry] { entries.values.joined().sorted { $0.id < $1.id } }

    /// The connections with a peer, the preferred first.
    func connections(with peer: PeerID) -> [Entry] { entries[peer] ?? [] }

    func isConnected(to peer: PeerID) -> Bool { entries[peer] != nil }

    /// Enters a connection.
    ///
    /// - Returns: its number and whether it is the first with the peer; `nil` if a limit is reached.
    mutating func add(
        _ handle: Handle,
        with peer: PeerID,
        isOutbound: Bool,
        isRelayed: Bool = false,
        at now: Duration
    ) -> (id: UInt64, isFirst: Bool)? {
        var others = entries[peer] ?? []
        guard count < limits.connections, others.count < limits.connectionsPerPeer else { return nil }
        let isFirst = others.isEmpty
        let id = nextID
        nextID += 1
        count += 1
        others.append(
            Entry(
                id: id,
                peer: peer,
                isOutbound: isOutbound,
                isRelayed: isRelayed,
                openedAt: now,
                handle: handle
            )
        )
        others.sort(by: isPreferred)
        entries[peer] = others
        idleSince[peer] = nil
        return (id, isFirst)
    }

    /// Forgets a connection.
    ///
    /// - Returns: whether it was the last with the peer; `nil` if it is not here.
    mutating func remove(_ id: UInt64, with peer: PeerID) -> Bool? {
        guard var left = entries[peer], let index = left.firstIndex(where: { $0.id == id }) else { return nil }
        left.remove(at: index)
        count -= 1
        entries[peer] = left.isEmpty ? nil : left
        if left.isEmpty { idleSince[peer] = nil }
        return left.isEmpty
    }

    /// Of two connections dialled at the same time both ends must keep the same: the one that the smaller id dialled.
    ///
    /// A direct one goes before a relayed one whoever dialled.
    private func isPreferred(_ left: Entry, to right: Entry) -> Bool {
        if left.isRelayed != right.isRelayed { return right.isRelayed }
        if left.isOutbound != right.isOutbound { return left.isOutbound == (local < left.peer) }
        return left.id < right.id
    }
}

// MARK: - Protection

extension ConnectionTable {
    /// Keeps the connections with a peer from being pruned or closed for idleness, until all tags are taken away.
    mutating func protect(_ peer: PeerID, tag: String) {
        protections[peer, default: []].insert(tag)
    }

    /// - Returns: whether the peer is still protected by another tag.
    mutating func unprotect(_ peer: PeerID, tag: String) -> Bool {
        protections[peer]?.remove(tag)
        if protections[peer]?.isEmpty == true { protections[peer] = nil }
        return isProtected(peer)
    }

    func isProtected(_ peer: PeerID) -> Bool { protections[peer] != nil }
}

// MARK: - What can be spared

extension ConnectionTable {
    /// There are so many connections that some are to be spared.
    var isOverHighWater: Bool { count > swarm.waterMarks(of: limits.connections).high }

    /// The connections to close when there are more than the high-water mark: down to the low one, the least valuable first.
    ///
    /// Protected peers and connections younger than the grace are left. First go those without streams, then those that
    /// the peer dialled, then those that have been idle or open the longest.
    ///
    /// - Parameter streams: how many streams with a peer are in use.
    func spared(at now: Duration, streams: (PeerID) -> Int) -> [Entry] {
        let (low, high) = swarm.waterMarks(of: limits.connections)
        guard count > high else { return [] }
        let candidates = entries.values.joined()
            .filter { !isProtected($0.peer) && now - $0.openedAt >= swarm.pruningGrace }
            .map { (entry: $0, hasStreams: streams($0.peer) > 0, since: idleSince[$0.peer] ?? $0.openedAt) }
            .sorted { left, right in
                if left.hasStreams != right.hasStreams { return right.hasStreams }
                if left.entry.isOutbound != right.entry.isOutbound { return right.entry.isOutbound }
                if left.since != right.since { return left.since < right.since }
                return left.entry.id < right.entry.id
            }
        return candidates.prefix(count - low).map(\.entry)
    }

    /// The connections of peers that have had no streams and no protection for the idle timeout; the oldest first.
    mutating func idle(at now: Duration, streams: (PeerID) -> Int) -> [Entry] {
        var over: [Entry] = []
        for (peer, connections) in entries {
            guard !isProtected(peer), streams(peer) == 0 else {
                idleSince[peer] = nil
                continue
            }
            let since = idleSince[peer] ?? now
            idleSince[peer] = since
            if let timeout = swarm.idleTimeout, now - since >= timeout { over += connections }
        }
        return over.sorted { $0.id < $1.id }
    }

    /// Connections beside a preferred one with the same peer, once no stream is in use and the peer has had time to notice.
    func redundant(at now: Duration, streams: (PeerID) -> Int) -> [Entry] {
        var over: [Entry] = []
        for (peer, connections) in entries where connections.count > 1 && streams(peer) == 0 {
            guard let newest = connections.map(\.openedAt).max(), now - newest >= swarm.redundancyGrace else {
                continue
            }
            over += connections.dropFirst()
        }
        return over.sorted { $0.id < $1.id }
    }
}
