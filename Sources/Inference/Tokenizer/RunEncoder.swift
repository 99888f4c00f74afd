/// Encodes the text between two special tokens, keeping its working memory from one run to the next.
struct RunEncoder {
    let tokenizer: Tokenizer
    /// Longer runs are cut.
    let longestPart: Int
    private var merger = SymbolMerger()

    init(tokenizer: Tokenizer, longestPart: Int = Tokenizer.longestRun) {
        self.tokenizer = tokenizer
        self.longestPart = longestPart
    }

    /// Appends the token ids of a range that begins and ends between characters.
    mutating func encode(_ text: [UInt8], _ range: Range<Int>, into output: inout [TokenID]) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = min(range.upperBound, start + longestPart)
            while end < range.upperBound, text[end] & 0xC0 == 0x80 { end -= 1 }
            encodePart(text, start..<end, isFirst: start == range.lowerBound, into: &output)
            start = end
        }
    }

    private mutating func encodePart(
        _ text: [UInt8],
        _ range: Range<Int>,
        isFirst: Bool,
        into output: inout [TokenID]
    ) {
        switch tokenizer.encoding {
        case .bytePairs(let rule, let preTokenizer):
            var tokens = output
            output = []
            preTokenizer.forEachPiece(in: text, range) { piece in
                encodePiece(text.span.extracting(piece), rule, takesWhole: preTokenizer.takesWholePieces, into: &tokens)
            }
            output = tokens
        case .sentencePiece(let rule, let addsSpacePrefix):
            // The prefix is part of what is merged, so the text is copied behind it.
            var part: [UInt8] = isFirst && addsSpacePrefix ? [UInt8(ascii: " ")] : []
            part.reserveCapacity(range.count + 1)
            for index in range { part.append(text[index]) }
            mergeCharacters(of: part, rule, into: &output)
        case .wordPiece(let rule):
            var tokens = output
            output = []
            rule.forEachWord(in: text, range) { word, length in spell(word, length, into: &tokens) }
            output = tokens
        }
    }

    /// Spells a word with the longest pieces that fit, from the front; a word that cannot be spelt is one unknown token.
    private func spell(_ word: [UInt8], _ length: Int, into output: inout [TokenID]) {
        let pieces = tokenizer.vocabulary.pieces
        let count = output.count
        var start = 0
        while start < word.count, length <= WordPiece.longestWord {
            var end = min(word.count, start + pieces.longest)
            while end > start, pieces.find(word.span.extracting(start..<end)) == nil { end -= 1 }
            guard end > start, let token = pieces.find(word.span.extracting(start..<end)) else { break }
            output.append(token)
            start = end
        }
        guard start < word.count else { return }
        output.removeSubrange(count...)
        if let unknown = tokenizer.unknown { output.append(unknown) }
    }

    private mutating func encodePiece(
        _ piece: Span<UInt8>,
        _ rule: BytePairRule,
        takesWhole: Bool,
        into output: inout [TokenID]
    ) {
        let vocabulary = tokenizer.vocabulary
        if takesWhole, let token = vocabulary.pieces.find(piece), token < vocabulary.count {
            output.append(token)
            return
        }
        merger.removeAll()
        for index in 0..<piece.count {
            merger.append(
                start: index,
                end: index + 1,
                number: tokenizer.vocabulary.byteTokens[Int(piece[index])] ?? -1
            )
        }
        merger.merge(in: piece, by: rule)
        collect(piece, into: &output)
    }

    private mutating func mergeCharacters(of part: [UInt8], _ rule: ScoreRule, into output: inout [TokenID]) {
        let text = part.span
        merger.removeAll()
        var index = 0
        while index < text.count {
            let end = index + text.scalar(at: index).length
            merger.append(start: index, end: end, number: rule.pieces.find(text.extracting(index..<end)) ?? -1)
            index = end
        }
        merger.merge(in: text, by: rule)
        collect(text, into: &output)
    }

    private func collect(_ text: Span<UInt8>, into output: inout [TokenID]) {
        for symbol in merger.symbols where !symbol.isGone {
            if symbol.number >= 0, symbol.number < tokenizer.vocabulary.count {
                output.append(symbol.number)
            } else {
                tokenizer.fallback(for: text.extracting(Int(symbol.start)..<Int(symbol.end)), into: &output)
            }
        }
    }
}
