import Ledger

extension Result<[UInt8], RPCRefusal> {
    /// The answer of a call that cannot be refused.
    func accepted() throws(RPCError) -> [UInt8] {
        do throws(RPCRefusal) { return try get() } catch { throw .refused(error) }
    }
}

extension UserID {
    var word: Bytes32 { Bytes32(number: number) }
}

extension NodeID {
    var word: Bytes32 { Bytes32(number: number) }
}

extension Funds {
    /// Reads what `funds_of` answers.
    init(_ answer: AnswerReader) throws(RPCError) {
        var fields = answer
        self.init()
        available = try fields.nano()
        bonus = try fields.nano()
        bonusEnd = try fields.number()
        thawing = try fields.nano()
        thawEnd = try fields.number()
        withdrawTo = try fields.address()
        generation = try fields.number()
        generationEnd = try fields.number()
    }
}

extension Earnings {
    /// Reads what `earnings_of` answers.
    init(_ answer: AnswerReader) throws(RPCError) {
        var fields = answer
        self.init(earned: try fields.nano(), bonusEarned: try fields.nano(), claimable: try fields.nano())
    }
}

extension PoolRecord {
    /// Reads what `pool_of` answers.
    init(_ answer: AnswerReader) throws(RPCError) {
        var fields = answer
        self.init(
            assets: try fields.nano(),
            shares: try fields.wide(),
            selfShares: try fields.wide(),
            lockedShares: try fields.wide(),
            unbonding: try fields.nano(),
            unbondingShares: try fields.wide(),
            incarnation: try fields.number()
        )
    }
}

extension CaseRecord {
    /// Reads what `case_of` answers; `nil` where there is no such case.
    init?(_ answer: AnswerReader) throws(RPCError) {
        var fields = answer
        guard let offence = try fields.kind(Offence.self) else { return nil }
        let (node, reporter) = (NodeID(try fields.number()), try fields.address())
        let (amount, evidence) = (try fields.nano(), try fields.word())
        let (time, bps, bond) = (try fields.number(UInt64.self), try fields.number(UInt16.self), try fields.nano())
        guard let state = try fields.kind(CaseState.self) else { return nil }
        self.init(
            offence: offence,
            node: node,
            reporter: reporter,
            amount: amount,
            evidence: evidence,
            time: time,
            bps: bps,
            bond: bond,
            state: state
        )
    }
}
