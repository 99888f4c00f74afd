/// The tokens of a model: the bytes each stands for, and what kind it is.
struct Vocabulary: Sendable {
    /// `tokenizer.ggml.token_type`.
    enum Kind: UInt8, Sendable {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    /// How a token's text in the file stands for bytes.
    enum Spelling: Sendable {
        /// GPT-2's printable stand-ins for the 256 bytes.
        case byteLetters
        /// Text in which `▁` (U+2581) is a space, and `<0x0A>` a byte for tokens of that kind.
        case sentencePiece
    }

    /// Six times the largest published vocabulary; a bound on what loading a stranger's file costs.
    static let tokenLimit = 1 << 21

    /// The tokens by id, then the pieces that occur only on the way to a token.
    private(set) var pieces = PieceTable()
    private(set) var kinds: [Kind] = []
    let spelling: Spelling
    /// The token for each byte, where there is one.
    private(set) var byteTokens: [TokenID?] = Array(repeating: nil, count: 256)

    /// Builds the vocabulary from the texts of its tokens.
    ///
    /// - Parameter declaredKinds: by id; an empty list makes all tokens normal.
    init(texts: [String], declaredKinds: [Int64], spelling: Spelling) throws(TokenizerError) {
        let tokensKey = TokenizerKey.tokens
        guard !texts.isEmpty else { throw .missing(key: tokensKey) }
        guard texts.count <= Self.tokenLimit else {
            throw .tooLong(key: tokensKey, count: texts.count, limit: Self.tokenLimit)
        }
        guard declaredKinds.isEmpty || declaredKinds.count == texts.count else {
            let cause = "\(declaredKinds.count) types for \(texts.count) tokens"
            throw .inconsistent(key: TokenizerKey.tokenTypes, cause: cause)
        }
        self.spelling = spelling
        kinds.reserveCapacity(texts.count)
        for (index, text) in texts.enumerated() {
            let declared = declaredKinds.isEmpty ? nil : UInt8(exactly: declaredKinds[index])
            let kind = Self.kind(of: text, declared: declared.flatMap(Kind.init(rawValue:)) ?? .normal)
            kinds.append(kind)
            let id = pieces.append(Self.bytes(of: text, kind, spelling))
            switch kind {
            // Text cannot become a control token by merges, only by being written where special tokens are looked for.
            case .control, .unknown: break
            case .byte: if let byte = pieces[id].first { byteTokens[Int(byte)] = id }
            case .normal, .userDefined, .unused: pieces.makeFindable(id)
            }
        }
        for byte in UInt8.min...UInt8.max where byteTokens[Int(byte)] == nil {
            byteTokens[Int(byte)] = pieces.find([byte].span)
        }
    }

    /// How many tokens there are.
    var count: Int { kinds.count }

    /// The number of the piece that `bytes` spell, adding it when no token does.
    mutating func number(of bytes: [UInt8]) -> Int32 {
        if let known = pieces.find(bytes.span) { return known }
        let number = pieces.append(bytes)
        pieces.makeFindable(number)
        return number
    }

    /// A token written like a marker of a turn is one, even if the file calls it ordinary or user-defined: else a user could
    /// write it.
    private static func kind(of text: String, declared: Kind) -> Kind {
        guard declared == .normal || declared == .userDefined else { return declared }
        let text = text.utf8
        let isMarker =
            text.count > 4
            && (text.starts(with: "<|".utf8) && text.suffix(2).elementsEqual("|>".utf8)
                || text.starts(with: "<｜".utf8) && text.suffix(4).elementsEqual("｜>".utf8))
        let isTurn = declared == .userDefined && turnMarkers.contains { text.elementsEqual($0.utf8) }
        return isMarker || isTurn ? .control : declared
    }

    private static let turnMarkers = [
        "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<start_of_turn>", "<end_of_turn>", "[SYSTEM_PROMPT]",
        "[/SYSTEM_PROMPT]",
        "<s>", "</s>", "<bos>", "<eos>",
    ]

    private static func bytes(of text: String, _ kind: Kind, _ spelling: Spelling) -> [UInt8] {
        switch (spelling, kind) {
        case (_, .control), (_, .unknown): return Array(text.utf8)
        case (.byteLetters, .userDefined): return Array(text.utf8)
        case (.byteLetters, _): return ByteLetters.bytes(of: text) ?? Array(text.utf8)
        case (.sentencePiece, .byte): return byte(spelled: text).map { [$0] } ?? Array(text.utf8)
        case (.sentencePiece, _): return withSpaces(Array(text.utf8))
        }
    }

    /// The byte of `<0x0A>`.
    private static func byte(spelled text: String) -> UInt8? {
        let text = text.utf8
        guard text.count == 6, text.starts(with: "<0x".utf8), text.last == UInt8(ascii: ">") else { return nil }
        return UInt8(String(decoding: text.dropFirst(3).dropLast(), as: UTF8.self), radix: 16)
    }

    private static func withSpaces(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == 0xE2, index + 2 < text.count, text[index + 1] == 0x96, text[index + 2] == 0x81 {
                result.append(UInt8(ascii: " "))
                index += 3
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }
}

/// GPT-2's printable stand-ins for bytes: those that print stand for themselves, the others for U+0100 and up in order.
enum ByteLetters {
    private static let byteOfLetter: [UInt32: UInt8] = {
        var table: [UInt32: UInt8] = [:]
        var substitute: UInt32 = 0x100
        for byte in UInt8.min...UInt8.max {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF:
                table[UInt32(byte)] = byte
            default:
                table[substitute] = byte
                substitute += 1
            }
        }
        return table
    }()

    /// The bytes that a text of stand-ins means; `nil` when it has other characters.
    static func bytes(of text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = byteOfLetter[scalar.value] else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
