internal import FoundationEssentials

/// A value in JSON text that a decoder has taken for valid, as it was written: schemas keep the order of their members.
struct RawJSON: Sendable {
    private let bytes: ArraySlice<UInt8>

    /// The value that `json` is.
    init(_ json: Data) {
        bytes = Self.trimmed([UInt8](json)[...])
    }

    private init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// The value's text.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The member called `name`, the last of several; `nil` if there is none, or the value is no object.
    subscript(name: String) -> RawJSON? {
        var found: RawJSON?
        var scanner = Scanner(bytes)
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        while let key = scanner.value(), scanner.take(UInt8(ascii: ":")), let value = scanner.value() {
            if Self.name(key) == name { found = RawJSON(value) }
            guard scanner.take(UInt8(ascii: ",")) else { break }
        }
        return found
    }

    /// The elements, if the value is an array.
    var elements: [RawJSON] {
        var found: [RawJSON] = []
        var scanner = Scanner(bytes)
        guard scanner.take(UInt8(ascii: "[")) else { return [] }
        while let value = scanner.value() {
            found.append(RawJSON(value))
            guard scanner.take(UInt8(ascii: ",")) else { break }
        }
        return found
    }

    private static func name(_ key: ArraySlice<UInt8>) -> String? {
        guard key.contains(UInt8(ascii: "\\")) else {
            return String(decoding: key.dropFirst().dropLast(), as: UTF8.self)
        }
        return try? JSONDecoder().decode(String.self, from: Data(key))
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var scanner = Scanner(bytes)
        return scanner.value() ?? []
    }

    /// Passes over values without looking into them.
    private struct Scanner {
        private let whole: ArraySlice<UInt8>
        private var rest: ArraySlice<UInt8>

        init(_ bytes: ArraySlice<UInt8>) {
            whole = bytes
            rest = bytes
        }

        private mutating func skipSpace() {
            while let byte = rest.first, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { rest.removeFirst() }
        }

        /// Takes a byte after white space, if it is there.
        mutating func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard rest.first == byte else { return false }
            rest.removeFirst()
            return true
        }

        /// The next value; `nil` at the end of what holds it.
        mutating func value() -> ArraySlice<UInt8>? {
            skipSpace()
            let start = rest.startIndex
            var depth = 0
            while let byte = rest.first {
                switch byte {
                case UInt8(ascii: "\""): skipString()
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    rest.removeFirst()
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    guard depth > 0 else { return start == rest.startIndex ? nil : slice(from: start) }
                    depth -= 1
                    rest.removeFirst()
                case UInt8(ascii: ","), UInt8(ascii: ":"):
                    guard depth > 0 else { return start == rest.startIndex ? nil : slice(from: start) }
                    rest.removeFirst()
                case 0x20, 0x09, 0x0A, 0x0D:
                    guard depth > 0 else { return slice(from: start) }
                    rest.removeFirst()
                default: rest.removeFirst()
                }
                if depth == 0, [UInt8(ascii: "\""), UInt8(ascii: "}"), UInt8(ascii: "]")].contains(byte) {
                    return slice(from: start)
                }
            }
            return start == rest.startIndex ? nil : slice(from: start)
        }

        private func slice(from start: Int) -> ArraySlice<UInt8> { whole[start..<rest.startIndex] }

        private mutating func skipString() {
            rest.removeFirst()
            while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
                if byte == UInt8(ascii: "\\") { _ = rest.popFirst() }
            }
        }
    }
}
