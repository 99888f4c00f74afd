import LatticaCore
import LatticeTesting
import Ledger
import NodeAPI
import Testing

@Suite struct `A node's announcement` {
    let peer = Keypair()

    @Test func `comes back as it was sealed`() throws {
        let record = record(of: peer)
        #expect(try NodeAnnouncement(envelope: record.sealed(with: peer)) == record)
    }

    @Test func `speaks only for the peer that signed it`() throws {
        let stolen = try record(of: peer).sealed(with: Keypair())
        #expect(throws: MessageError.self) { try NodeAnnouncement(envelope: stolen) }
    }

    @Test func `is refused when it names too much`() throws {
        var long = record(of: peer)
        long.name = String(repeating: "n", count: NodeAnnouncement.limits.name + 1)
        var many = record(of: peer)
        many.models = Array(repeating: many.models[0], count: NodeAnnouncement.limits.models + 1)
        var idle = record(of: peer)
        idle.capacity = 0
        for wrong in [long, many, idle] {
            let envelope = try wrong.sealed(with: peer)
            #expect(throws: MessageError.self) { try NodeAnnouncement(envelope: envelope) }
        }
    }

    @Test func `is an error when cut, altered or random, and nothing worse`() throws {
        let whole = try record(of: peer).sealed(with: peer)
        for count in whole.indices {
            #expect(throws: MessageError.self) { try NodeAnnouncement(envelope: Array(whole[..<count])) }
        }
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<500 {
            var flipped = whole
            flipped[Int.random(in: whole.indices, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            _ = try? NodeAnnouncement(envelope: flipped)
            let length = Int.random(in: 0..<200, using: &generator)
            let random = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            #expect(throws: MessageError.self) { try NodeAnnouncement(envelope: random) }
        }
    }

    private func record(of peer: Keypair) -> NodeAnnouncement {
        NodeAnnouncement(
            sequence: 7,
            peer: peer.peerID,
            addresses: [],
            node: NodeID(3),
            signer: .zero,
            name: "node",
            models: [
                NodeAnnouncement.ModelOffer(
                    name: "tiny",
                    fingerprint: Bytes32(number: 5),
                    contextLength: 64,
                    price: TokenPrice(input: Nano(1), output: Nano(.max)),
                    engine: "lattice",
                    capabilities: [.isBitExact, .tools]
                )
            ],
            capacity: 2
        )
    }
}
