/// A part of a model's answer.
public enum ChatOutputPart: Hashable, Sendable {
    /// What the model thinks before it answers.
    case reasoning(String)
    /// What it says.
    case content(String)
    /// What it wants its caller to run.
    case toolCall(ChatToolCall)
}

/// Splits a model's answer into thoughts, text and tool calls while it comes.
///
/// However the answer is cut, the parts are the same once neighbours of one kind are joined. A call is given when it is
/// whole; what looks like one and is none becomes content, with its marks, so nothing that the model says is lost except
/// white space around thoughts and calls.
public struct ChatOutputParser: Sendable {
    /// A call with more bytes is content: it would hold the stream up for ever.
    public static let callLimit = 256 << 10
    /// White space that is held back, as it is dropped before a call; more is content.
    private static let spaceLimit = 64
    /// Bytes that are looked at together.
    private static let step = 4096

    private enum State {
        /// Only white space so far, or since the thoughts or a call; `isAfter` says that there was one.
        case start(isAfter: Bool)
        case content
        case reasoning(hasText: Bool)
        /// A call begins at the front of what is pending.
        case call
    }

    private let format: ChatFormat
    /// The functions that the model was offered.
    private let tools: Set<String>
    private let marks: [[UInt8]]
    private var state: State
    private var mayThink: Bool
    private var pending: [UInt8] = []

    /// A parser at the start of an answer.
    ///
    /// - Parameter tools: the names of the functions that the model was offered; without any, nothing is taken for a call.
    /// - Parameter isThinking: whether the prompt has begun the thoughts, as those of R1 do.
    public init(format: ChatFormat, tools: some Sequence<String> = [], isThinking: Bool = false) {
        self.format = format
        self.tools = Set(tools)
        let syntax = self.tools.isEmpty ? nil : format.tools
        marks = (syntax.map(ToolCallReader.marks) ?? []).map { Array($0.utf8) }
        mayThink = format.thinking != nil
        let begins = isThinking && format.thinking != nil
        state = begins ? .reasoning(hasText: false) : .start(isAfter: false)
    }

    /// What ends the thoughts that the prompt has begun; empty where it has not.
    var endOfThoughts: String {
        if case .reasoning(hasText: false) = state, let thinking = format.thinking {
            thinking.close + "\n\n"
        } else {
            ""
        }
    }

    /// The parts that `text` completes.
    public mutating func append(_ text: String) -> [ChatOutputPart] { append(utf8: text.utf8) }

    /// The parts that these bytes complete; they may end inside a character.
    public mutating func append(utf8 bytes: some Collection<UInt8>) -> [ChatOutputPart] {
        var parts: [ChatOutputPart] = []
        var rest = bytes[...]
        // Little is ever pending, so what is taken off its front is moved cheaply.
        while !rest.isEmpty {
            pending += rest.prefix(Self.step)
            rest = rest.dropFirst(Self.step)
            advance(isWhole: false, into: &parts)
        }
        return parts
    }

    /// The rest, when no more text comes.
    public mutating func finish() -> [ChatOutputPart] {
        var parts: [ChatOutputPart] = []
        advance(isWhole: true, into: &parts)
        pending = []
        return parts
    }

    private mutating func advance(isWhole: Bool, into parts: inout [ChatOutputPart]) {
        while !pending.isEmpty {
            let goesOn =
                switch state {
                case .start(let isAfter): start(isAfter: isAfter, isWhole: isWhole)
                case .content: content(isWhole: isWhole, into: &parts)
                case .reasoning(let hasText): reasoning(hasText: hasText, isWhole: isWhole, into: &parts)
                case .call: call(isWhole: isWhole, into: &parts)
                }
            guard goesOn else { break }
        }
    }
}

// MARK: - States; each answers whether there may be more to do

extension ChatOutputParser {
    private mutating func start(isAfter: Bool, isWhole: Bool) -> Bool {
        // Space after thoughts or calls says nothing.
        if isAfter { pending.removeFirst(pending.firstIndex { !$0.isSpace } ?? pending.count) }
        guard let first = pending.firstIndex(where: { !$0.isSpace }), first <= Self.spaceLimit else {
            guard isWhole || pending.count > Self.spaceLimit else { return false }
            state = .content
            return true
        }
        let rest = pending[first...]
        if mayThink, let thinking = format.thinking {
            switch Self.compare(rest, Array(thinking.open.utf8)) {
            case .equal:
                mayThink = false
                pending.removeFirst(first + thinking.open.utf8.count)
                state = .reasoning(hasText: false)
                return true
            case .mayBecome where !isWhole: return false
            case .mayBecome, .different: break
            }
        }
        state = .content
        guard !tools.isEmpty, format.tools == .llama3 else { return true }
        // Calls after one another may have a semicolon between them.
        let call = isAfter && rest.first == UInt8(ascii: ";") ? rest.dropFirst().first { !$0.isSpace } : rest.first
        if call == UInt8(ascii: "{") {
            state = .call
        } else if call == nil, !isWhole {
            state = .start(isAfter: isAfter)
            return false
        }
        return true
    }

