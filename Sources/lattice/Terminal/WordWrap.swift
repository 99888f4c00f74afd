/// Breaks lines between words, so that none is cut at the edge of a terminal, while the text still comes.
///
/// A word is held back until it is whole. Code between fences stays as it is, so that it can be copied.
struct WordWrap: Sendable {
    /// What is longer than a line is not held back.
    private let width: Int
    private var column = 0
    /// The word that is not whole, and the columns that it takes.
    private var word = ""
    private var wordColumns = 0
    /// White space before it, which is left out where the line is broken.
    private var space = ""
    /// The beginning of the line, as far as it tells of a fence.
    private var lineStart = ""
    private var isCode = false
    /// Whether the word that comes is longer than a line, and shown as it comes.
    private var isLong = false

    init(width: Int) { self.width = max(width, 8) }

    /// The text that can be shown.
    mutating func append(_ text: String) -> String {
        var shown = ""
        for character in text {
            if character.isNewline {
                shown += flush() + "\n"
                if lineStart.hasPrefix("```") { isCode.toggle() }
                (column, lineStart, isLong) = (0, "", false)
            } else {
                if lineStart.count < 3 { lineStart.append(character) }
                if isCode || lineStart.hasPrefix("`") {
                    shown += flush() + String(character)
                } else if character == " " {
                    if !word.isEmpty { shown += flush() }
                    space.append(character)
                    isLong = false
                } else {
                    shown += hold(character)
                }
            }
        }
        return shown
    }

    /// What was held back, when no more comes.
    mutating func finish() -> String { flush() }

    private mutating func hold(_ character: Character) -> String {
        let columns = String(character).columns
        // Words of languages without spaces, and what fills a line by itself, are broken by the terminal.
        guard columns == 1, !isLong, wordColumns < width else {
            let held = flush()
            isLong = isLong || columns == 1
            column = (column + columns - 1) % width + 1
            return held + String(character)
        }
        word.append(character)
        wordColumns += columns
        return ""
    }

    private mutating func flush() -> String {
        defer { (word, wordColumns, space) = ("", 0, "") }
        if column > 0, !word.isEmpty, column + space.count + wordColumns > width {
            column = wordColumns
            return "\n" + word
        }
        column += space.count + wordColumns
        return space + word
    }
}
