import LatticaCore
import LatticeTesting
import Ledger
import NodeAPI
import Testing

@testable import Nexus

@Suite struct `The node registry` {
    let registry = NodeRegistry(announceInterval: .seconds(1))

    @Test func `forgets nodes that have left before it refuses others, and none that is live`() throws {
        for number in 1...UInt64(NodeRegistry.nodeLimit) { #expect(try announce(number)) }
        #expect(try !announce(UInt64(NodeRegistry.nodeLimit) + 1))
        let gone = registry.snapshot.nodes[41]
        registry.left(gone.peer)
        #expect(try announce(UInt64(NodeRegistry.nodeLimit) + 1))
        #expect(!registry.snapshot.nodes.contains { $0.id == gone.id })
        #expect(registry.snapshot.nodes.count == NodeRegistry.nodeLimit)
    }

    @Test func `remembers no more names of models than its limit`() throws {
        for number in 0..<(NodeRegistry.modelLimit + 1) {
            #expect(try announce(1, model: "model-\(number)", at: number))
        }
        #expect(registry.firstSeen("model-\(NodeRegistry.modelLimit)") == NodeRegistry.modelLimit)
        #expect(registry.firstSeen("model-7") == nil)
    }

    @Test func `takes silent nodes out of routing and back in`() throws {
        #expect(try announce(1))
        registry.sweep(now: .now + .seconds(4))
        #expect(registry.snapshot.nodes.map(\.state) == [.silent])
        #expect(try announce(1))
        #expect(registry.snapshot.nodes.map(\.state) == [.live])
    }

    /// A peer id by hash, without the work of drawing a key.
    private func peer(_ number: UInt64) throws -> PeerID {
        try PeerID(bytes: [0x12, 32] + Bytes32(number: number).bytes)
    }

    private func announce(_ number: UInt64, model: String = "tiny", at time: Int = 0) throws -> Bool {
        let record = NodeAnnouncement(
            sequence: 1,
            peer: try peer(number),
            addresses: [],
            node: NodeID(number),
            signer: .zero,
            name: "node",
            models: [
                NodeAnnouncement.ModelOffer(
                    name: model,
                    fingerprint: .zero,
                    contextLength: 64,
                    price: TokenPrice(input: .zero, output: .zero)
                )
            ],
            capacity: 1
        )
        return registry.announce(record, load: 0, unixTime: time)
    }
}
