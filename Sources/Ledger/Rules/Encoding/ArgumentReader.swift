/// Takes the arguments of a call, front to back.
struct ArgumentReader {
    private let values: [ABIValue]
    private var position = 0

    init(_ values: [ABIValue]) {
        self.values = values
    }

    private mutating func value() throws(LedgerCodingError) -> ABIValue {
        guard position < values.count else { throw .wrongLength }
        defer { position += 1 }
        return values[position]
    }

    /// The next argument, which takes one word.
    mutating func next<Value: WordCodable>(_: Value.Type = Value.self) throws(LedgerCodingError) -> Value {
        guard case .bytes32(let word) = try value(), let value = Value(word: word) else { throw .valueOutOfRange }
        return value
    }

    /// The next argument, a list of values of one word each.
    mutating func list<Value: WordCodable>(_: Value.Type = Value.self) throws(LedgerCodingError) -> [Value] {
        guard case .array(let elements) = try value() else { throw .valueOutOfRange }
        var list: [Value] = []
        list.reserveCapacity(elements.count)
        for element in elements {
            guard case .bytes32(let word) = element, let value = Value(word: word) else { throw .valueOutOfRange }
            list.append(value)
        }
        return list
    }

    mutating func bytes() throws(LedgerCodingError) -> [UInt8] {
        guard case .bytes(let bytes) = try value() else { throw .valueOutOfRange }
        return bytes
    }

    mutating func auth() throws(LedgerCodingError) -> Auth? {
        guard case .tuple(let fields) = try value() else { throw .valueOutOfRange }
        return try Auth(fields)
    }

    mutating func entries() throws(LedgerCodingError) -> [SettleEntry] {
        guard case .array(let tuples) = try value() else { throw .valueOutOfRange }
        return try tuples.map { value throws(LedgerCodingError) in try SettleEntry(value) }
    }

    /// A signature in four words.
    mutating func signature() throws(LedgerCodingError) -> LedgerSignature {
        LedgerSignature(r: try next(), s: try next(), x: try next(), y: try next())
    }

    private mutating func signed<Message>(_ message: Message) throws(LedgerCodingError) -> SignedMessage<Message> {
        SignedMessage(message, signature: LedgerSignature(r: try next(), vs: try next()))
    }

    mutating func receipt() throws(LedgerCodingError) -> SignedMessage<Receipt> {
        try signed(
            Receipt(
                session: try next(),
                seq: try next(),
                node: try next(),
                key: try next(),
                request: try next(),
                response: try next(),
                quote: try next(),
                inputTokens: try next(),
                outputTokens: try next(),
                cost: try next(),
                amount: try next(),
                finishedAt: try next()
            )
        )
    }

    mutating func quote() throws(LedgerCodingError) -> SignedMessage<Quote> {
        try signed(
            Quote(
                node: try next(),
                model: try next(),
                inputPrice: try next(),
                outputPrice: try next(),
                validUntil: try next()
            )
        )
    }

    mutating func probe() throws(LedgerCodingError) -> SignedMessage<Probe> {
        try signed(Probe(node: try next(), challenge: try next(), status: try next(), at: try next()))
    }

    /// Checks that nothing is left.
    func finish() throws(LedgerCodingError) {
        guard position == values.count else { throw .wrongLength }
    }
}
