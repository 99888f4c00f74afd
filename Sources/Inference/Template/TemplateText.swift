/// Text that remembers which of its parts came from the conversation.
///
/// Parts keep their origin through cutting, joining and changing, so that a prompt can say of each character whether the
/// template's author or a user wrote it. Two texts are equal when their characters are.
///
/// It counts and compares Unicode scalars, as Python does, and not grapheme clusters.
struct TemplateText: Sendable {
    private(set) var scalars: [Unicode.Scalar] = []
    /// What came from the conversation: places in `scalars`, in order, apart from one another.
    private(set) var untrusted: [Range<Int>] = []

    init() {}

    init(_ text: some StringProtocol, isTrusted: Bool = true) {
        scalars = Array(text.unicodeScalars)
        if !isTrusted, !scalars.isEmpty { untrusted = [0..<scalars.count] }
    }

    init(_ scalars: some Sequence<Unicode.Scalar>) {
        self.scalars = Array(scalars)
    }

    var count: Int { scalars.count }
    var isEmpty: Bool { scalars.isEmpty }
    var string: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    mutating func append(_ other: TemplateText) {
        let offset = scalars.count
        scalars += other.scalars
        for range in other.untrusted { addUntrusted(range.lowerBound + offset..<range.upperBound + offset) }
    }

    mutating func append(_ scalar: Unicode.Scalar, isTrusted: Bool) {
        scalars.append(scalar)
        if !isTrusted { addUntrusted(scalars.count - 1..<scalars.count) }
    }

    private mutating func addUntrusted(_ range: Range<Int>) {
        if let last = untrusted.last, last.upperBound == range.lowerBound {
            untrusted[untrusted.count - 1] = last.lowerBound..<range.upperBound
        } else {
            untrusted.append(range)
        }
    }

    /// The part at a range of scalars, which is clamped to the text.
    subscript(range: Range<Int>) -> TemplateText {
        let range = range.clamped(to: 0..<count)
        var part = TemplateText(scalars[range])
        guard !range.isEmpty else { return part }
        for other in untrusted[firstUntrusted(endingAfter: range.lowerBound)...] {
            guard other.lowerBound < range.upperBound else { break }
            let common = other.clamped(to: range)
            part.addUntrusted(common.lowerBound - range.lowerBound..<common.upperBound - range.lowerBound)
        }
        return part
    }

    /// The place in `untrusted` of the first range that ends after a scalar, found by halving.
    private func firstUntrusted(endingAfter place: Int) -> Int {
        var low = 0
        var high = untrusted.count
        while low < high {
            let middle = (low + high) / 2
            if untrusted[middle].upperBound <= place { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The text with each scalar replaced by others of the same origin.
    func mapScalars(_ transform: (Unicode.Scalar) -> String.UnicodeScalarView) -> TemplateText {
        var result = TemplateText()
        var ranges = untrusted[...]
        for (index, scalar) in scalars.enumerated() {
            while let first = ranges.first, first.upperBound <= index { ranges.removeFirst() }
            let isTrusted = ranges.first.map { !$0.contains(index) } ?? true
            for other in transform(scalar) { result.append(other, isTrusted: isTrusted) }
        }
        return result
    }

    static func + (left: TemplateText, right: TemplateText) -> TemplateText {
        var result = left
        result.append(right)
        return result
    }
}

extension TemplateText: Hashable {
    static func == (left: TemplateText, right: TemplateText) -> Bool { left.scalars == right.scalars }

    func hash(into hasher: inout Hasher) { hasher.combine(scalars) }
}

extension TemplateText: ExpressibleByStringLiteral {
    init(stringLiteral text: String) { self.init(text) }
}

// MARK: - Searching and cutting

extension TemplateText {
    /// Where `other` begins, at `start` or after; found in time linear in both (Knuth, Morris and Pratt).
    func firstPlace(of other: TemplateText, from start: Int = 0) -> Int? {
        guard start >= 0, other.count <= count - start else { return nil }
        let wanted = other.scalars
        guard let first = wanted.first else { return start }
        // Most searches are for short texts that are not there: no table before the first character is seen.
        guard var place = scalars[start...].firstIndex(of: first) else { return nil }
        // For each length of a match, how much of it is also its own beginning.
        var overlaps = [Int](repeating: 0, count: wanted.count)
        var length = 0
        for index in 1..<max(wanted.count, 1) {
            while length > 0, wanted[index] != wanted[length] { length = overlaps[length - 1] }
            if wanted[index] == wanted[length] { length += 1 }
            overlaps[index] = length
        }
        var matched = 0
        while place < count {
            while matched > 0, scalars[place] != wanted[matched] { matched = overlaps[matched - 1] }
            if scalars[place] == wanted[matched] { matched += 1 }
            place += 1
            if matched == wanted.count { return place - matched }
        }
        return nil
    }

    /// The places where `other` begins, apart from one another, from the front.
    func places(of other: TemplateText, limit: Int = .max) -> [Int] {
        var places: [Int] = []
        var start = 0
        while places.count < limit, let place = firstPlace(of: other, from: start) {
            places.append(place)
            start = place + max(other.count, 1)
        }
        return places
    }

    func hasPrefix(_ other: TemplateText) -> Bool { has(other, at: 0) }

    func hasSuffix(_ other: TemplateText) -> Bool { has(other, at: count - other.count) }

    private func has(_ other: TemplateText, at place: Int) -> Bool {
        guard place >= 0, place + other.count <= count else { return false }
        for offset in 0..<other.count where scalars[place + offset] != other.scalars[offset] { return false }
        return true
    }

    /// The text without the given scalars at its ends; whitespace when none are given.
    func trimmed(_ unwanted: TemplateText? = nil, start: Bool = true, end: Bool = true) -> TemplateText {
        let unwanted = unwanted.map { Set($0.scalars) }
        func isUnwanted(_ scalar: Unicode.Scalar) -> Bool {
            unwanted?.contains(scalar) ?? scalar.isTemplateWhitespace
        }
        var range = 0..<count
        if start { while let first = range.first, isUnwanted(scalars[first]) { range = first + 1..<range.upperBound } }
        if end { while let last = range.last, isUnwanted(scalars[last]) { range = range.lowerBound..<last } }
        return self[range]
    }

    /// The parts between the places where `separator` stands, at most `limit` cuts made from the front.
    func split(by separator: TemplateText, limit: Int = .max) -> [TemplateText] {
        var parts: [TemplateText] = []
        var start = 0
        for place in places(of: separator, limit: limit) {
            parts.append(self[start..<place])
            start = place + separator.count
        }
        parts.append(self[start..<count])
        return parts
    }

    /// The parts between runs of whitespace, none of them empty.
    func splitAtWhitespace(limit: Int = .max) -> [TemplateText] {
        var parts: [TemplateText] = []
        var start = 0
        while true {
            while start < count, scalars[start].isTemplateWhitespace { start += 1 }
            guard start < count else { return parts }
            guard parts.count < limit else { return parts + [self[start..<count].trimmed(start: false)] }
            var end = start
            while end < count, !scalars[end].isTemplateWhitespace { end += 1 }
            parts.append(self[start..<end])
            start = end
        }
    }
}

extension Unicode.Scalar {
    /// Whether Python's `str.isspace` holds: Unicode's white space and the four information separators.
    var isTemplateWhitespace: Bool {
        switch value {
        case 0x20, 0x09...0x0D, 0x1C...0x1F: true
        case 0..<0x80: false
        default: properties.isWhitespace
        }
    }
}
