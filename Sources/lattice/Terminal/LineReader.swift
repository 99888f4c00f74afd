import Foundation

/// Reads lines that a person types at a terminal.
struct LineReader {
    /// What came.
    enum Input: Equatable {
        case line(String)
        /// Ctrl-D, or the terminal went away.
        case end
        /// Ctrl-C.
        case interrupt
    }

    private var editor = LineEditor()
    private let terminal: Terminal
    private let isEditing: Bool
    /// Bytes that came after the end of a line.
    private var rest: [UInt8] = []

    /// Reads standard input, and shows what is typed on `terminal`.
    init(terminal: Terminal = .output) {
        self.terminal = terminal
        isEditing = terminal.isInteractive && isatty(STDIN_FILENO) == 1
    }

    /// The next line.
    mutating func next(prompt: String) -> Input {
        guard isEditing, let mode = RawMode() else {
            terminal.write(prompt)
            return readLine().map(Input.line) ?? .end
        }
        defer { mode.restore() }
        editor.clear()
        var row = 0
        show(prompt, &row)
        while true {
            guard let bytes = take() else { return .end }
            for (index, byte) in bytes.enumerated() {
                guard let event = editor.take(byte) else { continue }
                switch event {
                case .changed: continue
                case .entered(let text):
                    rest = Array(bytes[(index + 1)...])
                    finish(prompt, text, &row)
                    return .line(text)
                case .ended:
                    terminal.write("\r\n")
                    return .end
                case .interrupted:
                    let wasEmpty = editor.characters.isEmpty
                    editor.clear()
                    terminal.write("\r\n")
                    row = 0
                    if wasEmpty { return .interrupt }
                case .suspended:
                    mode.restore()
                    kill(getpid(), SIGTSTP)
                    // Another thread takes the signal, since this one has it blocked, and stops all of them.
                    usleep(20_000)
                    mode.enter()
                    row = 0
                case .cleared:
                    terminal.write("\u{1B}[H\u{1B}[2J")
                    row = 0
                }
            }
            show(prompt, &row)
        }
    }

    /// Bytes from the keyboard; `nil` when there are no more.
    private mutating func take() -> [UInt8]? {
        if !rest.isEmpty {
            defer { rest = [] }
            return rest
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe read(STDIN_FILENO, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            return count > 0 ? Array(bytes[..<count]) : nil
        }
    }

    /// Draws the line over the one before; `row` is where the cursor was left.
    private func show(_ prompt: String, _ row: inout Int) {
        let picture = editor.picture(prompt: prompt, width: terminal.width)
        var text = "\r" + (row > 0 ? "\u{1B}[\(row)A" : "") + "\u{1B}[J" + picture.rows.joined(separator: "\r\n")
        let up = picture.rows.count - 1 - picture.cursorRow
        if up > 0 { text += "\u{1B}[\(up)A" }
        text += "\r" + (picture.cursorColumn > 0 ? "\u{1B}[\(picture.cursorColumn)C" : "")
        row = picture.cursorRow
        terminal.write(text)
    }

    /// Leaves the entered line as it is and goes below it.
    private func finish(_ prompt: String, _ text: String, _ row: inout Int) {
        var shown = LineEditor()
        for byte in text.utf8 { _ = byte == 0x0A ? shown.take(0x0A) : shown.take(byte) }
        let picture = shown.picture(prompt: prompt, width: terminal.width)
        let start = "\r" + (row > 0 ? "\u{1B}[\(row)A" : "") + "\u{1B}[J"
        terminal.write(start + picture.rows.joined(separator: "\r\n") + "\r\n")
        row = 0
    }
}

/// The terminal without its own line editing, until it is restored.
private struct RawMode {
    private let usual: termios

    init?() {
        var now = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &now) == 0 else { return nil }
        usual = now
        enter()
    }

    func enter() {
        var raw = usual
        unsafe cfmakeraw(&raw)
        // Output stays as it is: a line's end starts the next line.
        raw.c_oflag = usual.c_oflag
        unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        // Pasted text comes between marks.
        Terminal.output.write("\u{1B}[?2004h")
    }

    func restore() {
        Terminal.output.write("\u{1B}[?2004l")
        var mode = usual
        unsafe tcsetattr(STDIN_FILENO, TCSADRAIN, &mode)
    }
}
