import Testing

@testable import Inference

@Suite struct `Stop strings` {
    private func run(_ pieces: [String], _ stops: [String]) -> (shown: [String], isStopped: Bool) {
        var scanner = StopScanner(stops)
        var shown: [String] = []
        for piece in pieces {
            let (text, isStopped) = scanner.append(piece)
            shown.append(text)
            if isStopped { return (shown, true) }
        }
        return (shown + [scanner.finish()], false)
    }

    @Test func `are found across pieces`() {
        let (shown, isStopped) = run(["Hello w", "or", "ld!"], ["world"])
        #expect(shown == ["Hello ", "", ""] && isStopped)
    }

    @Test func `are held back only while they may come`() {
        let (shown, isStopped) = run(["ab", "ac", "abx"], ["abab", "abz"])
        #expect(shown == ["", "abac", "abx", ""] && !isStopped)
    }

    @Test func `count from the first place`() {
        #expect(run(["one two three"], ["three", "two"]).shown == ["one "])
        #expect(run(["aaab"], ["aab"]).shown == ["a"])
    }

    @Test func `may hold characters of several bytes`() {
        let (shown, isStopped) = run(["né", "e 🙂", " fin"], ["🙂 f"])
        #expect(shown == ["né", "e ", ""] && isStopped)
    }

    @Test func `give back what was held at the end`() {
        #expect(run(["wor"], ["world"]).shown == ["", "wor"])
        #expect(run(["text"], []).shown == ["text", ""])
    }

    @Test func `are found however the text is cut`() {
        let text = Array("the cat sat on the mat, the end. And more")
        for cut in 1..<text.count {
            let pieces = [String(text[..<cut]), String(text[cut...])]
            let (shown, isStopped) = run(pieces, ["the end", "zebra"])
            #expect(shown.joined() == "the cat sat on the mat, " && isStopped)
        }
    }
}
