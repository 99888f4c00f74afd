extension Auth {
    /// What stands in a call by the wallet itself, which needs no signature: all zero.
    static let none = Auth(r: .zero, vs: .zero)

    /// The structure as the contracts take it.
    var abiValue: ABIValue {
        .tuple([
            .bytes32(r), .bytes32(s), .bytes32(x), .bytes32(y), .bytes(authenticatorData), .bytes(clientDataRest),
        ])
    }

    /// Reads the structure; `nil` where all of it is zero.
    init?(_ fields: [ABIValue]) throws(LedgerCodingError) {
        guard fields.count == 6, case .bytes32(let r) = fields[0], case .bytes32(let s) = fields[1],
            case .bytes32(let x) = fields[2], case .bytes32(let y) = fields[3], case .bytes(let data) = fields[4],
            case .bytes(let rest) = fields[5]
        else { throw .valueOutOfRange }
        self.init(r: r, s: s, x: x, y: y, authenticatorData: data, clientDataRest: rest)
        guard !isEmpty else { return nil }
    }

    /// Whether it is what stands in a call by the wallet itself.
    public var isEmpty: Bool { self == .none }
}

extension LedgerSignature {
    /// The signature, or `nil` where it is what stands in a call that needs none.
    var unlessEmpty: LedgerSignature? { r == .zero && s == .zero ? nil : self }
}

extension SettleEntry {
    /// The entry as the contracts take it.
    var abiValue: ABIValue {
        .tuple([
            .bytes32(node.word), .bytes32(amount.word), .bytes32(units.word), .bytes32(receipts),
            .bytes32(signature.r), .bytes32(signature.s), .bytes32(signature.x), .bytes32(signature.y),
        ])
    }

    init(_ value: ABIValue) throws(LedgerCodingError) {
        guard case .tuple(let fields) = value else { throw .valueOutOfRange }
        var words = WordReader(
            fields.compactMap { field in
                guard case .bytes32(let word) = field else { return nil }
                return word
            }
        )
        self.init(
            node: try words.next(),
            amount: try words.next(),
            units: try words.next(),
            receipts: try words.next(),
            signature: LedgerSignature(
                r: try words.next(),
                s: try words.next(),
                x: try words.next(),
                y: try words.next()
            )
        )
        try words.finish()
    }
}

extension SignedMessage {
    /// The fields and the signature, as the contracts take them.
    var words: [Bytes32] { message.fields + [signature.r, signature.s] }
}
