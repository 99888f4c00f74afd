import Ledger

/// What the entries of one `settle` charged so far, neighbouring entries of one node together.
struct Charges {
    struct Credit {
        let node: NodeID
        var gross: Nano
        var bonus: Nano
    }

    private(set) var credits: [Credit] = []
    private(set) var total = Nano.zero

    mutating func add(_ gross: Nano, bonus: Nano, to node: NodeID) throws(Reason) {
        guard let sum = total.adding(gross) else { throw .overflow }
        total = sum
        guard let last = credits.last, last.node == node else {
            return credits.append(Credit(node: node, gross: gross, bonus: bonus))
        }
        guard let grossSum = last.gross.adding(gross), let bonusSum = last.bonus.adding(bonus) else { throw .overflow }
        credits[credits.count - 1] = Credit(node: node, gross: grossSum, bonus: bonusSum)
    }
}

// Settlement (ledger specification, §5.2 "settle").
extension LedgerCore {
    mutating func settle(_ entries: [SettleEntry]) throws(Reason) {
        try checkNotPaused(.userRegistry)
        guard entries.count <= SettleEntry.mostInOneCall, witness.entries.count == entries.count else {
            throw .tooMany
        }
        var charges = Charges()
        let keys = witness.entries
        for (index, entry) in entries.enumerated() {
            _ = try settle(entry, signedBy: keys[index], index: index, &charges)
        }
        guard charges.total != .zero else { return }
        try move(TokenAmount(charges.total), from: contracts[.userRegistry], to: contracts[.tokenomics])
        for credit in charges.credits { try collect(credit) }
    }

    /// One entry, with the checks in the order of the specification: 5, 3, 4, 2, 7, 6.
    mutating func settle(
        _ entry: SettleEntry,
        signedBy signer: KeyID?,
        index: Int,
        _ charges: inout Charges
    ) throws(Reason) -> SettleStatus {
        func reject(_ status: SettleStatus) -> SettleStatus {
            emit(.rejected(index: UInt64(index), status: status))
            return status
        }
        guard entry.node.number != 0, entry.node.number <= state.counters[.nodes] ?? 0 else {
            return reject(.unknownNode)
        }
        guard let id = signer, var key = state.keys[id], key.kind == entry.signature.kind else {
            return reject(.unknownKey)
        }
        var funds = state.funds[key.user] ?? Funds()
        guard key.isLive(at: now, funds: funds) else { return reject(.keyExpired) }
        let name = ChannelName(key: id, node: entry.node)
        var channel = state.channels[name] ?? Channel()
        guard let due = entry.amount.subtracting(channel.paid), due != .zero else { return reject(.nothingNew) }
        guard let room = key.cap.subtracting(key.spent), room != .zero else { return reject(.capReached) }
        guard funds.chargeable != .zero else { return reject(.noFunds) }

        let charge = min(due, room, funds.chargeable)
        let bonus = min(charge, funds.bonus)
        let available = min(charge.clampedSubtracting(bonus), funds.available)
        let thawing = charge.clampedSubtracting(bonus).clampedSubtracting(available)
        guard let paid = channel.paid.adding(charge), let spent = key.spent.adding(charge),
            let thawingLeft = funds.thawing.subtracting(thawing)
        else { throw .overflow }
        funds.bonus = funds.bonus.clampedSubtracting(bonus)
        funds.available = funds.available.clampedSubtracting(available)
        funds.thawing = thawingLeft
        channel.paid = paid
        channel.units = max(channel.units, entry.units)
        key.spent = spent
        state.funds[key.user] = funds
        state.channels[name] = channel
        state.keys[id] = key
        try charges.add(charge, bonus: bonus, to: entry.node)
        emit(
            .settled(
                key: id,
                node: entry.node,
                amount: entry.amount,
                paid: paid,
                units: channel.units,
                receipts: entry.receipts
            )
        )
        return charge == due ? .settled : .partial
    }
}
