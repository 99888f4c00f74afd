/// Why bytes from a ledger were not a command or an event of this version.
public enum LedgerCodingError: Error, Hashable, Sendable {
    /// No function or event has this selector, topic or contract.
    case unknownKind
    /// A word holds no value of its type.
    case valueOutOfRange
    /// There are more or fewer words than the type has.
    case wrongLength
    /// The bytes are not canonical ABI encoding.
    case malformed(ABIError)
}

/// A value that takes one word of a command or an event.
protocol WordCodable {
    /// The value as a word.
    var word: Bytes32 { get }

    /// Takes the value out of a word; `nil` when the word holds none.
    init?(word: Bytes32)
}

extension Bytes32: WordCodable {
    var word: Bytes32 { self }

    init?(word: Bytes32) { self = word }

    /// ASCII text of at most 32 characters at the front of a word, padded with zeros.
    public init?(ascii text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 32, bytes.allSatisfy({ (1..<128).contains($0) }) else { return nil }
        self.init(bytes + Array(repeating: 0, count: 32 - bytes.count))
    }
}

extension Address: WordCodable {
    init?(word: Bytes32) {
        self.init(lastOf: word)
        guard self.word == word else { return nil }
    }
}

extension KeyID: WordCodable {
    init?(word: Bytes32) {
        guard let address = Address(word: word) else { return nil }
        self.init(secp256k1: address)
    }
}

extension UserID: WordCodable {
    init?(word: Bytes32) {
        guard let number = word.number else { return nil }
        self.init(number)
    }
}

extension NodeID: WordCodable {
    init?(word: Bytes32) {
        guard let number = word.number else { return nil }
        self.init(number)
    }
}

extension CaseID: WordCodable {
    var word: Bytes32 { number.word }

    init?(word: Bytes32) {
        guard let number = word.number else { return nil }
        self.init(number)
    }
}

extension CallID: WordCodable {
    var word: Bytes32 { number.word }

    init?(word: Bytes32) {
        guard let number = word.number else { return nil }
        self.init(number)
    }
}

extension ProposalID: WordCodable {
    var word: Bytes32 { number.word }

    init?(word: Bytes32) {
        guard let number = word.number else { return nil }
        self.init(number)
    }
}

extension ReportRow: WordCodable {
    var word: Bytes32 { packed }

    init?(word: Bytes32) { self.init(packed: word) }
}

extension FunctionSelector: WordCodable {
    var word: Bytes32 { Bytes32(UInt64(number) << 32, 0, 0, 0) }

    init?(word: Bytes32) {
        self.init(UInt32(truncatingIfNeeded: word.words.0 >> 32))
        guard self.word == word else { return nil }
    }
}

extension Nano: WordCodable {
    init?(word: Bytes32) {
        guard let number = word.number else { return nil }
        self.init(number)
    }
}

extension TokenAmount: WordCodable {
    var word: Bytes32 { units.word }

    init?(word: Bytes32) {
        guard let units = UInt128(word: word) else { return nil }
        self.init(units: units)
    }
}

extension UInt64: WordCodable {
    var word: Bytes32 { Bytes32(number: self) }

    init?(word: Bytes32) {
        guard let number = word.number else { return nil }
        self = number
    }
}

extension UInt128: WordCodable {
    var word: Bytes32 {
        Bytes32(0, 0, UInt64(truncatingIfNeeded: self >> 64), UInt64(truncatingIfNeeded: self))
    }

    init?(word: Bytes32) {
        guard word.words.0 == 0, word.words.1 == 0 else { return nil }
        self = UInt128(word.words.2) << 64 | UInt128(word.words.3)
    }
}

extension UInt16: WordCodable {
    var word: Bytes32 { Bytes32(number: UInt64(self)) }

    init?(word: Bytes32) {
        guard let number = word.number, let value = UInt16(exactly: number) else { return nil }
        self = value
    }
}

extension Bool: WordCodable {
    var word: Bytes32 { Bytes32(number: self ? 1 : 0) }

    init?(word: Bytes32) {
        guard let number = word.number, number <= 1 else { return nil }
        self = number == 1
    }
}

extension RawRepresentable where RawValue == UInt8 {
    var word: Bytes32 { Bytes32(number: UInt64(rawValue)) }

    init?(word: Bytes32) {
        guard let number = word.number, let rawValue = UInt8(exactly: number) else { return nil }
        self.init(rawValue: rawValue)
    }
}

extension KeyKind: WordCodable {}
extension UserKind: WordCodable {}
extension NodeKind: WordCodable {}
extension NodeStatus: WordCodable {}
extension SettleStatus: WordCodable {}
extension Offence: WordCodable {}

extension Role: WordCodable {
    private static let words = Dictionary(uniqueKeysWithValues: allCases.map { ($0.word, $0) })

    /// The name in ASCII, padded with zeros.
    ///
    /// Every name is short ASCII, so there is always one.
    public var word: Bytes32 { Bytes32(ascii: rawValue) ?? .zero }

    /// The role with this name.
    public init?(word: Bytes32) {
        guard let role = Self.words[word] else { return nil }
        self = role
    }
}

/// Takes values out of words, front to back.
struct WordReader {
    private let words: [Bytes32]
    private var position = 0

    init(_ words: [Bytes32]) {
        self.words = words
    }

    /// The next value.
    mutating func next<Value: WordCodable>(_: Value.Type = Value.self) throws(LedgerCodingError) -> Value {
        guard position < words.count else { throw .wrongLength }
        guard let value = Value(word: words[position]) else { throw .valueOutOfRange }
        position += 1
        return value
    }

    /// All values that are left.
    mutating func rest<Value: WordCodable>(_: Value.Type = Value.self) throws(LedgerCodingError) -> [Value] {
        var values: [Value] = []
        while position < words.count { values.append(try next()) }
        return values
    }

    /// Checks that nothing is left.
    func finish() throws(LedgerCodingError) {
        guard position == words.count else { throw .wrongLength }
    }
}
