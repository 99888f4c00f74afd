/// Finds where the piece that begins at a place ends, for each pass of a pre-tokenizer.
struct PieceScanner {
    let text: [UInt8]
    /// Where the text ends for this scanner; characters from here on are not looked at.
    let end: Int

    /// The end of the piece that begins at `start`.
    ///
    /// - Precondition: `start` is below `end` and is where a character begins.
    /// - Returns: a place above `start` where a character begins, or `end`.
    func endOfPiece(from start: Int, _ pass: PreTokenizer.Pass) -> Int {
        switch pass {
        case .words(let digits, let marks): endOfWord(from: start, digits: digits, marksAreLetters: marks)
        case .gpt2: endOfGPT2Word(from: start)
        case .singleNumbers: split(from: start, runs: 1...1) { CharacterClass($0) == .number }
        case .tripleDigits: split(from: start, runs: 3...3) { (0x30...0x39).contains($0) }
        case .numberRuns: split(from: start, runs: 1...Int.max) { CharacterClass($0) == .number }
        case .punctuationRuns:
            split(from: start, runs: 1...Int.max) { Self.isPunctuation($0) || Self.isPunctuationLike($0) }
        case .singleNewlines: split(from: start, runs: 1...1) { $0 == 0x0A || $0 == 0x0D }
        case .trailingSpace: startOfTrailingSpace(from: start)
        case .runs(let kind, let spaced): endOfRuns(from: start, spaced: spaced) { Self.belongs($0, to: kind) }
        case .casedWords: endOfCasedWord(from: start)
        }
    }

    private struct Character {
        var value: UInt32
        var kind: CharacterClass
        /// Where the next character begins.
        var end: Int

        var isNewline: Bool { value == 0x0A || value == 0x0D }
    }

    private func character(at index: Int, marksAreLetters: Bool = false) -> Character? {
        guard index < end else { return nil }
        let (value, length) = text.span.scalar(at: index)
        var kind = CharacterClass(value)
        if marksAreLetters, kind == .other, value >= 0x80, Self.isMark(value) { kind = .letter }
        return Character(value: value, kind: kind, end: index + length)
    }

    private func endOfRun(of kind: CharacterClass, from start: Int, marksAreLetters: Bool = false) -> Int {
        var index = start
        while let next = character(at: index, marksAreLetters: marksAreLetters), next.kind == kind { index = next.end }
        return index
    }

    private func endOfWord(from start: Int, digits: Int, marksAreLetters: Bool) -> Int {
        guard let first = character(at: start, marksAreLetters: marksAreLetters) else { return end }
        if let contraction = endOfContraction(from: start, ignoringCase: true) { return contraction }
        let second = character(at: first.end, marksAreLetters: marksAreLetters)
        if first.kind == .letter || (first.kind != .number && !first.isNewline && second?.kind == .letter) {
            return endOfRun(of: .letter, from: first.end, marksAreLetters: marksAreLetters)
        }
        if first.kind == .number {
            var last = first.end
            for _ in 1..<max(digits, 2) where digits > 1 {
                guard let next = character(at: last), next.kind == .number else { break }
                last = next.end
            }
            return last
        }
        if first.kind == .other || (first.value == 0x20 && second?.kind == .other) {
            var last = endOfRun(of: .other, from: first.end, marksAreLetters: marksAreLetters)
            while let next = character(at: last), next.isNewline { last = next.end }
            return last
        }
        return endOfWhitespace(from: start, cutsAfterNewline: true)
    }

    private func endOfGPT2Word(from start: Int) -> Int {
        guard let first = character(at: start) else { return end }
        if let contraction = endOfContraction(from: start, ignoringCase: false) { return contraction }
        if first.kind != .whitespace { return endOfRun(of: first.kind, from: first.end) }
        if first.value == 0x20, let second = character(at: first.end), second.kind != .whitespace {
            return endOfRun(of: second.kind, from: second.end)
        }
        return endOfWhitespace(from: start, cutsAfterNewline: false)
    }

    /// `\s*[\r\n]+` where asked for, else `\s+(?!\S)`, else `\s+`.
    private func endOfWhitespace(from start: Int, cutsAfterNewline: Bool) -> Int {
        var last = start
        var beforeLast = start
        var afterNewline: Int?
        while let next = character(at: last), next.kind == .whitespace {
            beforeLast = last
            last = next.end
            if next.isNewline { afterNewline = last }
        }
        if cutsAfterNewline, let afterNewline { return afterNewline }
        // The last space before a word belongs to the word.
        return last < end && beforeLast > start ? beforeLast : last
    }

