import Foundation
import GRDB
import LatticeTesting
import Ledger
import LedgerConformance
import Testing

@testable import LedgerEmbedded

/// Rules that no command of a person reaches.
@Suite struct `Pools in the rules` {
    /// Scenario 69: no offence of this version takes all of a pool, but the rule is there.
    @Test func `a pool that is slashed to nothing begins anew, and shares of before are worthless`() throws {
        var core = LedgerCore(genesis: .standard, domain: TypedDomain(chainID: 1, verifyingContract: .zero))
        _ = core.begin(at: 1_800_000_000)
        let (owner, staker) = (core.genesis.administrator, Address.stranger)
        let node = NodeID(1)
        func call(_ command: Command, _ caller: Address) -> Call {
            Call(command, caller: caller, domain: core.domain)
        }
        let application = NodeApplication(
            kind: .llm,
            model: .zero,
            meta: .zero,
            payout: owner,
            signer: owner,
            selfStake: Nano(lai: 1_000)
        )
        let funded = Command.transfer(to: staker, amount: TokenAmount(Nano(lai: 20)))
        for command in [.registerNode(application), funded] as [Command] {
            #expect(throws: Never.self) { try core.apply(call(command, owner), at: 1_800_000_001).get() }
        }
        let stake = Command.stake(node: node, amount: Nano(lai: 10))
        _ = try core.apply(call(stake, staker), at: 1_800_000_002).get()
        _ = try core.apply(call(.requestExit(node: node, shares: 1_000), staker), at: 1_800_000_003).get()
        #expect(try core.slash(node, bps: 10_000) == Nano(lai: 1_010))
        core.state.keep()
        #expect(core.state.pools[node] == PoolRecord(incarnation: 1))
        let exit = Command.requestExit(node: node, shares: 1)
        #expect(core.apply(call(exit, staker), at: 1_800_000_004) == .failure(.insufficient))
        // What was leaving is worth nothing either, and ends.
        let paid = try core.apply(call(.withdrawStake(node: node), staker), at: 1_800_700_000).get()
        #expect(paid == [.stakeWithdrawn(node: node, staker: staker, amount: .zero)])
        let again = call(.stake(node: node, amount: Nano(lai: 5)), owner)
        let staked = try core.apply(again, at: 1_800_700_001).get()
        #expect(staked.last == .staked(node: node, staker: owner, amount: Nano(lai: 5), shares: 5_000_000_000_000))
        let own = try core.apply(call(stake, staker), at: 1_800_700_002).get()
        #expect(own.last == .staked(node: node, staker: staker, amount: Nano(lai: 10), shares: 10_000_000_000_000))
        #expect(core.state.counters[.staked] == Nano(lai: 15).count)
    }

    @Test func `a ledger of an older format is refused with what to do, and not changed`() async throws {
        try await withTemporaryDirectory { folder in
            let cabinet = Cabinet(folder: folder)
            await (try await cabinet.open()).close()
            try cabinet.tamper { try $0.execute(sql: "PRAGMA user_version = 1") }
            let error = LedgerOpenError.otherFormat(path: cabinet.path, format: 1, expected: LedgerDatabase.version)
            await #expect(throws: error) { try await cabinet.open() }
            await #expect(throws: error) { try await EmbeddedLedger.verify(path: cabinet.path) }
            #expect("\(error)".contains("another data folder"))
        }
    }
}
