/// A JSON value as it was written: members in order, numbers by their digits.
enum JSONText: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Decimal10)
    case string(String)
    case array([JSONText])
    case object([Member])

    struct Member: Hashable, Sendable {
        let name: String
        let value: JSONText
    }

    /// The member of this name, the last of several.
    subscript(name: String) -> JSONText? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The value in one form only, so that equal values are equal: members in order of their names, each once.
    var canonical: JSONText {
        switch self {
        case .null, .bool, .number, .string: self
        case .array(let values): .array(values.map(\.canonical))
        case .object(let members):
            .object(
                Dictionary(members.map { ($0.name, $0.value.canonical) }) { $1 }
                    .sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
                    .map { Member(name: $0.key, value: $0.value) }
            )
        }
    }

    /// The shortest JSON text.
    var bytes: [UInt8] {
        switch self {
        case .null: Array("null".utf8)
        case .bool(let value): Array((value ? "true" : "false").utf8)
        case .number(let number): Array(number.text.utf8)
        case .string(let text): JSONNodes.quoted(text)
        case .array(let values): [0x5B] + Array(values.map(\.bytes).joined(separator: [0x2C])) + [0x5D]
        case .object(let members):
            [0x7B]
                + Array(
                    members.map { JSONNodes.quoted($0.name) + [0x3A] + $0.value.bytes }.joined(separator: [0x2C])
                ) + [0x7D]
        }
    }
}

/// Reads JSON (RFC 8259) without changing anything that is written there.
struct JSONReader {
    /// The depth of nesting, which the stack must hold.
    private static let depthLimit = 128

    private let text: [UInt8]
    private var position = 0
    private var depth = 0

    /// The value that `text` is.
    static func read(_ text: String) throws(GrammarError) -> JSONText {
        guard text.utf8.count <= Grammar.sizeLimit else {
            throw .tooLarge(what: "bytes", limit: Grammar.sizeLimit)
        }
        var reader = JSONReader(text: Array(text.utf8))
        let value = try reader.value()
        reader.skipSpace()
        guard reader.position == reader.text.count else { throw reader.fault("there is more after the value") }
        return value
    }

    private init(text: [UInt8]) { self.text = text }

    private var peek: UInt8? { position < text.count ? text[position] : nil }

    private func fault(_ reason: String) -> GrammarError { .json(offset: position, reason: reason) }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func value() throws(GrammarError) -> JSONText {
        skipSpace()
        guard let byte = peek else { throw fault("a value is missing") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(_ word: String, _ value: JSONText) throws(GrammarError) -> JSONText {
        guard text[position...].starts(with: word.utf8) else { throw fault("\(word) is misspelt") }
        position += word.utf8.count
        return value
    }

    private mutating func enter() throws(GrammarError) {
        position += 1
        depth += 1
        guard depth <= Self.depthLimit else { throw .tooLarge(what: "levels of nesting", limit: Self.depthLimit) }
        skipSpace()
    }

    private mutating func object() throws(GrammarError) -> JSONText {
        try enter()
        defer { depth -= 1 }
        var members: [JSONText.Member] = []
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw fault("a name in quotes is missing") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault(": is missing") }
            members.append(.init(name: name, value: try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw fault(", or } is missing") }
        }
    }

    private mutating func array() throws(GrammarError) -> JSONText {
        try enter()
        defer { depth -= 1 }
        var values: [JSONText] = []
        if take(UInt8(ascii: "]")) { return .array(values) }
        while true {
            values.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(values) }
            guard take(UInt8(ascii: ",")) else { throw fault(", or ] is missing") }
        }
    }

    private mutating func string() throws(GrammarError) -> String {
        position += 1
        var bytes: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): bytes += try escape()
            case 0..<0x20: throw fault("a control character stands in a string")
            default: bytes.append(byte)
            }
        }
        throw fault("the string does not end")
    }

    private mutating func escape() throws(GrammarError) -> [UInt8] {
        guard let kind = peek else { throw fault("the string does not end") }
        position += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [kind]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if value & 0xFC00 == 0xD800 {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw fault("half a pair of surrogates")
                }
                let low = try hexadecimal()
                guard low & 0xFC00 == 0xDC00 else { throw fault("half a pair of surrogates") }
                value = 0x10000 + (value & 0x3FF) << 10 + low & 0x3FF
            }
            guard let scalar = Unicode.Scalar(value) else { throw fault("half a pair of surrogates") }
            return Array(String(scalar).utf8)
        default: throw fault("there is no such escape")
        }
    }

    private mutating func hexadecimal() throws(GrammarError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw fault("four hexadecimal digits are missing")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func digits() -> [UInt8] {
        let start = position
        while let byte = peek, byte >= 0x30, byte <= 0x39 { position += 1 }
        return text[start..<position].map { $0 - 0x30 }
    }

    private mutating func number() throws(GrammarError) -> Decimal10 {
        let isNegative = take(UInt8(ascii: "-"))
        let whole = digits()
        guard !whole.isEmpty else { throw fault("this is no value") }
        guard whole.count == 1 || whole[0] != 0 else { throw fault("a number begins with 0") }
        var fraction: [UInt8] = []
        if take(UInt8(ascii: ".")) {
            fraction = digits()
            guard !fraction.isEmpty else { throw fault("a digit is missing") }
        }
        var exponent = 0
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            let isSmall = take(UInt8(ascii: "-"))
            if !isSmall { _ = take(UInt8(ascii: "+")) }
            let power = digits()
            guard !power.isEmpty else { throw fault("a digit is missing") }
            for digit in power { exponent = min(exponent * 10 + Int(digit), 1 << 20) }
            if isSmall { exponent = -exponent }
        }
        guard let number = Decimal10(isNegative: isNegative, whole: whole, fraction: fraction, exponent: exponent)
        else { throw .tooLarge(what: "digits in a number", limit: Decimal10.digitLimit) }
        return number
    }
}