    private func endOfContraction(from start: Int, ignoringCase: Bool) -> Int? {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        func letter(_ index: Int) -> UInt8 {
            guard index < end else { return 0 }
            let byte = text[index]
            return ignoringCase && (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
        }
        switch (letter(start + 1), letter(start + 2)) {
        case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _), (UInt8(ascii: "d"), _):
            return start + 2
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default:
            return nil
        }
    }

    /// A run of matching characters, with a white space before it if asked for, or what lies before the next such run.
    private func endOfRuns(from start: Int, spaced: Bool, where matches: (UInt32) -> Bool) -> Int {
        var index = start
        while let first = character(at: index) {
            var last = index
            if spaced, first.kind == .whitespace, let second = character(at: first.end), matches(second.value) {
                last = second.end
            } else if matches(first.value) {
                last = first.end
            }
            if last > index {
                guard index == start else { return index }
                while let next = character(at: last), matches(next.value) { last = next.end }
                return last
            }
            index = first.end
        }
        return end
    }

    /// Where the white space at the end begins; the end if there is none, or nothing else.
    private func startOfTrailingSpace(from start: Int) -> Int {
        var last = end
        while last > start {
            var first = last - 1
            while first > start, text[first] & 0xC0 == 0x80 { first -= 1 }
            guard character(at: first)?.kind == .whitespace else { return last }
            last = first
        }
        return end
    }

    private func endOfCasedWord(from start: Int) -> Int {
        guard let first = character(at: start) else { return end }
        let second = character(at: first.end)
        if first.kind == .letter { return endOfCasedLetters(from: start) }
        if first.kind != .number, !first.isNewline, second?.kind == .letter {
            return endOfCasedLetters(from: first.end)
        }
        if first.kind == .number { return first.end }
        if first.kind == .other || (first.value == 0x20 && second?.kind == .other) {
            var last = endOfRun(of: .other, from: first.end)
            while let next = character(at: last), next.isNewline || next.value == 0x2F { last = next.end }
            return last
        }
        return endOfWhitespace(from: start, cutsAfterNewline: true)
    }

    /// `U*S+`, else `U+`, where U is a letter but `[a-z]` and S a letter but `[A-Z]`.
    private func endOfCasedLetters(from start: Int) -> Int {
        func isCapital(_ letter: Character) -> Bool { (0x41...0x5A).contains(letter.value) }
        func isSmall(_ letter: Character) -> Bool { (0x61...0x7A).contains(letter.value) }
        var upper = start
        // Behind the last letter that has no case: it may be the S that the expression wants.
        var behindCaseless: Int?
        while let next = character(at: upper), next.kind == .letter, !isSmall(next) {
            if !isCapital(next) { behindCaseless = next.end }
            upper = next.end
        }
        if let next = character(at: upper), next.kind == .letter {
            var last = next.end
            while let next = character(at: last), next.kind == .letter, !isCapital(next) { last = next.end }
            return last
        }
        return behindCaseless ?? upper
    }

    /// A run of matching characters of the wanted length, or what lies before the next such run.
    private func split(from start: Int, runs: ClosedRange<Int>, where matches: (UInt32) -> Bool) -> Int {
        var index = start
        var runStart = start
        var length = 0
        while let next = character(at: index) {
            if matches(next.value) {
                length += 1
                index = next.end
                if length == runs.upperBound { return runStart == start ? index : runStart }
            } else {
                if length >= runs.lowerBound { return runStart == start ? index : runStart }
                length = 0
                index = next.end
                runStart = index
            }
        }
        return length >= runs.lowerBound && runStart > start ? runStart : end
    }

    private static func belongs(_ value: UInt32, to kind: PreTokenizer.Class) -> Bool {
        switch kind {
        case .casedLetters: ScalarRanges.casedLetters.contains(value)
        case .marks: ScalarRanges.marks.contains(value) && CharacterClass(value) != .whitespace
        case .eastAsian: ScalarRanges.eastAsian.contains(value) && CharacterClass(value) != .whitespace
        case .letters: CharacterClass(value) == .letter
        case .punctuation: isPunctuation(value)
        }
    }

    /// The symbols that some expressions add to `\p{P}`.
    private static func isPunctuationLike(_ value: UInt32) -> Bool {
        switch value {
        case 0x24, 0x2B, 0x3C, 0x3D, 0x3E, 0x5E, 0x7E, 0x7C: true
        default: false
        }
    }

    private static func isPunctuation(_ value: UInt32) -> Bool {
        switch Unicode.Scalar(value)?.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            true
        default: false
        }
    }

    private static func isMark(_ value: UInt32) -> Bool {
        switch Unicode.Scalar(value)?.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }
}
