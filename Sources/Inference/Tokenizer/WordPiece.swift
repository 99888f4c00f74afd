internal import Foundation

/// How bert models cut text: into words without case and accents, which longest-match pieces then spell.
///
/// Marks and Chinese characters are words of their own. The rules are those of the published `BasicTokenizer`, which models
/// were trained with.
struct WordPiece: Sendable {
    /// Longer words, in characters, are unknown as a whole (`max_input_chars_per_word`).
    static let longestWord = 100

    /// Whether capitals become small letters.
    var lowercases = true
    /// Whether accents are dropped.
    var stripsAccents = true

    /// Calls `body` with each word of a range that begins and ends between characters, with a space before it.
    ///
    /// Words that are too long come cut behind the limit.
    func forEachWord(in text: [UInt8], _ range: Range<Int>, _ body: ([UInt8], _ length: Int) -> Void) {
        var words = Words()
        // Few characters that are not ASCII occur in one text, and each often.
        var known: [UInt32: [Unicode.Scalar]] = [:]
        let span = text.span
        var index = range.lowerBound
        while index < range.upperBound {
            let (value, length) = span.scalar(at: index)
            index += length
            guard let scalar = Unicode.Scalar(value) else { continue }
            if scalar.isASCII {
                let isCapital = lowercases && (0x41...0x5A).contains(value)
                words.append(isCapital ? Unicode.Scalar(UInt8(value) | 0x20) : scalar, body)
            } else if let plain = known[value] {
                for scalar in plain { words.append(scalar, body) }
            } else {
                let plain = plain(scalar)
                known[value] = plain
                for scalar in plain { words.append(scalar, body) }
            }
        }
        words.end(body)
    }

    /// A character without case and accent: none, one or several, since one that is composed comes apart.
    private func plain(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        if Words.isChinese(scalar.value) { return [scalar] }
        let text = lowercases ? scalar.properties.lowercaseMapping : String(Character(scalar))
        guard stripsAccents else { return Array(text.unicodeScalars) }
        return text.decomposedStringWithCanonicalMapping.unicodeScalars.filter {
            $0.properties.generalCategory != .nonspacingMark
        }
    }

    /// Collects the characters of a word until it ends.
    private struct Words {
        private var word: [UInt8] = []
        private var length = 0

        mutating func append(_ scalar: Unicode.Scalar, _ body: ([UInt8], Int) -> Void) {
            switch Self.role(of: scalar) {
            case .ignored: break
            case .space: end(body)
            case .alone:
                end(body)
                add(scalar)
                end(body)
            case .letter: add(scalar)
            }
        }

        private mutating func add(_ scalar: Unicode.Scalar) {
            if word.isEmpty { word.append(UInt8(ascii: " ")) }
            length += 1
            if length <= WordPiece.longestWord { word += UTF8.encode(scalar).map(Array.init) ?? [] }
        }

        mutating func end(_ body: ([UInt8], Int) -> Void) {
            guard !word.isEmpty else { return }
            body(word, length)
            word.removeAll(keepingCapacity: true)
            length = 0
        }

        private enum Role { case letter, alone, space, ignored }

        private static func role(of scalar: Unicode.Scalar) -> Role {
            switch scalar.value {
            case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: return .letter
            case 0x20, 0x09, 0x0A, 0x0D: return .space
            case 0x21...0x7E: return .alone
            case 0xFFFD: return .ignored
            case let value where isChinese(value): return .alone
            default: break
            }
            let properties = scalar.properties
            switch properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned: return .ignored
            case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
                .finalPunctuation, .otherPunctuation:
                return .alone
            default: return properties.isWhitespace ? .space : .letter
            }
        }

        static func isChinese(_ value: UInt32) -> Bool {
            switch value {
            case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
                0x2B820...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
                true
            default: false
            }
        }
    }
}
