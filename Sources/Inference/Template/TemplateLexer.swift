/// A word of a template.
struct TemplateToken: Sendable {
    enum Kind: Sendable, Equatable {
        /// Text between tags, whitespace control applied.
        case text(TemplateText)
        case outputStart, outputEnd, tagStart, tagEnd
        case name(String)
        case integer(Int)
        case float(Double)
        case string(TemplateText)
        case symbol(String)
        case end
    }

    var kind: Kind
    var line: Int
}

/// Cuts a template into words, with Jinja's `trim_blocks` and `lstrip_blocks` on, as published chat templates expect.
struct TemplateLexer {
    private let source: [Unicode.Scalar]
    private var position = 0
    private var line = 1
    /// Whether nothing but what a tag swallowed lies between the last newline and here.
    private var isAtLineStart = true
    private var tokens: [TemplateToken] = []

    static func tokens(of source: String) throws(TemplateError) -> [TemplateToken] {
        var lexer = TemplateLexer(source)
        try lexer.run()
        return lexer.tokens
    }

    private init(_ text: String) {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(text.utf8.count)
        var previousWasReturn = false
        for scalar in text.unicodeScalars {
            if scalar == "\r" {
                scalars.append("\n")
            } else if scalar != "\n" || !previousWasReturn {
                scalars.append(scalar)
            }
            previousWasReturn = scalar == "\r"
        }
        // Jinja drops one newline at the end of a template.
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    private mutating func run() throws(TemplateError) {
        while position < source.count {
            let start = position
            let startLine = line
            while position < source.count, !isTag(at: position) { advance() }
            guard position < source.count else {
                add(.text(TemplateText(source[start...])), line: startLine)
                break
            }
            let kind = source[position + 1]
            let sign = position + 2 < source.count ? source[position + 2] : " "
            let data = textBeforeTag(source[start..<position], kind: kind, sign: sign)
            if !data.isEmpty { add(.text(TemplateText(data)), line: startLine) }
            advance(by: sign == "-" || sign == "+" ? 3 : 2)
            switch kind {
            case "#": try skipComment()
            case "{": try expression(opening: .outputStart, closing: .outputEnd, end: ["}", "}"])
            default: try tag()
            }
        }
        add(.end)
    }

    private func isTag(at index: Int) -> Bool {
        guard source[index] == "{", index + 1 < source.count else { return false }
        let next = source[index + 1]
        return next == "{" || next == "%" || next == "#"
    }

    private func textBeforeTag(
        _ data: ArraySlice<Unicode.Scalar>,
        kind: Unicode.Scalar,
        sign: Unicode.Scalar
    ) -> ArraySlice<Unicode.Scalar> {
        if sign == "-" {
            let end = data.lastIndex { !$0.isTemplateWhitespace }.map { $0 + 1 } ?? data.startIndex
            return data[..<end]
        }
        guard sign != "+", kind != "{" else { return data }
        let newline = data.lastIndex(of: "\n")
        guard newline != nil || isAtLineStart else { return data }
        let lineStart = newline.map { $0 + 1 } ?? data.startIndex
        return data[lineStart...].allSatisfy(\.isTemplateWhitespace) ? data[..<lineStart] : data
    }

    // MARK: Tags

    private mutating func tag() throws(TemplateError) {
        let start = position
        if let end = matchTag(named: "raw", from: start) {
            advance(by: end - position)
            afterTag(trimsNewline: false, strips: source[end - 3] == "-")
            try raw()
        } else {
            try expression(opening: .tagStart, closing: .tagEnd, end: ["%", "}"])
        }
    }

    /// Where a tag that holds one word alone ends, given the place after its opening.
    private func matchTag(named name: String, from start: Int) -> Int? {
        var index = start
        while index < source.count, source[index].isTemplateWhitespace { index += 1 }
        for scalar in name.unicodeScalars {
            guard index < source.count, source[index] == scalar else { return nil }
            index += 1
        }
        while index < source.count, source[index].isTemplateWhitespace { index += 1 }
        if index < source.count, source[index] == "-" || source[index] == "+" { index += 1 }
        guard index + 1 < source.count, source[index] == "%", source[index + 1] == "}" else { return nil }
        return index + 2
    }

    private mutating func raw() throws(TemplateError) {
        let opening = line
        let start = position
        while position < source.count {
            if source[position] == "{", position + 1 < source.count, source[position + 1] == "%" {
                var inner = position + 2
                if inner < source.count, source[inner] == "-" || source[inner] == "+" { inner += 1 }
                if let end = matchTag(named: "endraw", from: inner) {
                    let data = textBeforeTag(source[start..<position], kind: "%", sign: source[position + 2])
                    if !data.isEmpty { add(.text(TemplateText(data)), line: opening) }
                    advance(by: end - position)
                    afterTag(trimsNewline: source[end - 3] != "+", strips: source[end - 3] == "-")
                    return
                }
            }
            advance()
        }
        throw .syntax(line: opening, cause: "raw is not closed")
    }

    private mutating func skipComment() throws(TemplateError) {
        let opening = line
        while position + 1 < source.count {
            if source[position] == "#", source[position + 1] == "}" {
                let sign = source[position - 1]
                advance(by: 2)
                afterTag(trimsNewline: sign != "+", strips: sign == "-")
                return
            }
            advance()
        }
        throw .syntax(line: opening, cause: "a comment is not closed")
    }

    /// What whitespace a closed tag swallows.
    private mutating func afterTag(trimsNewline: Bool, strips: Bool) {
        isAtLineStart = false
        if strips {
            while position < source.count, source[position].isTemplateWhitespace {
                isAtLineStart = source[position] == "\n"
                advance()
            }
        } else if trimsNewline, position < source.count, source[position] == "\n" {
            isAtLineStart = true
            advance()
        }
    }

    private mutating func expression(
        opening: TemplateToken.Kind,
        closing: TemplateToken.Kind,
        end: [Unicode.Scalar]
    ) throws(TemplateError) {
        let openingLine = line
        add(opening)
        var brackets = 0
        while position < source.count {
            let scalar = source[position]
            if scalar.isTemplateWhitespace {
                advance()
                continue
            }
            if brackets == 0 {
                let signs = scalar == "-" || (scalar == "+" && closing == .tagEnd) ? 1 : 0
                if position + signs + 1 < source.count, source[position + signs] == end[0],
                    source[position + signs + 1] == end[1]
                {
                    add(closing)
                    advance(by: signs + 2)
                    afterTag(trimsNewline: closing == .tagEnd && scalar != "+", strips: scalar == "-")
                    return
                }
            }
            switch scalar {
            case "(", "[", "{": brackets += 1
            case ")", "]", "}": brackets = max(0, brackets - 1)
            default: break
            }
            try word()
        }
        throw .syntax(line: openingLine, cause: "a tag is not closed")
    }

    // MARK: Words

    private mutating func word() throws(TemplateError) {
        let scalar = source[position]
        switch scalar {
        case "'", "\"": try string(quote: scalar)
        case "0"..."9": try number()
        case "a"..."z", "A"..."Z", "_":
            let start = position
            while position < source.count, source[position].isNamePart { advance() }
            add(.name(TemplateText(source[start..<position]).string))
        default:
            let pair = position + 1 < source.count ? TemplateText(source[position...position + 1]).string : ""
            if ["==", "!=", "<=", ">=", "//", "**"].contains(pair) {
                add(.symbol(pair))
                advance(by: 2)
            } else if "+-*/%~|.,:()[]{}<>=".unicodeScalars.contains(scalar) {
                add(.symbol(String(Character(scalar))))
                advance()
            } else {
                throw .syntax(line: line, cause: "unexpected character \(scalar.escaped(asASCII: true))")
            }
        }
    }

    private mutating func number() throws(TemplateError) {
        let start = position
        var isFloat = false
        func isDigit(_ index: Int) -> Bool { index < source.count && ("0"..."9").contains(source[index]) }
        while isDigit(position) || (position < source.count && source[position] == "_" && isDigit(position + 1)) {
            advance()
        }
        if position < source.count, source[position] == ".", isDigit(position + 1) {
            isFloat = true
            advance()
            while isDigit(position) { advance() }
        }
        if position < source.count, source[position] == "e" || source[position] == "E" {
            let sign =
                position + 1 < source.count && (source[position + 1] == "-" || source[position + 1] == "+") ? 1 : 0
            if isDigit(position + 1 + sign) {
                isFloat = true
                advance(by: 1 + sign)
                while isDigit(position) { advance() }
            }
        }
        let digits = TemplateText(source[start..<position].filter { $0 != "_" }).string
        if !isFloat, let value = Int(digits) {
            add(.integer(value))
        } else if isFloat, let value = Double(digits), value.isFinite {
            add(.float(value))
        } else {
            throw .syntax(line: line, cause: "the number \(digits) is too large")
        }
    }

    private mutating func string(quote: Unicode.Scalar) throws(TemplateError) {
        let opening = line
        var text: [Unicode.Scalar] = []
        advance()
        while position < source.count {
            let scalar = source[position]
            advance()
            if scalar == quote {
                add(.string(TemplateText(text)), line: opening)
                return
            }
            guard scalar == "\\", position < source.count else {
                text.append(scalar)
                continue
            }
            let escaped = source[position]
            advance()
            switch escaped {
            case "n": text.append("\n")
            case "t": text.append("\t")
            case "r": text.append("\r")
            case "b": text.append("\u{08}")
            case "f": text.append("\u{0C}")
            case "v": text.append("\u{0B}")
            case "a": text.append("\u{07}")
            case "0": text.append("\0")
            case "\n": break
            case "\\", "'", "\"": text.append(escaped)
            case "x": text.append(try escapedScalar(digits: 2))
            case "u": text.append(try escapedScalar(digits: 4))
            case "U": text.append(try escapedScalar(digits: 8))
            default: text += ["\\", escaped]
            }
        }
        throw .syntax(line: opening, cause: "a string is not closed")
    }

    private mutating func escapedScalar(digits: Int) throws(TemplateError) -> Unicode.Scalar {
        let end = min(position + digits, source.count)
        let text = TemplateText(source[position..<end]).string
        guard text.utf8.count == digits, let value = UInt32(text, radix: 16), let scalar = Unicode.Scalar(value) else {
            throw .syntax(line: line, cause: "an escape names no character")
        }
        advance(by: digits)
        return scalar
    }

    // MARK: Moving

    private mutating func advance(by count: Int = 1) {
        for _ in 0..<count where position < source.count {
            if source[position] == "\n" { line += 1 }
            position += 1
        }
    }

    private mutating func add(_ kind: TemplateToken.Kind, line: Int? = nil) {
        tokens.append(TemplateToken(kind: kind, line: line ?? self.line))
    }
}

extension Unicode.Scalar {
    fileprivate var isNamePart: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }
}
