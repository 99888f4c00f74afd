import Foundation
import Ledger
import LedgerConformance
import Testing

/// The worked example of `docs/ledger.md`: its figures are what a ledger comes to.
@Suite struct `Worked example` {
    /// The lines of the example, in the form of the page.
    private struct Sheet {
        var lines: [String] = []

        mutating func add(_ name: String, _ amount: Nano) {
            let figure = "\(amount)"
            lines.append(name.padding(toLength: 52, withPad: " ", startingAt: 0) + figure.leftPadded(to: 16))
        }

        mutating func add(_ name: String, _ amount: TokenAmount) { add(name, amount.nano ?? .zero) }
    }

    private static let page = URL(filePath: #filePath).appending(path: "../../../docs/ledger.md").standardizedFileURL

    @Test func `of the page is what a ledger comes to`() async throws {
        var beginning = try Beginning()
        beginning.parameters[.burnBPS] = 1_000
        try await LocalStages().play(beginning) { stage in
            let text = try await Self.play(stage).lines.joined(separator: "\n")
            let page = try String(contentsOf: Self.page, encoding: .utf8)
            #expect(page.contains(text), "the page should say:\n\(text)")
        }
    }

    private static func play(_ stage: Stage) async throws -> Sheet {
        var sheet = Sheet()
        let ledger = stage.ledger
        // Node: a thousand LAI of its owner, five hundred of Ben.
        let host = try await stage.host()
        let ben = try await stage.wallet(holding: Nano(lai: 500))
        try await stage.run(.stake(node: host.id, amount: Nano(lai: 500)), by: ben)

        // Ana: twenty LAI and the faucet's grant.
        let ana = try await stage.person(deposit: Nano(lai: 20))
        try await stage.run(.grant(user: ana.id), by: stage.cast.faucetSigner)
        let price = TokenPrice(input: Nano(lai: 2), output: Nano(lai: 6))
        let cost = try #require(price.cost(inputTokens: 1_200, outputTokens: 800))
        sheet.add("one request, 1 200 tokens in and 800 out", cost)
        let amount = Nano(cost.count * 1_000)
        sheet.add("the voucher after a thousand of them", amount)
        try await stage.settle([try stage.voucher(ana.key, host.id, amount, units: 2_000_000)])
        let funds = try await stage.funds(ana)
        sheet.add("Ana's bonus after settlement", funds.bonus)
        sheet.add("Ana's available balance after settlement", funds.available)
        let earnings = try await ledger.earnings(host.id)
        sheet.add("the fee, 5 % rounded up", try await ledger.fees())
        sheet.add("earned out of deposits", earnings.earned)
        sheet.add("earned out of bonus", earnings.bonusEarned)

        // Harvest.
        try await stage.run(.harvest(node: host.id))
        sheet.add("the owner's commission, 20 %", try await ledger.earnings(host.id).claimable)
        let pool = try await ledger.pool(host.id)
        sheet.add("the pool after the harvest", pool.assets)
        let stake = try await ledger.stake(host.id, of: ben.address)
        sheet.add("Ben's five hundred after the harvest", pool.worth(of: stake.shares))
        sheet.add("the owner's stake, the locked part included", pool.selfStake)

        // Reward.
        try await stage.run(.setCompute(node: host.id, units: 10), by: stage.cast.attester)
        let epoch = try await stage.nextDay()
        sheet.add("the fee that counts for the reward", try await ledger.fee(host.id, in: epoch))
        try await stage.finalize(epoch, [stage.row(host.id, uptime: 9_900, units: 2_000_000)])
        sheet.add("the reward, eight tenths of that fee", try await ledger.reward(host.id, in: epoch).amount)
        try await stage.run(.claimReward(epoch: epoch, node: host.id))
        try await stage.run(.harvest(node: host.id))
        try await stage.run(.claim(node: host.id))
        sheet.add("paid to the owner in all", try await ledger.account(host.owner.address))

        // Withdrawal, fees, an offence.
        try await stage.run(try await stage.withdraw(Nano(lai: 10), by: ana))
        try await stage.advance(.day)
        try await stage.run(.completeWithdraw(user: ana.id))
        sheet.add("Ana's wallet after she withdrew ten", try await ledger.account(ana.wallet.address))
        try await stage.run(.sweep)
        sheet.add("the treasury", try await ledger.account(ledger.contracts[.treasury]))
        sheet.add("fees burned, 10 %", try await ledger.account(.zero))
        try await stage.slashReceipts(host)
        sheet.add("a penalty for two receipts of one request, 20 %", try await ledger.balances().escrow)
        let after = try await ledger.pool(host.id)
        sheet.add("Ben's five hundred after it", after.worth(of: stake.shares))
        try await stage.run(.requestExit(node: host.id, shares: stake.shares), by: ben)
        try await stage.advance(7 * .day)
        try await stage.run(.withdrawStake(node: host.id), by: ben)
        sheet.add("Ben's wallet after he left", try await ledger.account(ben.address))
        try await stage.run(.releaseSlash(CaseID(1)))
        sheet.add("of the penalty: to who proved it", try await ledger.account(stage.stranger.address))
        sheet.add("of the penalty: to the insurance", try await ledger.insurance())
        let balances = try await ledger.balances()
        sheet.add("all tokens at the end", balances.supply)
        sheet.add("the sum of all accounts", balances.sumOfAccounts)
        return sheet
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }
}
