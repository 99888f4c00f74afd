import Foundation
import Inference

/// Writes an answer as it comes: thoughts set apart, and nothing that would steer the terminal.
struct AnswerPrinter {
    private let terminal: Terminal
    private var isThinking = false
    private var hasText = false
    private var endsLine = true
    private var wrap: WordWrap

    /// A printer; thoughts are shown to people only, as what reads a pipe wants the answer.
    init(terminal: Terminal = .output) {
        self.terminal = terminal
        wrap = WordWrap(width: terminal.width)
    }

    mutating func write(_ parts: [ChatOutputPart]) {
        for part in parts {
            switch part {
            case .reasoning(let text): think(text)
            case .content(let text): say(text)
            case .toolCall(let call): say("\(call.name)(\(call.arguments))")
            }
        }
    }

    /// Ends the last line.
    mutating func end() {
        if isThinking { stopThinking() }
        endLine()
    }

    private mutating func think(_ text: String) {
        guard terminal.isInteractive, !text.isEmpty else { return }
        if !isThinking {
            terminal.write(terminal.hasColours ? "\u{1B}[2m" : "Thinking …\n")
            isThinking = true
        }
        put(text)
    }

    private mutating func stopThinking() {
        isThinking = false
        endLine()
        terminal.write(terminal.hasColours ? "\u{1B}[0m\n" : "… and answers:\n")
    }

    private mutating func say(_ text: String) {
        var text = text[...]
        if isThinking { stopThinking() }
        // What stands between thoughts and answer, or before both, is no part of either.
        if !hasText { text = text.drop { $0.isWhitespace } }
        guard !text.isEmpty else { return }
        hasText = true
        put(String(text))
    }

    private mutating func endLine() {
        if terminal.isInteractive { terminal.write(wrap.finish()) }
        if !endsLine { terminal.write("\n") }
        endsLine = true
        wrap = WordWrap(width: terminal.width)
    }

    private mutating func put(_ text: String) {
        terminal.write(terminal.isInteractive ? wrap.append(text.withoutControls) : text)
        endsLine = text.hasSuffix("\n")
    }
}
