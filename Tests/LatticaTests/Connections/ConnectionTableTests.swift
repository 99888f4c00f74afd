import LatticaConnection
import LatticaCore
import LatticeTesting
import Testing

@testable import Lattica

@Suite struct `Connection table` {
    static let peers = (0..<20).map { _ in Keypair().peerID }.sorted()

    static func table(
        connections: Int = 100,
        idleTimeout: Duration? = nil,
        local: PeerID = Keypair().peerID
    ) -> ConnectionTable<Int> {
        var limits = ConnectionLimits()
        limits.connections = connections
        var swarm = SwarmLimits()
        swarm.idleTimeout = idleTimeout
        return ConnectionTable(local: local, limits: limits, swarm: swarm)
    }

    static func noStreams(_ peer: PeerID) -> Int { 0 }

    @Test func `takes as many connections as the limits allow`() throws {
        var table = Self.table(connections: 5)
        for count in 0..<4 {
            let added = table.add(count, with: Self.peers[0], isOutbound: true, at: .zero)
            #expect(added?.isFirst == (count == 0))
        }
        #expect(table.add(4, with: Self.peers[0], isOutbound: true, at: .zero) == nil)
        let added = table.add(5, with: Self.peers[1], isOutbound: true, at: .zero)
        let id = try #require(added).id
        #expect(table.add(6, with: Self.peers[2], isOutbound: true, at: .zero) == nil)
        #expect(table.remove(id, with: Self.peers[1]) == true)
        #expect(table.remove(id, with: Self.peers[1]) == nil)
        #expect(table.add(7, with: Self.peers[2], isOutbound: true, at: .zero) != nil)
        #expect(table.count == 5)
    }

    @Test func `both ends keep the same of two connections dialled at once`() {
        let (low, high) = (Self.peers[0], Self.peers[1])
        var atLow = Self.table(local: low)
        var atHigh = Self.table(local: high)
        // 1 was dialled by the low peer, 2 by the high one; they come to be in different orders.
        _ = atLow.add(2, with: high, isOutbound: false, at: .zero)
        _ = atLow.add(1, with: high, isOutbound: true, at: .zero)
        _ = atHigh.add(1, with: low, isOutbound: false, at: .zero)
        _ = atHigh.add(2, with: low, isOutbound: true, at: .zero)
        #expect(atLow.connections(with: high).map(\.handle) == [1, 2])
        #expect(atHigh.connections(with: low).map(\.handle) == [1, 2])
        #expect(atLow.redundant(at: .seconds(9), streams: Self.noStreams).isEmpty)
        #expect(atLow.redundant(at: .seconds(10), streams: Self.noStreams).map(\.handle) == [2])
        #expect(atLow.redundant(at: .seconds(10)) { _ in 1 }.isEmpty)
    }

    @Test func `a direct connection goes before a relayed one`() {
        var table = Self.table()
        _ = table.add(1, with: Self.peers[0], isOutbound: true, isRelayed: true, at: .zero)
        _ = table.add(2, with: Self.peers[0], isOutbound: false, at: .seconds(1))
        #expect(table.connections(with: Self.peers[0]).map(\.handle) == [2, 1])
    }

    @Test func `prunes the least valuable first, down to the low-water mark`() {
        var table = Self.table(connections: 16)
        for (index, peer) in Self.peers.prefix(15).enumerated() {
            _ = table.add(index, with: peer, isOutbound: index >= 5, at: .seconds(index))
        }
        table.protect(Self.peers[0], tag: "relay")
        let busy = Set(Self.peers[1...2])
        // More than 14, and all older than the grace of 20 s.
        let spared = table.spared(at: .seconds(60)) { busy.contains($0) ? 1 : 0 }
        #expect(spared.map(\.handle) == [3, 4, 5])
        #expect(table.spared(at: .seconds(10), streams: Self.noStreams).isEmpty)
        #expect(table.unprotect(Self.peers[0], tag: "relay") == false)
        #expect(table.spared(at: .seconds(60)) { busy.contains($0) ? 1 : 0 }.map(\.handle) == [0, 3, 4])
    }

