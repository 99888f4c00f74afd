/// The line that a person types: takes the bytes of a terminal in raw mode, and knows nothing of one.
///
/// Arrows, Home, End, Delete, and the keys of Emacs as shells have them (Ctrl-A E B F K U W L); up and down go through what was
/// entered before. A pasted text may have many lines, and Ctrl-J starts another.
struct LineEditor: Sendable {
    /// What a byte led to.
    enum Event: Equatable, Sendable {
        /// Nothing to do but to show the line.
        case changed
        /// Enter.
        case entered(String)
        /// Ctrl-D on an empty line.
        case ended
        /// Ctrl-C.
        case interrupted
        /// Ctrl-Z.
        case suspended
        /// Ctrl-L.
        case cleared
    }

    /// How the line lies on a terminal.
    struct Picture: Equatable, Sendable {
        var rows: [String]
        var cursorRow: Int
        var cursorColumn: Int
    }

    /// The most characters of a line; more than any context has room for.
    static let limit = 1 << 20
    /// The most lines that are remembered.
    private static let historyLimit = 1000

    private(set) var characters: [Character] = []
    private(set) var cursor = 0
    private var history: [String] = []
    /// Which line of the history is shown; its count stands for the one that is typed.
    private var place = 0
    private var typed: [Character] = []
    /// Bytes of a character or of a key that is not whole.
    private var pending: [UInt8] = []
    private var isPasting = false

    /// What is typed.
    var text: String { String(characters) }

    /// Takes the next byte; `nil` while a key or a character is not whole.
    mutating func take(_ byte: UInt8) -> Event? {
        if pending.first == 0x1B { return escape(byte) }
        if !pending.isEmpty || byte >= 0x80 { return letter(byte) }
        if isPasting, byte != 0x1B {
            insert(byte == 0x0D ? "\n" : Character(Unicode.Scalar(byte)))
            return .changed
        }
        return key(byte)
    }

    private mutating func key(_ byte: UInt8) -> Event? {
        switch byte {
        case 0x0D: return enter()
        case 0x0A: insert("\n")
        case 0x1B:
            pending = [byte]
            return nil
        case 0x7F, 0x08: if cursor > 0 { remove(cursor - 1..<cursor) }
        case 0x01: cursor = lineStart
        case 0x05: cursor = lineEnd
        case 0x02: cursor = max(0, cursor - 1)
        case 0x06: cursor = min(characters.count, cursor + 1)
        case 0x10: recall(place - 1)
        case 0x0E: recall(place + 1)
        case 0x0B: remove(cursor..<lineEnd)
        case 0x15: remove(lineStart..<cursor)
        case 0x17: remove(wordStart..<cursor)
        case 0x0C: return .cleared
        case 0x03: return .interrupted
        case 0x1A: return .suspended
        case 0x04:
            if characters.isEmpty { return .ended }
            if cursor < characters.count { remove(cursor..<cursor + 1) }
        case 0x09: insert("\t")
        case 0x20...0x7E: insert(Character(Unicode.Scalar(byte)))
        default: break
        }
        return .changed
    }

    /// Forgets the line, not the history.
    mutating func clear() {
        characters = []
        cursor = 0
        place = history.count
    }

    private mutating func enter() -> Event {
        let text = text
        if !text.isEmpty, history.last != text { history.append(text) }
        if history.count > Self.historyLimit { history.removeFirst() }
        clear()
        return .entered(text)
    }

    private mutating func letter(_ byte: UInt8) -> Event? {
        pending.append(byte)
        let needed = pending[0] >= 0xF0 ? 4 : pending[0] >= 0xE0 ? 3 : 2
        let isBroken = pending[0] < 0xC0 || (pending.count > 1 && byte & 0xC0 != 0x80)
        guard isBroken || pending.count == needed else { return nil }
        for character in String(decoding: pending, as: UTF8.self) { insert(character) }
        pending = []
        return .changed
    }

    private mutating func insert(_ character: Character) {
        guard characters.count < Self.limit else { return }
        // A mark belongs to the letter before it.
        if cursor > 0 {
            let joined = String(characters[cursor - 1]) + String(character)
            if joined.count == 1, let whole = joined.first {
                characters[cursor - 1] = whole
                return
            }
        }
        characters.insert(character, at: cursor)
        cursor += 1
    }

