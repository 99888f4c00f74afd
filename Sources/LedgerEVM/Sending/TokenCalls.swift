public import Ledger

/// The functions of the token that are no commands of a ledger (ERC-20).
enum TokenCalls {
    private static let approveSelector = ABI.selector("approve(address,uint256)")
    private static let allowanceSelector = ABI.selector("allowance(address,address)")
    private static let balanceSelector = ABI.selector("balanceOf(address)")

    static func approve(_ spender: Address, _ amount: TokenAmount) -> [UInt8] {
        approveSelector + ABI.encode([.address(spender), .uint256(amount.word)])
    }

    static func balance(of owner: Address, token: Address, _ client: EthereumClient) async throws(RPCError)
        -> TokenAmount
    {
        let call = CallMessage(to: token, data: balanceSelector + ABI.encode([.address(owner)]))
        return try amount(try await client.call(call))
    }

    static func allowance(
        of owner: Address,
        to spender: Address,
        token: Address,
        _ client: EthereumClient
    ) async throws(RPCError) -> TokenAmount {
        let call = CallMessage(to: token, data: allowanceSelector + ABI.encode([.address(owner), .address(spender)]))
        return try amount(try await client.call(call))
    }

    /// An allowance may be anything up to 256 bits; beyond 128 it is as good as endless.
    private static func amount(_ answer: [UInt8]) throws(RPCError) -> TokenAmount {
        guard let word = Bytes32(answer) else { throw .malformed("no amount of tokens") }
        return TokenAmount(word: word) ?? TokenAmount(units: .max)
    }
}

extension TokenAmount {
    /// The amount as a contract holds it.
    var word: Bytes32 {
        var bytes = [UInt8](repeating: 0, count: 16)
        for shift in stride(from: 120, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: units >> UInt128(shift)))
        }
        return Bytes32(bytes) ?? .zero
    }

    /// The amount in a word, or `nil` when it needs more than 128 bits.
    init?(word: Bytes32) {
        let bytes = word.bytes
        guard bytes.prefix(16).allSatisfy({ $0 == 0 }) else { return nil }
        self.init(units: bytes.suffix(16).reduce(0) { $0 << 8 | UInt128($1) })
    }
}

extension Reason {
    /// A call ended without a reason string: a bound of the compiled code was broken.
    static let reverted = Reason(rawValue: "reverted")
    /// A transaction used all the gas that it was given.
    static let outOfGas = Reason(rawValue: "out of gas")

    /// What a call that reverted says: `Error(string)`, `Panic(uint256)`, or nothing.
    public init(revert data: [UInt8]) {
        let arguments = Array(data.dropFirst(4))
        switch Array(data.prefix(4)) {
        case [0x08, 0xc3, 0x79, 0xa0]:
            guard case .string(let text)? = try? ABI.decode([.string], from: arguments).first else { fallthrough }
            // A reason has at most 32 bytes; a foreign contract's is cut.
            self.init(rawValue: String(decoding: text.utf8.prefix(32), as: UTF8.self))
        case [0x4e, 0x48, 0x7b, 0x71]:
            guard let code = Bytes32(arguments)?.number else { fallthrough }
            self.init(rawValue: "panic \(code)")
        default: self = .reverted
        }
    }

    init(_ refusal: RPCRefusal) {
        if let data = refusal.data, !data.isEmpty {
            self.init(revert: data)
        } else if refusal.message.hasPrefix("execution reverted: ") {
            self.init(rawValue: String(refusal.message.dropFirst("execution reverted: ".count).prefix(32)))
        } else {
            self = refusal.message.lowercased().contains("gas") ? .outOfGas : .reverted
        }
    }
}
