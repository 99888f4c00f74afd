/// A plain value of Python's, as Lattica's peers pickle it into their calls and records (Lattica wire, §14).
///
/// Only data: objects of classes, functions and everything else that a pickle names by a global have no place here.
public enum PickleValue: Hashable, Sendable {
    /// `None`.
    case none
    /// A `bool`.
    case bool(Bool)
    /// An `int` of at most 64 bits.
    case int(Int64)
    /// A `float`.
    case double(Double)
    /// A `str`.
    case string(String)
    /// A `bytes`; a `bytearray` reads as one.
    case bytes([UInt8])
    /// A `list`.
    case list([PickleValue])
    /// A `tuple`.
    case tuple([PickleValue])
    /// A `dict`.
    case dict([PickleValue: PickleValue])
    /// A `set`; a `frozenset` reads as one.
    case set(Set<PickleValue>)
}

extension PickleValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A `str`.
    public init(stringLiteral value: String) { self = .string(value) }
    /// An `int`.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A `float`.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A `bool`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A `list`.
    public init(arrayLiteral elements: PickleValue...) { self = .list(elements) }
    /// A `dict`; of equal keys the last counts.
    public init(dictionaryLiteral elements: (PickleValue, PickleValue)...) {
        self = .dict(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
}

/// What a pickle may cost at most.
public struct PickleLimits: Hashable, Sendable {
    /// How long it may be, in bytes.
    public var maximumLength = 16 << 20
    /// How deep lists, tuples, dicts and sets may lie in one another; it also bounds the stack that reading takes.
    public var maximumDepth = 64
    /// How many values it may hold, each counted as often as it occurs.
    ///
    /// A pickle refers to what it has said before, and so may double its value with every two bytes.
    public var maximumValues = 100_000

    /// Limits that suit arguments of calls and records.
    public init() {}
}

/// Why a pickle is not read, or a value not written.
public enum PickleError: Error, Hashable {
    /// It names or calls something of Python's; with what it names, as far as that can be told. Nothing was executed.
    case refused(opcode: String, name: String?)
    /// An opcode that data does not need, or that does not exist.
    case unknownOpcode(UInt8)
    /// The bytes end before the pickle does.
    case truncated
    /// An opcode takes something that is not there, such as an item of an empty stack.
    case malformed(String)
    /// An integer does not fit 64 bits.
    case integerTooLarge
    /// A text is not UTF-8.
    case invalidText
    /// A limit is passed; the word says which.
    case limitReached(String)
}

extension PickleError: CustomStringConvertible {
    /// What is wrong.
    public var description: String {
        switch self {
        case .refused(let opcode, let name):
            "the pickle is not data alone: \(opcode)\(name.map { " of \($0)" } ?? "") is refused"
        case .unknownOpcode(let opcode): "the pickle has an opcode \(opcode) that data does not need"
        case .truncated: "the pickle ends too early"
        case .malformed(let what): "the pickle is malformed: \(what)"
        case .integerTooLarge: "an integer of the pickle does not fit 64 bits"
        case .invalidText: "a text of the pickle is not UTF-8"
        case .limitReached(let limit): "the pickle passes a limit: \(limit)"
        }
    }
}