    private mutating func remove(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        characters.removeSubrange(range)
        cursor = range.lowerBound
    }

    /// Keys of several bytes: `ESC [ … letter`, `ESC O letter`, and Alt with a letter.
    private mutating func escape(_ byte: UInt8) -> Event? {
        pending.append(byte)
        if pending.count == 2 {
            if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") { return nil }
            pending = []
            switch byte {
            case UInt8(ascii: "b"): cursor = wordStart
            case UInt8(ascii: "f"): cursor = wordEnd
            case UInt8(ascii: "d"): remove(cursor..<wordEnd)
            case 0x7F: remove(wordStart..<cursor)
            case 0x0D: insert("\n")
            default: break
            }
            return .changed
        }
        // A sequence ends with a letter or `~`; none that a keyboard sends is long.
        guard (0x40...0x7E).contains(byte) || pending.count > 16 else { return nil }
        let keys = pending.dropFirst(2)
        pending = []
        named(String(decoding: keys, as: UTF8.self))
        return .changed
    }

    private mutating func named(_ keys: String) {
        switch keys {
        case "200~": isPasting = true
        case "201~": isPasting = false
        case "A": up()
        case "B": down()
        case "C": cursor = min(characters.count, cursor + 1)
        case "D": cursor = max(0, cursor - 1)
        case "1;5C", "1;3C": cursor = wordEnd
        case "1;5D", "1;3D": cursor = wordStart
        case "H", "1~", "7~": cursor = lineStart
        case "F", "4~", "8~": cursor = lineEnd
        case "3~": if cursor < characters.count { remove(cursor..<cursor + 1) }
        default: break
        }
    }

    /// Up a line of the text, or else back in the history.
    private mutating func up() {
        guard lineStart > 0 else { return recall(place - 1) }
        let column = cursor - lineStart
        cursor = lineStart - 1
        cursor = min(lineStart + column, cursor)
    }

    private mutating func down() {
        guard lineEnd < characters.count else { return recall(place + 1) }
        let column = cursor - lineStart
        cursor = lineEnd + 1
        cursor = min(cursor + column, lineEnd)
    }

    private mutating func recall(_ wanted: Int) {
        guard 0...history.count ~= wanted, wanted != place else { return }
        if place == history.count { typed = characters }
        place = wanted
        characters = wanted == history.count ? typed : Array(history[wanted])
        cursor = characters.count
    }

    private var lineStart: Int { characters[..<cursor].lastIndex(of: "\n").map { $0 + 1 } ?? 0 }
    private var lineEnd: Int { characters[cursor...].firstIndex(of: "\n") ?? characters.count }

    private var wordStart: Int {
        var place = cursor
        while place > 0, characters[place - 1].isWhitespace { place -= 1 }
        while place > 0, !characters[place - 1].isWhitespace { place -= 1 }
        return place
    }

    private var wordEnd: Int {
        var place = cursor
        while place < characters.count, characters[place].isWhitespace { place += 1 }
        while place < characters.count, !characters[place].isWhitespace { place += 1 }
        return place
    }

    /// The line behind its prompt on a terminal of `width` columns; further lines are indented as far as the prompt goes.
    func picture(prompt: String, width: Int) -> Picture {
        let width = max(width, prompt.columns + 4)
        let indent = String(repeating: " ", count: prompt.columns)
        var rows = [prompt]
        var column = prompt.columns
        var place = (row: 0, column: column)
        for index in 0...characters.count {
            let character = index < characters.count ? characters[index] : nil
            let size = character.map(\.columns) ?? 1
            // At the end of a line the cursor needs a column too.
            if column + (character?.isNewline ?? true ? 1 : size) > width {
                rows.append("")
                column = 0
            }
            if index == cursor { place = (rows.count - 1, column) }
            guard let character else { break }
            if character.isNewline {
                rows.append(indent)
                column = indent.count
            } else {
                rows[rows.count - 1] += character == "\t" ? " " : String(character)
                column += size
            }
        }
        return Picture(rows: rows, cursorRow: place.row, cursorColumn: place.column)
    }
}

extension Character {
    /// How many columns of a terminal it takes.
    fileprivate var columns: Int { self == "\t" ? 1 : min(2, unicodeScalars.reduce(0) { $0 + $1.columns }) }
}
