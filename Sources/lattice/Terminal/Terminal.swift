import Foundation

/// What stands at the other end of standard output and standard error.
struct Terminal: Sendable {
    /// A way to set text apart.
    enum Style: String, Sendable {
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case cyan = "36"
    }

    private let descriptor: Int32
    /// Whether a person reads it.
    let isInteractive: Bool
    /// Whether colours may be used: by a terminal that knows them, and a person who has not refused them.
    let hasColours: Bool

    static let output = Terminal(STDOUT_FILENO)
    static let errors = Terminal(STDERR_FILENO)

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        let environment = ProcessInfo.processInfo.environment
        let kind = environment["TERM"] ?? ""
        isInteractive = isatty(descriptor) == 1 && kind != "dumb"
        // https://no-color.org
        hasColours = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty && !kind.isEmpty
    }

    /// The columns; 80 where nobody knows.
    var width: Int {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// The text in a style, where there are any.
    func styled(_ text: String, _ style: Style) -> String {
        hasColours ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// Writes at once, all of it, and as it is.
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Foundation.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            done += count
        }
    }
}

extension String {
    /// How many columns of a terminal the text takes, as far as that can be known: wide letters take two, marks none.
    var columns: Int { unicodeScalars.reduce(0) { $0 + $1.columns } }

    /// The beginning that fits into `width` columns, with `…` where something was left out.
    func fitted(_ width: Int) -> String {
        guard columns > width else { return self }
        guard width > 1 else { return width == 1 ? "…" : "" }
        var left = width - 1
        var cut = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            guard scalar.columns <= left else { break }
            left -= scalar.columns
            cut.append(scalar)
        }
        return String(cut) + "…"
    }

    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }
}

extension Unicode.Scalar {
    /// Source: Unicode, East Asian Width (UAX 11), as terminals take it.
    var columns: Int {
        if value < 0x300 { return value < 0x20 || (0x7F..<0xA0).contains(value) ? 0 : 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

/// Rows of texts in columns.
struct TextTable {
    private static let gap = 2

    private let header: [String]
    private var rows: [[String]] = []
    /// Columns whose texts stand at the right.
    private let right: Set<Int>

    init(_ header: [String], right: Set<Int> = []) {
        self.header = header
        self.right = right
    }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// The table for a terminal; where it is too narrow the last columns are left out, and at last the first is cut.
    ///
    /// For a file or a pipe, `width` is `nil` and nothing is cut.
    func text(width: Int?, heading: (String) -> String = { $0 }) -> String {
        var shown = header.count
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].columns }.max() ?? 0 }
        func total(_ count: Int) -> Int { widths.prefix(count).reduce(0, +) + Self.gap * (count - 1) }
        while let width, shown > 2, total(shown) > width { shown -= 1 }
        let cut = width.map { max(8, widths[0] - max(0, total(shown) - $0)) } ?? widths[0]
        func line(_ row: [String]) -> String {
            let cells = row.prefix(shown).enumerated().map { column, text in
                let room = column == 0 ? min(cut, widths[0]) : widths[column]
                let text = column == 0 ? text.fitted(room) : text
                return right.contains(column)
                    ? String(repeating: " ", count: max(0, room - text.columns)) + text : text.padded(to: room)
            }
            return cells.joined(separator: String(repeating: " ", count: Self.gap)).trimmingEnd()
        }
        return ([heading(line(header))] + rows.map(line)).joined(separator: "\n")
    }
}

extension String {
    fileprivate func trimmingEnd() -> String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
