import Ledger
import Nexus

/// Every balance of a ledger by the name of its owner, and the sum.
///
/// Contracts that hold money for others are broken down to those others, so that each token is listed once.
struct BalanceSheet: Encodable {
    struct Row: Encodable {
        var name: String
        var amount: String
    }

    var block: UInt64
    var rows: [Row]
    var sum: String
    var supply: String
    let isConserved: Bool

    enum CodingKeys: String, CodingKey {
        case block
        case rows
        case sum
        case supply
        case isConserved = "conserved"
    }

    init(_ balances: Balances, contracts: ContractAddresses, roles: NexusRoles?) {
        var entries: [(name: String, amount: TokenAmount)] = []
        for (id, funds) in balances.users.sorted(by: { $0.key < $1.key }) {
            entries.append(("user \(id) available", TokenAmount(funds.available)))
            entries.append(("user \(id) bonus", TokenAmount(funds.bonus)))
            entries.append(("user \(id) thawing", TokenAmount(funds.thawing)))
        }
        for (id, earnings) in balances.nodes.sorted(by: { $0.key < $1.key }) {
            entries.append(("node \(id) earned", TokenAmount(earnings.earned)))
            entries.append(("node \(id) earned in bonus", TokenAmount(earnings.bonusEarned)))
            entries.append(("node \(id) claimable", TokenAmount(earnings.claimable)))
        }
        for (id, pool) in balances.pools.sorted(by: { $0.key < $1.key }) {
            entries.append(("node \(id) stake", TokenAmount(pool.assets)))
            entries.append(("node \(id) leaving stake", TokenAmount(pool.unbonding)))
        }
        entries.append(("fees", TokenAmount(balances.fees)))
        entries.append(("insurance", TokenAmount(balances.insurance)))
        entries.append(("penalties that wait", TokenAmount(balances.escrow)))
        entries.append(("bonds of penalties", TokenAmount(balances.bonds)))
        let held: [(Contract, TokenAmount)] = [
            (.userRegistry, balances.sumOfUsers), (.tokenomics, balances.sumOfEarnings),
            (.staking, balances.sumOfStakes), (.slashing, TokenAmount(balances.bonds)),
        ]
        for (contract, owed) in held {
            let has = balances.accounts[contracts[contract], default: .zero]
            // Anyone may send tokens to a contract; they belong to nobody.
            entries.append(("\(contract.rawValue) beyond what it owes", has.subtracting(owed) ?? .zero))
        }
        let names = Self.names(contracts, roles)
        for (address, amount) in balances.accounts.sorted(by: { $0.key < $1.key })
        where !held.contains(where: { contracts[$0.0] == address }) {
            entries.append((names[address] ?? "account \(address)", amount))
        }
        let total = entries.reduce(TokenAmount.zero) { $0.adding($1.amount) ?? TokenAmount(units: .max) }
        block = balances.block
        rows = entries.filter { $0.amount != .zero }.map { Row(name: $0.name, amount: "\($0.amount)") }
        sum = "\(total)"
        supply = "\(balances.supply)"
        isConserved = total == balances.supply && balances.areConserved(contracts: contracts)
    }

    var text: String {
        let width = max(rows.map(\.name.count).max() ?? 0, 6)
        let figures = (rows.map { ($0.name, $0.amount) } + [("sum", sum), ("supply", supply)]).map { name, amount in
            name.padded(to: width) + "  " + String(repeating: " ", count: max(0, 22 - amount.count)) + amount
        }
        return (["Balances after block \(block), in LAI:"] + figures).joined(separator: "\n")
    }

    private static func names(_ contracts: ContractAddresses, _ roles: NexusRoles?) -> [Address: String] {
        var names = Dictionary(uniqueKeysWithValues: Contract.allCases.map { (contracts[$0], $0.rawValue) })
        guard let roles else { return names }
        names[roles.administrator] = "administrator"
        names[roles.registrar] = "registrar"
        names[roles.faucetSigner] = "faucet signer"
        names[roles.settler] = "settler"
        return names
    }
}
