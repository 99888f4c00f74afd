/// What an expression of a template evaluates to.
///
/// Only values: nothing a template builds refers back to itself, so a prompt leaves nothing behind in memory.
enum TemplateValue: Sendable {
    /// What a name or key that does not exist gives, with its name. It prints as nothing and is false, and has no parts.
    case undefined(String)
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    case text(TemplateText)
    case list(TemplateList)
    case mapping(TemplateMapping)
    /// The number of a `namespace` among those of the run.
    case namespace(Int)
    case loop(TemplateLoopState)
    case function(String)
    /// The number of a macro among those of the run.
    case macro(Int)
    indirect case method(String, of: TemplateValue)

    static func text(_ string: String) -> TemplateValue { .text(TemplateText(string)) }

    /// Jinja's truth: empty, zero, none and undefined are false.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .float(let number): number != 0
        case .text(let text): !text.isEmpty
        case .list(let list): !list.elements.isEmpty
        case .mapping(let mapping): !mapping.entries.isEmpty
        case .namespace, .loop, .function, .macro, .method: true
        }
    }

    /// The value as a number where Python would calculate with it.
    var number: Double? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let number): Double(number)
        case .float(let number): number
        default: nil
        }
    }

    /// The value as an integer where Python would index with it.
    var integer: Int? {
        switch self {
        case .bool(let flag): flag ? 1 : 0
        case .integer(let number): number
        default: nil
        }
    }

    /// How many values lie within one another.
    var depth: Int {
        switch self {
        case .list(let list): list.depth
        case .mapping(let mapping): mapping.depth
        case .loop(let loop): loop.list.depth + 1
        case .method(_, let receiver): receiver.depth + 1
        default: 0
        }
    }

    /// How many values it is made of; what comparing or printing it takes.
    var size: Int {
        switch self {
        case .list(let list): list.size
        case .mapping(let mapping): mapping.size
        default: 1
        }
    }

    /// Python's `==`.
    func isEqual(to other: TemplateValue) -> Bool {
        switch (self, other) {
        case (.undefined, .undefined), (.none, .none): true
        case (.text(let left), .text(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.list(let left), .list(let right)):
            left.elements.count == right.elements.count
                && zip(left.elements, right.elements).allSatisfy { $0.isEqual(to: $1) }
        case (.mapping(let left), .mapping(let right)):
            left.entries.count == right.entries.count
                && left.entries.allSatisfy { entry in right[entry.key]?.isEqual(to: entry.value) ?? false }
        case (.namespace(let left), .namespace(let right)): left == right
        case (.macro(let left), .macro(let right)): left == right
        case (.function(let left), .function(let right)): left == right
        default:
            switch (number, other.number) {
            case (let left?, let right?): left == right
            default: false
            }
        }
    }

    /// What it is, for error messages.
    var kind: String {
        switch self {
        case .undefined: "undefined"
        case .none: "none"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .float: "a float"
        case .text: "a string"
        case .list: "a list"
        case .mapping: "a mapping"
        case .namespace: "a namespace"
        case .loop: "a loop"
        case .function, .macro, .method: "a function"
        }
    }
}

/// A list or tuple, which prints with the brackets of a list.
struct TemplateList: Sendable {
    let elements: [TemplateValue]
    let depth: Int
    /// How many values it holds in all; one that it holds twice counts twice.
    let size: Int

    init(_ elements: [TemplateValue]) {
        self.elements = elements
        var depth = 0
        var size = 1
        for element in elements {
            depth = max(depth, element.depth)
            size = size.addingReportingOverflow(element.size).partialValue
        }
        self.depth = depth + 1
        self.size = size
    }
}

/// A dictionary in the order in which its keys came.
struct TemplateMapping: Sendable {
    /// What a key is told apart by.
    private enum Key: Hashable {
        case none
        case number(Double)
        case text(TemplateText)

        init?(_ value: TemplateValue) {
            switch value {
            case .none: self = .none
            case .text(let text): self = .text(text)
            default:
                guard let number = value.number else { return nil }
                self = .number(number)
            }
        }
    }

    private(set) var entries: [(key: TemplateValue, value: TemplateValue)] = []
    private var places: [Key: Int] = [:]
    private(set) var depth = 1
    private(set) var size = 1

    init() {}

    init(_ entries: [(key: TemplateValue, value: TemplateValue)]) {
        for entry in entries { insert(entry.value, for: entry.key) }
    }

    /// Adds or replaces an entry.
    ///
    /// - Returns: false for a key that Python could not hash either, such as a list.
    @discardableResult
    mutating func insert(_ value: TemplateValue, for key: TemplateValue) -> Bool {
        guard let place = Key(key) else { return false }
        depth = max(depth, 1 + value.depth)
        size = size.addingReportingOverflow(value.size + 1).partialValue
        if let old = places[place] {
            entries[old].value = value
        } else {
            places[place] = entries.count
            entries.append((key, value))
        }
        return true
    }

    subscript(key: TemplateValue) -> TemplateValue? {
        Key(key).flatMap { places[$0] }.map { entries[$0].value }
    }

    subscript(name: String) -> TemplateValue? { self[.text(name)] }
}

/// What `loop` knows in the body of a `for`.
struct TemplateLoopState: Sendable {
    var index0: Int
    var list: TemplateList

    /// An attribute of `loop`, or `nil` if it has none of that name.
    subscript(name: String) -> TemplateValue? {
        let elements = list.elements
        return switch name {
        case "index": .integer(index0 + 1)
        case "index0": .integer(index0)
        case "revindex": .integer(elements.count - index0)
        case "revindex0": .integer(elements.count - index0 - 1)
        case "first": .bool(index0 == 0)
        case "last": .bool(index0 == elements.count - 1)
        case "length": .integer(elements.count)
        case "previtem": index0 > 0 ? elements[index0 - 1] : .undefined("loop.previtem")
        case "nextitem": index0 + 1 < elements.count ? elements[index0 + 1] : .undefined("loop.nextitem")
        default: nil
        }
    }
}
