import Foundation
import LatticeTesting
import Ledger
import Nexus
import Testing

@testable import lattice

/// The whole path, on real parts: prompt, wire, model, receipt, voucher, ledger.
@Suite(.serialized, .timeLimit(.minutes(3))) struct `A network on one machine` {
    @Test func `answers a prompt and charges exactly what the receipt says`() async throws {
        try await withTemporaryDirectory { path in
            try await TestNetwork.run(in: path) { network in
                try await network.withNode("one") {
                    let account = try await network.enrol()
                    let before = try await network.kernel.account(account)
                    let (text, summary, node) = try await network.ask("What is Lattice?", for: account)
                    #expect(text.hasPrefix("Lattice is a decentralized network"))
                    #expect(summary.usage.promptTokens == 15)
                    #expect((1...40).contains(summary.usage.completionTokens))
                    #expect(node.name == "one")
                    let price = TokenPrice(input: Nano(500_000_000), output: Nano(2_000_000_000))
                    let due = price.cost(
                        inputTokens: UInt64(summary.usage.promptTokens),
                        outputTokens: UInt64(summary.usage.completionTokens)
                    )
                    #expect(summary.cost == due)
                    let after = try await network.kernel.account(account)
                    #expect(after.headroom == before.headroom.clampedSubtracting(summary.cost))
                    #expect(after.reserved == .zero)
                    try await eventually("the voucher is settled") {
                        try await network.kernel.account(account).unsettled == .zero
                    }
                    let settled = try await network.kernel.account(account)
                    #expect(settled.bonus == before.bonus.clampedSubtracting(summary.cost))
                    #expect(settled.headroom == after.headroom)
                    #expect(try await network.isConserved())
                }
            }
        }
    }

    @Test func `refuses what cannot be answered, says why, and charges nothing`() async throws {
        try await withTemporaryDirectory { path in
            try await TestNetwork.run(in: path) { network in
                let account = try await network.enrol()
                await #expect(throws: NexusError.modelNotFound("lattice-tiny", known: [])) {
                    try await network.ask("Hello", for: account)
                }
                try await network.withNode("one") {
                    let long = String(repeating: "all the words of a long story ", count: 600)
                    await #expect {
                        try await network.ask(long, for: account)
                    } throws: { error in
                        guard case NexusError.contextLengthExceeded(let limit, let prompt) = error else { return false }
                        return limit == 2048 && prompt > limit
                    }
                    await #expect(
                        throws: NexusError.invalidRequest(field: "messages", problem: "at least one is needed")
                    ) {
                        try await network.kernel.chat(ChatRequest(model: "lattice-tiny", messages: []), for: account)
                    }
                    await #expect(throws: NexusError.invalidKey) {
                        try await network.kernel.authenticate(apiKey: "lk_wrong")
                    }
                }
                await #expect {
                    try await network.ask("Hello", for: account)
                } throws: { error in
                    guard case NexusError.noNodeAvailable(_, let reasons) = error else { return false }
                    return reasons == ["node 1 has left"]
                }
                let standing = try await network.kernel.account(account)
                #expect(standing.headroom == standing.bonus)
            }
        }
    }

    @Test func `refuses a request whose worst case costs more than there is`() async throws {
        try await withTemporaryDirectory { path in
            try await TestNetwork.run(in: path) { network in
                let account = try await network.enrol()
                try await network.withNode("dear", flags: ["price.output": "1000000"]) {
                    await #expect {
                        try await network.ask("Hello", for: account)
                    } throws: { error in
                        guard case NexusError.insufficientCredits(let needed, let headroom) = error else {
                            return false
                        }
                        return needed > headroom && headroom == Nano(5_000_000_000)
                    }
                }
            }
        }
    }

    @Test func `stops the node when the caller stops, and charges what was delivered`() async throws {
        try await withTemporaryDirectory { path in
            try await TestNetwork.run(in: path) { network in
                try await network.withNode("one") {
                    let account = try await network.enrol()
                    let request = TestNetwork.request("Tell me a long story about Lattice.", maxTokens: 1500)
                    let answer = try await network.kernel.chat(request, for: account)
                    var tokens = 0
                    for _ in 0..<3 {
                        if case .delta(let delta) = try await answer.next() { tokens += delta.tokens }
                    }
                    await answer.stop()
                    #expect(try await answer.next() == nil)
                    try await eventually("the stopped answer is billed") {
                        try await network.kernel.account(account).reserved == .zero
                    }
                    let standing = try await network.kernel.account(account)
                    let charged = standing.bonus.clampedAdding(standing.available)
                        .clampedSubtracting(standing.headroom)
                    let settled = Nano(5_000_000_000).clampedSubtracting(standing.bonus)
                    let most = try #require(
                        TokenPrice(input: Nano(500_000_000), output: Nano(2_000_000_000))
                            .cost(inputTokens: 40, outputTokens: UInt64(tokens))
                    )
                    let total = charged.clampedAdding(settled)
                    #expect(total > .zero)
                    #expect(total <= most)
                    try await eventually("the node is free again") {
                        await network.kernel.nodes().allSatisfy { $0.active == 0 }
                    }
                }
            }
        }
    }

    @Test func `gives work to both of two nodes, and none to one that left`() async throws {
        try await withTemporaryDirectory { path in
            try await TestNetwork.run(in: path) { network in
                let account = try await network.enrol()
                try await network.withNode("one") {
                    try await network.withNode("two") {
                        var names: Set<String> = []
                        for _ in 0..<60 where names.count < 2 {
                            names.insert(try await network.ask("Hello!", for: account, maxTokens: 8).node.name)
                        }
                        #expect(names == ["one", "two"])
                    }
                    for _ in 0..<5 {
                        #expect(try await network.ask("Hello!", for: account, maxTokens: 8).node.name == "one")
                    }
                    #expect(await network.kernel.nodes().map(\.state) == [.live, .gone])
                }
                #expect(try await network.isConserved())
            }
        }
    }

    @Test func `answers many at once on one payment channel`() async throws {
        try await withTemporaryDirectory { path in
            try await TestNetwork.run(in: path) { network in
                try await network.withNode("one", flags: ["slots": "8"]) {
                    let account = try await network.enrol()
                    let costs = try await withThrowingTaskGroup(of: Nano.self) { group in
                        for index in 0..<8 {
                            group.addTask {
                                try await network.ask("What is \(index)?", for: account, maxTokens: 12).summary.cost
                            }
                        }
                        return try await group.reduce(Nano.zero) { $0.clampedAdding($1) }
                    }
                    let standing = try await network.kernel.account(account)
                    #expect(standing.headroom == Nano(5_000_000_000).clampedSubtracting(costs))
                    #expect(standing.reserved == .zero)
                }
                #expect(try await network.isConserved())
            }
        }
    }

    @Test func `keeps accounts, vouchers and nodes over a restart`() async throws {
        try await withTemporaryDirectory { path in
            let key = Box("")
            let headroom = Box(Nano.zero)
            try await TestNetwork.run(in: path) { network in
                try await network.withNode("one") {
                    let (user, apiKey) = try await network.kernel.enrol(label: "somebody")
                    key.value = apiKey
                    _ = try await network.ask("Hello!", for: AccountID(user: user))
                    headroom.value = try await network.kernel.account(AccountID(user: user)).headroom
                }
            }
            try await TestNetwork.run(in: path) { network in
                let account = try await network.kernel.authenticate(apiKey: key.value)
                #expect(try await network.kernel.account(account).headroom == headroom.value)
                try await network.withNode("one") {
                    #expect(await network.kernel.nodes().map(\.id.number) == [1])
                    let cost = try await network.ask("Hello!", for: account).summary.cost
                    let now = try await network.kernel.account(account).headroom
                    #expect(now == headroom.value.clampedSubtracting(cost))
                }
                #expect(try await network.isConserved())
            }
        }
    }
}
