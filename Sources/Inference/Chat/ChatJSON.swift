/// A JSON value that keeps the order of an object's members, as prompts must.
enum ChatJSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case string(String)
    case array([ChatJSON])
    case object([Member])

    /// A member of an object.
    struct Member: Hashable, Sendable {
        var name: String
        var value: ChatJSON
        /// Where the value is in the text.
        var range: Range<Int>
    }

    /// Values within values; templates bear a little more.
    static let depthLimit = 40

    /// Reads a whole text; `nil` if it is not JSON (RFC 8259), or nests too deep.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        var reader = Reader(bytes)
        guard let value = try? reader.value() else { return nil }
        reader.skipSpace()
        guard reader.position == bytes.count else { return nil }
        self = value
    }

    /// The member called `name`; the last one, should there be several.
    subscript(name: String) -> Member? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }
    }

    /// Why reading stopped.
    enum Fault: Error {
        /// The text ends too early; with more it may become JSON.
        case incomplete
        case invalid
    }

    /// Reads values from bytes that may still grow.
    struct Reader {
        let bytes: [UInt8]
        /// The place of the next byte.
        var position: Int

        init(_ bytes: [UInt8], at position: Int = 0) {
            self.bytes = bytes
            self.position = position
        }
    }
}

extension ChatJSON.Reader {
    private typealias Fault = ChatJSON.Fault

    mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    /// The next value, after white space.
    ///
    /// A number at the end of the bytes counts as whole.
    mutating func value(depth: Int = 0) throws(ChatJSON.Fault) -> ChatJSON {
        guard depth < ChatJSON.depthLimit else { throw .invalid }
        switch try peek() {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    /// The next byte that is no white space.
    private mutating func peek() throws(ChatJSON.Fault) -> UInt8 {
        skipSpace()
        guard position < bytes.count else { throw .incomplete }
        return bytes[position]
    }

    private mutating func object(_ depth: Int) throws(ChatJSON.Fault) -> ChatJSON {
        position += 1
        var members: [ChatJSON.Member] = []
        if try peek() == UInt8(ascii: "}") {
            position += 1
            return .object([])
        }
        while true {
            guard try peek() == UInt8(ascii: "\"") else { throw .invalid }
            let name = try string()
            guard try peek() == UInt8(ascii: ":") else { throw .invalid }
            position += 1
            skipSpace()
            let start = position
            let value = try value(depth: depth + 1)
            members.append(ChatJSON.Member(name: name, value: value, range: start..<position))
            if try isLast(UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func array(_ depth: Int) throws(ChatJSON.Fault) -> ChatJSON {
        position += 1
        var elements: [ChatJSON] = []
        if try peek() == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            elements.append(try value(depth: depth + 1))
            if try isLast(UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    /// Takes a comma or the end.
    private mutating func isLast(_ end: UInt8) throws(ChatJSON.Fault) -> Bool {
        let next = try peek()
        guard next == end || next == UInt8(ascii: ",") else { throw .invalid }
        position += 1
        return next == end
    }

    private mutating func word(_ word: StaticString, _ value: ChatJSON) throws(ChatJSON.Fault) -> ChatJSON {
        for expected in "\(word)".utf8 {
            guard position < bytes.count else { throw .incomplete }
            guard bytes[position] == expected else { throw .invalid }
            position += 1
        }
        return value
    }

    private mutating func number() throws(ChatJSON.Fault) -> ChatJSON {
        let start = position
        take { $0 == UInt8(ascii: "-") }
        let isZero = position < bytes.count && bytes[position] == UInt8(ascii: "0")
        guard try digits() == 1 || !isZero else { throw .invalid }
        let whole = position
        if take({ $0 == UInt8(ascii: ".") }) { try digits() }
        if take({ $0 | 0x20 == UInt8(ascii: "e") }) {
            take { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if position == whole, let integer = Int(text) { return .integer(integer) }
        guard let float = Double(text), float.isFinite else { throw .invalid }
        return .float(float)
    }

    @discardableResult
    private mutating func take(_ matches: (UInt8) -> Bool) -> Bool {
        guard position < bytes.count, matches(bytes[position]) else { return false }
        position += 1
        return true
    }

    @discardableResult
    private mutating func digits() throws(ChatJSON.Fault) -> Int {
        let start = position
        while take({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {}
        guard position > start else { throw position < bytes.count ? .invalid : .incomplete }
        return position - start
    }

    private mutating func string() throws(ChatJSON.Fault) -> String {
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw .invalid
            default: text.append(byte)
            }
        }
        throw .incomplete
    }

    private mutating func escape(into text: inout [UInt8]) throws(ChatJSON.Fault) {
        guard position < bytes.count else { throw .incomplete }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var unit = try codeUnit()
            if (0xD800...0xDBFF).contains(unit), position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                let start = position
                position += 2
                let low = try codeUnit()
                if (0xDC00...0xDFFF).contains(low) {
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    position = start
                }
            }
            // Half a pair becomes the replacement character.
            text += String(Unicode.Scalar(unit).map { Character($0) } ?? "\u{FFFD}").utf8
        default: throw .invalid
        }
    }

    private mutating func codeUnit() throws(ChatJSON.Fault) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw .incomplete }
            guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else { throw .invalid }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }
}