    @Test func `protection lasts until every tag is taken away`() {
        var table = Self.table()
        table.protect(Self.peers[0], tag: "a")
        table.protect(Self.peers[0], tag: "b")
        #expect(table.unprotect(Self.peers[0], tag: "a") == true)
        #expect(table.isProtected(Self.peers[0]))
        #expect(table.unprotect(Self.peers[0], tag: "b") == false)
        #expect(table.unprotect(Self.peers[0], tag: "b") == false)
    }

    @Test func `a connection is idle once it had no streams for the timeout`() {
        var table = Self.table(idleTimeout: .seconds(60))
        _ = table.add(1, with: Self.peers[0], isOutbound: true, at: .zero)
        _ = table.add(2, with: Self.peers[1], isOutbound: true, at: .zero)
        table.protect(Self.peers[1], tag: "kept")
        func idle(at seconds: Int, streams: Int) -> [Int] {
            table.idle(at: .seconds(seconds)) { _ in streams }.map(\.handle)
        }
        #expect(idle(at: 0, streams: 0) == [])
        #expect(idle(at: 50, streams: 1) == [])
        #expect(idle(at: 70, streams: 0) == [])
        #expect(idle(at: 129, streams: 0) == [])
        #expect(idle(at: 130, streams: 0) == [1])
    }

    @Test func `any history leaves the counts right`() {
        var random = SeededGenerator(seed: 5)
        var table = Self.table(connections: 30)
        var model: [(id: UInt64, peer: PeerID)] = []
        for step in 0..<5000 {
            let peer = Self.peers[Int.random(in: 0..<20, using: &random)]
            if Bool.random(using: &random) {
                let isOutbound = Bool.random(using: &random)
                if let added = table.add(step, with: peer, isOutbound: isOutbound, at: .seconds(step)) {
                    #expect(added.isFirst == !model.contains { $0.peer == peer })
                    model.append((added.id, peer))
                } else {
                    #expect(model.count == 30 || model.count { $0.peer == peer } == 4)
                }
            } else if let victim = model.randomElement(using: &random) {
                model.removeAll { $0.id == victim.id }
                let isLast = table.remove(victim.id, with: victim.peer)
                #expect(isLast == !model.contains { $0.peer == victim.peer })
            }
            #expect(table.count == model.count)
        }
        #expect(Set(table.peers) == Set(model.map(\.peer)))
    }
}

@Suite struct `Stream quota` {
    @Test func `bounds the streams of a peer, for each protocol and in all`() {
        var limits = SwarmLimits()
        limits.inboundStreamsPerPeer = 3
        limits.inboundStreams = ["/a": 1]
        var quota = StreamQuota(limits: limits)
        let (one, other) = (Keypair().peerID, Keypair().peerID)
        #expect(quota.enter(one, "/a", isHousekeeping: false) == true)
        #expect(quota.enter(one, "/a", isHousekeeping: false) == false)
        #expect(quota.enter(other, "/a", isHousekeeping: false) == true)
        #expect(quota.enter(one, "/b", isHousekeeping: false) == true)
        #expect(quota.enter(one, "/b", isHousekeeping: true) == true)
        #expect(quota.enter(one, "/c", isHousekeeping: false) == false)
        #expect(quota.working(of: one) == 2)
        #expect(quota.working == 3)
        quota.leave(one, "/a", isHousekeeping: false)
        #expect(quota.enter(one, "/a", isHousekeeping: false) == true)
        quota.close()
        #expect(quota.enter(Keypair().peerID, "/a", isHousekeeping: false) == false)
    }
}

@Suite struct `Open streams` {
    final class Stream {}

    @Test func `counts those that somebody holds`() {
        var open = OpenStreams()
        var held: [Stream] = []
        for index in 0..<1000 {
            let stream = Stream()
            _ = open.add(stream)
            if index % 100 == 0 { held.append(stream) }
        }
        #expect(open.held().count == 10)
        held.removeAll()
        #expect(open.held().isEmpty == true)
    }
}