    private mutating func content(isWhole: Bool, into parts: inout [ChatOutputPart]) -> Bool {
        mayThink = false
        let mark = pending.indices.first { place in marks.contains { Self.compare(pending[place...], $0) == .equal } }
        guard let mark else {
            emit(isWhole ? pending.count : held(marks), .content, into: &parts)
            return false
        }
        let end = Self.withoutSpace(pending[..<mark])
        emit(end, .content, into: &parts)
        pending.removeFirst(mark - end)
        state = .call
        return true
    }

    private mutating func reasoning(hasText: Bool, isWhole: Bool, into parts: inout [ChatOutputPart]) -> Bool {
        guard let thinking = format.thinking else { return false }
        if !hasText {
            pending.removeFirst(pending.firstIndex { !$0.isSpace } ?? pending.count)
            // Some models repeat the mark with which the prompt ended.
            switch Self.compare(pending[...], Array(thinking.open.utf8)) {
            case .equal:
                pending.removeFirst(thinking.open.utf8.count)
                return true
            case .mayBecome where !isWhole: return false
            case .mayBecome, .different: break
            }
        }
        let close = Array(thinking.close.utf8)
        guard let place = pending.indices.first(where: { Self.compare(pending[$0...], close) == .equal }) else {
            let end = isWhole ? pending.count : held([close])
            if end > 0 { state = .reasoning(hasText: true) }
            emit(end, .reasoning, into: &parts)
            return false
        }
        let end = Self.withoutSpace(pending[..<place])
        emit(end, .reasoning, into: &parts)
        pending.removeFirst(place - end + close.count)
        mayThink = false
        state = .start(isAfter: true)
        return true
    }

    private mutating func call(isWhole: Bool, into parts: inout [ChatOutputPart]) -> Bool {
        guard let syntax = format.tools else { return false }
        var reader = ToolCallReader(pending, isWhole: isWhole)
        let found: ToolCallReader.Found?
        do { found = try reader.read(syntax) } catch { return refuse(into: &parts) }
        guard let found else {
            return pending.count > Self.callLimit ? refuse(into: &parts) : false
        }
        // An answer in JSON is no call just because it has a name.
        let isMarked = marks.contains { pending.starts(with: $0) }
        guard isMarked || found.calls.allSatisfy({ tools.contains($0.name) }), found.end <= Self.callLimit else {
            return refuse(into: &parts)
        }
        parts += found.calls.map { .toolCall($0) }
        pending.removeFirst(found.end)
        state = .start(isAfter: true)
        return true
    }

    /// Lets the mark be content, and looks for others after it.
    private mutating func refuse(into parts: inout [ChatOutputPart]) -> Bool {
        let mark = marks.first { pending.starts(with: $0) }
        emit(mark?.count ?? 1, .content, into: &parts)
        state = .content
        return true
    }
}

// MARK: - Bytes

extension ChatOutputParser {
    private enum Kind { case reasoning, content }
    private enum Comparison { case equal, mayBecome, different }

    /// Takes bytes off the front and adds them to the parts.
    private mutating func emit(_ count: Int, _ kind: Kind, into parts: inout [ChatOutputPart]) {
        guard count > 0 else { return }
        let text = String(decoding: pending.prefix(count), as: UTF8.self)
        pending.removeFirst(count)
        switch (kind, parts.last) {
        case (.content, .content(let before)): parts[parts.count - 1] = .content(before + text)
        case (.reasoning, .reasoning(let before)): parts[parts.count - 1] = .reasoning(before + text)
        case (.content, _): parts.append(.content(text))
        case (.reasoning, _): parts.append(.reasoning(text))
        }
    }

    /// How many bytes at the front cannot be a part of a mark, of the space before one, or of a character to come.
    private func held(_ marks: [[UInt8]]) -> Int {
        let longest = marks.map(\.count).max() ?? 0
        var end = pending.count - TokenDecoder.incompleteSuffix(of: pending)
        for place in pending.indices.suffix(longest)
        where marks.contains(where: { Self.compare(pending[place...], $0) == .mayBecome }) {
            end = min(end, place)
            break
        }
        return marks.isEmpty ? end : Self.withoutSpace(pending[..<end])
    }

    /// Where the white space at the end begins, as far as it is held back.
    private static func withoutSpace(_ bytes: ArraySlice<UInt8>) -> Int {
        var end = bytes.endIndex
        while end > bytes.startIndex, bytes.endIndex - end < spaceLimit, bytes[end - 1].isSpace { end -= 1 }
        return end
    }

    private static func compare(_ bytes: ArraySlice<UInt8>, _ mark: [UInt8]) -> Comparison {
        for (byte, expected) in zip(bytes, mark) where byte != expected { return .different }
        return bytes.count < mark.count ? .mayBecome : .equal
    }
}
