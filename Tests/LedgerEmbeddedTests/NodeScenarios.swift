import Ledger
import Testing

/// Nodes and earnings (ledger specification, §11, the parts of scenarios 48 to 53 and 72 that hold without delegation).
@Suite struct `Nodes and earnings` {
    @Test func `48 a node registers with enough stake, a fair commission and a signer of its own`() async throws {
        try await Stage.play { stage in
            let owner = Secp256k1Key().address
            try await stage.run(.transfer(to: owner, amount: TokenAmount(Nano(lai: 2_000))))
            var application = NodeApplication(
                kind: .llm,
                model: Keccak256.hash([1]),
                meta: .zero,
                payout: owner,
                signer: Secp256k1Key().address,
                selfStake: Nano(lai: 1_000)
            )
            application.selfStake = Nano(Nano(lai: 1_000).count - 1)
            try await stage.refuse(.registerNode(application), by: owner, .stakeTooSmall)
            application.selfStake = Nano(lai: 1_000)
            application.commission = 10_001
            try await stage.refuse(.registerNode(application), by: owner, .badCommission)
            application.commission = 0
            let node = try #require(try await stage.run(.registerNode(application), by: owner).registeredNode)
            #expect(try await stage.ledger.node(node)?.status == .pending)
            #expect(try await stage.ledger.node(signer: application.signer) == node)
            #expect(try await stage.ledger.pool(node).selfStake == Nano(lai: 1_000))
            try await stage.refuse(.registerNode(application), by: owner, .signerTaken)
            application.signer = Secp256k1Key().address
            try await stage.refuse(.registerNode(application), by: Stage.stranger, .insufficient)
            try await stage.refuse(.setModel(node: node, model: .zero), by: Stage.stranger, .notAllowed)
            try await stage.run(.setMeta(node: node, meta: Keccak256.hash([2])), by: owner)
            try await stage.refuse(.resume(node: node), by: owner, .notAllowed)
        }
    }

    @Test func `49 and 50 earnings are harvested once and paid to the payout address, fees to the treasury`()
        async throws
    {
        var parameters = Parameters()
        parameters[.burnBPS] = 1_000
        try await Stage.play(parameters) { stage in
            let person = try await stage.person(deposit: Nano(10_000))
            let owner = Secp256k1Key().address
            let node = try await stage.node(owner)
            try await stage.settle([try stage.voucher(person.key, node, Nano(10_000))])
            try await stage.run(.harvest(node: node), by: Stage.stranger)
            #expect(try await stage.run(.harvest(node: node)).events.isEmpty)
            try await stage.run(.claim(node: node), by: Stage.stranger)
            #expect(try await stage.ledger.account(owner) == TokenAmount(Nano(1_900)))
            #expect(try await stage.ledger.pool(node).selfStake > Nano(lai: 1_000))
            #expect(try await stage.run(.claim(node: node)).events.isEmpty)
            try await stage.run(.sweep)
            #expect(try await stage.ledger.account(stage.ledger.contracts[.treasury]) == TokenAmount(Nano(450)))
            let supply = try await stage.ledger.balances().supply
            #expect(supply == TokenAmount.genesisSupply.subtracting(TokenAmount(Nano(50))))
        }
    }

    @Test func `52 and 53 bonus earnings become stake that never leaves, the rest returns after unbonding`()
        async throws
    {
        try await Stage.play { stage in
            let owner = Secp256k1Key().address
            let node = try await stage.node(owner)
            let person = try await stage.person()
            try await stage.run(.grant(user: person.id), by: stage.faucetSigner)
            try await stage.settle([try stage.voucher(person.key, node, Nano(lai: 4))])
            #expect(try await stage.ledger.earnings(node).earned == .zero)
            try await stage.run(.harvest(node: node))
            let bonus = Nano(3_800_000_000)
            #expect(try await stage.ledger.pool(node).assets == bonus.adding(Nano(lai: 1_000)))
            #expect(try await stage.run(.claim(node: node)).events.isEmpty)
            try await stage.run(.exit(node: node), by: owner)
            stage.time.advance(7 * .day)
            try await stage.run(.withdrawStake(node: node), by: owner)
            #expect(try await stage.ledger.account(owner) == TokenAmount(Nano(lai: 1_000)))
            #expect(try await stage.ledger.pool(node).assets == bonus)
            try await stage.refuse(.resume(node: node), by: stage.reporter, .wrongStatus)
        }
    }

    @Test func `72 figures stay in their bounds, move in steps and keep the rule between delays`() async throws {
        try await Stage.play { stage in
            try await stage.refuse(.setParameter(.feeBPS, value: 400), by: Stage.stranger, .notAllowed)
            try await stage.refuse(.setParameter(.feeBPS, value: 2_001), .outOfBounds)
            try await stage.refuse(.setParameter(.feeBPS, value: 1_001), .stepTooLarge)
            try await stage.run(.setParameter(.feeBPS, value: 1_000))
            #expect(try await stage.ledger.parameters()[.feeBPS] == 1_000)
            try await stage.run(.setParameter(.revokeDelay, value: 12 * .hour))
            try await stage.refuse(.setParameter(.revokeDelay, value: 12 * .hour + 2), .breaksRule)
            try await stage.refuse(.setParameter(.withdrawDelay, value: 23 * .hour), .breaksRule)
        }
    }

    @Test func `nobody acts in the name of a contract`() async throws {
        try await Stage.play { stage in
            let faucet = stage.ledger.contracts[.faucet]
            try await stage.refuse(.transfer(to: Stage.stranger, amount: TokenAmount(Nano(1))), by: faucet, .notAllowed)
            try await stage.refuse(.sweep, by: .zero, .badAddress)
        }
    }
}
