import LatticaCore
import LatticeTesting
import Ledger
import NodeAPI
import Testing

@testable import Nexus

@Suite struct `Routing` {
    let request = RoutingRequest(model: "tiny", promptTokens: 20, maxTokens: 100)

    @Test func `prefers the node that is predicted to answer first`() {
        let slow = view(1) { $0.observed.decodeRate = 10 }
        let fast = view(2) { $0.observed.decodeRate = 100 }
        #expect(order([slow, fast]) == [2, 1])
    }

    @Test func `leaves out nodes whose engine cannot do what is asked`() {
        let plain = view(1) { $0.observed.decodeRate = 100 }
        let able = view(2) { $0.offers[0].capabilities = [.tools, .schemas] }
        var request = request
        request.needs = .tools
        var generator = SeededGenerator(seed: 1)
        let ranking = Router.choose(request, in: RegistrySnapshot(nodes: [plain, able]), using: &generator)
        #expect(ranking.choices.map(\.node.id.number) == [2])
        #expect(ranking.refused.map(\.reason) == ["the engine of node 1 cannot do what is asked"])
    }

    @Test func `leaves out nodes whose vectors have another size`() {
        let small = view(1) { ($0.offers[0].capabilities, $0.offers[0].dimensions) = (.embeddings, 384) }
        let large = view(2) { ($0.offers[0].capabilities, $0.offers[0].dimensions) = (.embeddings, 768) }
        var request = request
        (request.needs, request.dimensions) = (.embeddings, 768)
        var generator = SeededGenerator(seed: 1)
        let ranking = Router.choose(request, in: RegistrySnapshot(nodes: [small, large]), using: &generator)
        #expect(ranking.choices.map(\.node.id.number) == [2])
        #expect(ranking.refused.map(\.reason) == ["node 1 gives vectors of 384 dimensions"])
    }

    @Test func `prefers the cheaper of two equal nodes`() {
        let dear = view(1, price: 3_000_000_000)
        let cheap = view(2, price: 1_000_000_000)
        #expect(order([dear, cheap]) == [2, 1])
    }

    @Test func `minds the price beside a node that is free`() {
        let free = view(1, price: 0)
        let dear = view(2, price: 50_000_000_000)
        let cheap = view(3, price: 1_000_000_000)
        #expect(order([free, dear, cheap]) == [1, 3, 2])
    }

    @Test func `prefers the node that does not fail`() {
        let failing = view(1) { node in (0..<10).forEach { _ in node.observed.sawFailure() } }
        #expect(order([failing, view(2)]) == [2, 1])
    }

    @Test func `leaves out silent, gone and full nodes and says why`() {
        var generator = SeededGenerator(seed: 1)
        let silent = view(1) { $0.state = .silent }
        let gone = view(2) { $0.state = .gone }
        let full = view(3) { $0.active = 64 }
        let ranking = Router.choose(
            request,
            in: RegistrySnapshot(nodes: [silent, gone, full, view(4)]),
            using: &generator
        )
        #expect(ranking.choices.map(\.node.id.number) == [4])
        #expect(ranking.refused.map(\.node.number) == [1, 2, 3])
        #expect(ranking.refused.allSatisfy { !$0.reason.isEmpty })
    }

    @Test func `ignores nodes that do not serve the model`() {
        var generator = SeededGenerator(seed: 1)
        let other = RoutingRequest(model: "other", promptTokens: 1, maxTokens: 1)
        let ranking = Router.choose(other, in: RegistrySnapshot(nodes: [view(1)]), using: &generator)
        #expect(ranking.choices.isEmpty && ranking.refused.isEmpty)
    }

    @Test func `gives work to both of two like nodes`() {
        var generator = SeededGenerator(seed: 7)
        let snapshot = RegistrySnapshot(nodes: [
            view(1) { $0.observed.decodeRate = 100 }, view(2) { $0.observed.decodeRate = 90 },
        ])
        let firsts = (0..<1000).map { _ in
            Router.choose(request, in: snapshot, using: &generator).choices[0].node.id.number
        }
        let share = Double(firsts.count { $0 == 1 }) / 1000
        #expect((0.35...0.65).contains(share))
    }

    @Test func `sends work to the less loaded of two like nodes`() {
        let busy = view(1) { $0.active = 3 }
        #expect((0..<50).allSatisfy { order([busy, view(2)], seed: $0)[0] == 2 })
    }

    @Test func `tries an unmeasured node beside a measured one`() {
        var generator = SeededGenerator(seed: 3)
        let known = view(1) { $0.observed.decodeRate = 400 }
        let firsts = (0..<200).map { _ in
            Router.choose(request, in: RegistrySnapshot(nodes: [known, view(2)]), using: &generator)
                .choices[0].node.id.number
        }
        #expect(Set(firsts) == [1, 2])
    }

    @Test func `is repeatable and explains every choice`() {
        let nodes = (1...20).map { number in view(UInt64(number)) { $0.observed.decodeRate = Double(number) } }
        #expect(order(nodes, seed: 9) == order(nodes, seed: 9))
        var generator = SeededGenerator(seed: 9)
        let ranking = Router.choose(request, in: RegistrySnapshot(nodes: nodes), using: &generator)
        #expect(ranking.choices.allSatisfy { $0.reasons.count == 3 })
    }

    private func order(_ nodes: [NodeView], seed: UInt64 = 1) -> [UInt64] {
        var generator = SeededGenerator(seed: seed)
        return Router.choose(request, in: RegistrySnapshot(nodes: nodes), using: &generator)
            .choices.map(\.node.id.number)
    }

    private func view(
        _ number: UInt64,
        price: UInt64 = 1_000_000_000,
        _ change: (inout NodeView) -> Void = { _ in }
    ) -> NodeView {
        var node = NodeView(
            id: NodeID(number),
            peer: Keypair().peerID,
            name: "node \(number)",
            signer: .zero,
            offers: [
                Offer(
                    model: "tiny",
                    fingerprint: .zero,
                    contextLength: 2048,
                    price: TokenPrice(input: Nano(price), output: Nano(price))
                )
            ],
            capacity: 4,
            state: .live
        )
        change(&node)
        return node
    }
}
