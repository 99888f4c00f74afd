import LatticeTesting
import Testing

@testable import lattice

@Suite struct `The line that is typed` {
    private var editor = LineEditor()

    private mutating func type(_ text: String) -> [LineEditor.Event] {
        text.utf8.compactMap { editor.take($0) }.filter { $0 != .changed }
    }

    @Test mutating func `is changed where the cursor stands`() {
        _ = type("helo wrld\u{1B}[D\u{1B}[D\u{1B}[Do\u{01}>\u{05}!")
        #expect(editor.text == ">helo world!")
        _ = type("\u{17}there\u{1B}[H\u{1B}[3~")
        #expect(editor.text == "helo there")
        #expect(type("\r") == [.entered("helo there")])
        #expect(editor.text.isEmpty)
    }

    @Test mutating func `comes back from the history`() {
        _ = type("one\rtwo\rthree")
        _ = type("\u{1B}[A\u{1B}[A")
        #expect(editor.text == "one")
        _ = type("\u{1B}[A")
        #expect(editor.text == "one")
        _ = type("\u{1B}[B\u{1B}OB")
        #expect(editor.text == "three")
    }

    @Test mutating func `may have letters of many bytes and columns`() {
        _ = type("aé模👍🏽e\u{301}")
        #expect(editor.text == "aé模👍🏽e\u{301}" && editor.characters.count == 5)
        _ = type("\u{7F}\u{7F}\u{7F}")
        #expect(editor.text == "aé")
        #expect(editor.picture(prompt: "> ", width: 80).cursorColumn == 4)
    }

    @Test mutating func `keeps the lines of a pasted text`() {
        #expect(type("\u{1B}[200~one\rtwo\u{1B}[201~").isEmpty)
        #expect(editor.text == "one\ntwo")
        _ = type("\u{1B}[A")
        #expect(editor.cursor == 3, "up goes to the line above")
        #expect(type("\r") == [.entered("one\ntwo")])
    }

    @Test mutating func `tells what its keys mean`() {
        #expect(type("\u{04}") == [.ended])
        #expect(type("a\u{04}").isEmpty)
        #expect(type("\u{03}\u{0C}\u{1A}") == [.interrupted, .cleared, .suspended])
    }

    @Test(arguments: 8...30) mutating func `is wrapped so that no row is wider than the terminal`(width: Int) {
        _ = type("words 模型 and\u{0A}more words, many of them")
        for _ in 0...editor.characters.count {
            let picture = editor.picture(prompt: "> ", width: width)
            #expect(picture.rows.allSatisfy { $0.columns <= width })
            #expect(picture.rows.indices.contains(picture.cursorRow) && picture.cursorColumn < width)
            _ = type("\u{1B}[D")
        }
    }

    @Test(arguments: 0..<20) mutating func `survives anything that a terminal sends`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let keys = Array("\u{1B}[ABCDHF~;0123456789O".utf8)
        for _ in 0..<2000 {
            let byte =
                Bool.random(using: &random)
                ? keys.randomElement(using: &random) : UInt8.random(in: 0...255, using: &random)
            _ = editor.take(byte ?? 0)
            #expect((0...editor.characters.count).contains(editor.cursor), "seed \(seed)")
        }
        _ = editor.picture(prompt: "> ", width: 20)
    }
}

@Suite struct `The words of an answer` {
    private static let text =
        "A node serves open models, and each of them is one that anybody may read.\n\n- one\n```\nlet a = 1   + 2 + 3 + 4 + 5 + 6\n```\n模型 ok."

    @Test(arguments: 8...90) func `are not cut at the edge, however the text comes`(width: Int) {
        var random = SeededGenerator(seed: UInt64(width))
        var wrap = WordWrap(width: width)
        var shown = ""
        var rest = Self.text[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...9, using: &random)
            shown += wrap.append(String(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        shown += wrap.finish()
        let lines = shown.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.allSatisfy { $0.contains("+") || String($0).columns <= width })
        #expect(shown.contains("let a = 1   + 2 + 3 + 4 + 5 + 6\n```"), "code stays as it is")
        #expect(shown.filter { !$0.isWhitespace } == Self.text.filter { !$0.isWhitespace })
        if width > 80 { #expect(shown == Self.text) }
    }

    @Test func `that are longer than a line are left to the terminal`() {
        var wrap = WordWrap(width: 10)
        let text = String(repeating: "x", count: 37)
        #expect(wrap.append(text + " and more") + wrap.finish() == text + "\nand more")
    }
}
