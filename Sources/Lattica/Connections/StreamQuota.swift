import LatticaCore

/// How many streams of each peer are being answered, and whether one more may be.
struct StreamQuota: Sendable {
    private struct Usage {
        var answered = 0
        /// Of those, the ones that do not make a connection worth keeping: identify and ping.
        var housekeeping = 0
        var byProtocol: [ProtocolID: Int] = [:]
    }

    private let limits: SwarmLimits
    private var usage: [PeerID: Usage] = [:]
    private var isClosed = false

    /// Streams at work for all peers, those of housekeeping left out.
    private(set) var working = 0

    init(limits: SwarmLimits) {
        self.limits = limits
    }

    /// Enters a stream, unless the peer has as many as it may.
    mutating func enter(_ peer: PeerID, _ id: ProtocolID, isHousekeeping: Bool) -> Bool {
        var mine = usage[peer] ?? Usage()
        let limit = limits.inboundStreams[id] ?? limits.inboundStreamsPerProtocol
        guard !isClosed, mine.answered < limits.inboundStreamsPerPeer, mine.byProtocol[id, default: 0] < limit else {
            return false
        }
        mine.answered += 1
        mine.byProtocol[id, default: 0] += 1
        if isHousekeeping { mine.housekeeping += 1 } else { working += 1 }
        usage[peer] = mine
        return true
    }

    /// Takes a stream out that was entered.
    mutating func leave(_ peer: PeerID, _ id: ProtocolID, isHousekeeping: Bool) {
        guard var mine = usage[peer] else { return }
        mine.answered -= 1
        let left = mine.byProtocol[id, default: 1] - 1
        mine.byProtocol[id] = left > 0 ? left : nil
        if isHousekeeping { mine.housekeeping -= 1 } else { working -= 1 }
        usage[peer] = mine.answered > 0 ? mine : nil
    }

    /// Streams of a peer that make its connections worth keeping.
    func working(of peer: PeerID) -> Int {
        usage[peer].map { $0.answered - $0.housekeeping } ?? 0
    }

    /// Lets nothing in any more.
    mutating func close() {
        isClosed = true
    }
}
