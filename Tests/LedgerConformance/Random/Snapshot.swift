public import Ledger

/// All that can be read of a ledger about the people, keys and nodes of a random run, as lines by name.
///
/// Two ledgers that did the same have the same snapshot: addresses of contracts appear by name.
public struct Snapshot: Sendable, Equatable {
    /// What each thing is.
    public private(set) var lines: [String: String] = [:]

    /// Reads a ledger.
    ///
    /// - Parameters:
    ///   - people: the wallets whose accounts, stakes and exits are looked at.
    ///   - keys: the session keys.
    ///   - epoch: the newest epoch that may have been reported; the seven before are looked at as well.
    public init(of ledger: any Ledger, people: [Address], keys: [KeyID], epoch: UInt64) async throws {
        let names = Dictionary(uniqueKeysWithValues: Contract.allCases.map { (ledger.contracts[$0], $0) })
        func name(_ address: Address) -> String { names[address]?.rawValue ?? "\(address)" }
        var users: UInt64 = 1
        while let record = try await ledger.user(UserID(users)) {
            lines["user \(users)"] = "\(record)"
            lines["funds \(users)"] = "\(try await ledger.funds(UserID(users)))"
            users += 1
        }
        var nodes: UInt64 = 1
        while let record = try await ledger.node(NodeID(nodes)) {
            let node = NodeID(nodes)
            lines["node \(node)"] = "\(record)"
            lines["earnings \(node)"] = "\(try await ledger.earnings(node))"
            lines["pool \(node)"] = "\(try await ledger.pool(node))"
            lines["status \(node)"] = "\(String(describing: try await ledger.status(node)))"
            for person in people {
                lines["stake \(node) \(person)"] = "\(try await ledger.stake(node, of: person))"
                lines["exit \(node) \(person)"] = "\(try await ledger.exit(node, of: person))"
            }
            for key in keys { lines["channel \(key) \(node)"] = "\(try await ledger.channel(key, node))" }
            for back in UInt64(0)..<8 where back <= epoch {
                let reward = try await ledger.reward(node, in: epoch - back)
                let fee = try await ledger.fee(node, in: epoch - back)
                lines["reward \(node) \(epoch - back)"] = "\(reward) of a fee of \(fee)"
            }
            nodes += 1
        }
        for key in keys { lines["key \(key)"] = "\(String(describing: try await ledger.key(key)))" }
        for person in people {
            let account = try await ledger.account(person)
            lines["account \(person)"] = "\(account), permit nonce \(try await ledger.permitNonce(person))"
        }
        for back in UInt64(0)..<8 where back <= epoch {
            lines["epoch \(epoch - back)"] = "\(try await ledger.epoch(epoch - back))"
        }
        for contract in Contract.allCases {
            lines["account \(contract)"] = "\(try await ledger.account(ledger.contracts[contract]))"
            guard contract != .laiToken else { continue }
            let owner = try await ledger.owner(of: contract)
            lines["owner of \(contract)"] = "\(name(owner.owner)), offered to \(name(owner.pending))"
            for role in Role.allCases where role.contracts.contains(contract) {
                lines["\(role) of \(contract)"] = name(try await ledger.holder(of: role, on: contract))
            }
        }
        for contract in Pause.contracts { lines["pause of \(contract)"] = "\(try await ledger.pauseEnd(of: contract))" }
        lines["fees"] = "\(try await ledger.fees()), insurance \(try await ledger.insurance())"
        lines["burned"] = "\(try await ledger.account(.zero))"
        let parameters = try await ledger.parameters()
        lines["parameters"] = "\(Parameters.Name.allCases.map { parameters[$0] })"
        var number: UInt64 = 1
        while let record = try await ledger.slashingCase(CaseID(number)) {
            lines["case \(number)"] = "\(record)"
            number += 1
        }
        number = 1
        while let call = try await ledger.queuedCall(CallID(number)) {
            lines["call \(number)"] = "\(name(call.target)) \(call.dataHash) \(call.readyAt) \(call.state)"
            number += 1
        }
        number = 1
        while let proposal = try await ledger.proposal(ProposalID(number)) {
            var named = proposal
            named.target = .zero
            lines["proposal \(number)"] = "\(name(proposal.target)) \(named)"
            number += 1
        }
    }

    /// The first thing that is not the same, with both.
    public func difference(from other: Snapshot) -> String? {
        for key in Set(lines.keys).union(other.lines.keys).sorted() where lines[key] != other.lines[key] {
            return "\(key): \(lines[key] ?? "nothing") and \(other.lines[key] ?? "nothing")"
        }
        return nil
    }
}
