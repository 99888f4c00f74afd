import Ledger

/// A function of a contract that changes nothing and answers words.
struct ContractView: Hashable, Sendable {
    var contract: Contract
    var call: [UInt8]

    /// - Parameter signature: with the types of the arguments, such as `user_of(uint64)`.
    init(_ contract: Contract, _ signature: String, _ arguments: [Bytes32] = []) {
        self.contract = contract
        call = ABI.selector(signature) + ABI.encode(arguments.map { .bytes32($0) })
    }
}

/// Takes the fields of an answer out of its words, front to back.
struct AnswerReader {
    private let words: [Bytes32]
    private var position = 0

    /// - Parameter count: how many words the function answers.
    init(_ answer: [UInt8], count: Int) throws(RPCError) {
        guard answer.count == count * 32 else { throw .malformed("a view answers \(answer.count) bytes") }
        words = stride(from: 0, to: answer.count, by: 32).compactMap { Bytes32(Array(answer[$0..<$0 + 32])) }
    }

    mutating func word() throws(RPCError) -> Bytes32 {
        guard position < words.count else { throw .malformed("a view answers too little") }
        defer { position += 1 }
        return words[position]
    }

    mutating func wide() throws(RPCError) -> UInt128 {
        guard let amount = TokenAmount(word: try word()) else {
            throw .malformed("a view answers a number that is too large")
        }
        return amount.units
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(RPCError) -> Number {
        guard let number = Number(exactly: try wide()) else {
            throw .malformed("a view answers a number that is too large")
        }
        return number
    }

    mutating func flag() throws(RPCError) -> Bool {
        let number = try number(UInt8.self)
        guard number <= 1 else { throw .malformed("a view answers no truth value") }
        return number == 1
    }

    mutating func nano() throws(RPCError) -> Nano { Nano(try number()) }

    mutating func address() throws(RPCError) -> Address {
        let word = try word()
        let address = Address(lastOf: word)
        guard address.word == word else { throw .malformed("a view answers no address") }
        return address
    }

    /// `nil` for zero, which stands for nothing.
    mutating func kind<Kind: RawRepresentable<UInt8>>(_: Kind.Type = Kind.self) throws(RPCError) -> Kind? {
        let number = try number(UInt8.self)
        guard number != 0 else { return nil }
        guard let kind = Kind(rawValue: number) else { throw .malformed("a view answers an unknown kind") }
        return kind
    }
}
