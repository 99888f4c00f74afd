/// Runs a template over a conversation.
///
/// Time, memory and the depth of calls are bounded, whatever the template: each step is counted, text and lists cost steps by
/// their length, and no value nests deeper than a limit.
struct TemplateInterpreter {
    /// What one run may use.
    struct Limits: Sendable {
        /// A long conversation takes some hundred steps a message.
        var steps = 1_000_000
        /// The length of one text in scalars: four million make about a million tokens, more than any published context.
        var text = 1 << 22
        /// Blocks, expressions and macros under way, one within another.
        var depth = 192
        /// Values within values.
        var valueDepth = 48
        /// Values in one value.
        var valueSize = 200_000
    }

    /// How a statement ended.
    private enum Flow { case onward, breakLoop, continueLoop }

    /// Names and their values, in one block.
    private struct Scope {
        var values: [String: TemplateValue] = [:]
        /// The place of the scope around it, in the stack.
        var parent: Int?
    }

    private struct BoundMacro {
        var macro: TemplateMacro
        var scope: Int
    }

    let limits: Limits
    /// Seconds since 1970 in UTC, for `strftime_now`; without it the template does not know that function.
    let now: Int64?
    private var scopes: [Scope] = [Scope()]
    private var currentScope = 0
    private var macros: [BoundMacro] = []
    var namespaces: [[String: TemplateValue]] = []
    private var output = TemplateText()
    private var captured = TemplateText()
    private var steps = 0
    private var depth = 0
    /// The line of what is being evaluated, for errors.
    var line = 1

    init(variables: [String: TemplateValue], now: Int64?, limits: Limits = Limits()) {
        self.limits = limits
        self.now = now
        scopes[0].values = variables
    }

    /// The text that a template's statements write.
    mutating func run(_ statements: [TemplateStatement]) throws(TemplateError) -> TemplateText {
        guard try execute(statements) == .onward else { throw fault("break or continue outside a loop") }
        return output
    }

    // MARK: Bounds

    func fault(_ cause: String) -> TemplateError { .evaluation(line: line, cause: cause) }

    /// Counts work.
    mutating func charge(_ count: Int = 1) throws(TemplateError) {
        steps += count
        guard steps <= limits.steps else { throw .overLimit(.steps, line: line) }
    }

    /// Counts the making of a text, and checks its length.
    mutating func checked(_ text: TemplateText) throws(TemplateError) -> TemplateText {
        guard text.count <= limits.text else { throw .overLimit(.text, line: line) }
        try charge(text.count / 64)
        return text
    }

    /// Counts the making of a value, and checks its size.
    mutating func checked(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .text(let text): _ = try checked(text)
        case .list(let list): try charge(list.elements.count / 4)
        case .mapping(let mapping): try charge(mapping.entries.count / 4)
        default: return value
        }
        guard value.depth <= limits.valueDepth else { throw .overLimit(.nesting, line: line) }
        guard value.size <= limits.valueSize else { throw .overLimit(.steps, line: line) }
        return value
    }

    /// Counts what looking at all of two values takes.
    mutating func chargeComparison(_ left: TemplateValue, _ right: TemplateValue) throws(TemplateError) {
        switch (left, right) {
        case (.text(let left), .text(let right)) where left.count == right.count: try charge(left.count / 64)
        case (.list, .list), (.mapping, .mapping): try charge(min(left.size, right.size) / 4)
        default: break
        }
    }

    /// Goes one level deeper; whoever calls it leaves again.
    mutating func enter() throws(TemplateError) {
        guard depth < limits.depth else { throw .overLimit(.nesting, line: line) }
        depth += 1
    }

    mutating func leave() { depth -= 1 }

    // MARK: Names

    func value(named name: String) -> TemplateValue? {
        var scope: Int? = currentScope
        while let place = scope {
            if let value = scopes[place].values[name] { return value }
            scope = scopes[place].parent
        }
        return nil
    }

    private mutating func assign(
        _ value: TemplateValue,
        to target: TemplateStatement.Target
    ) throws(TemplateError) {
        switch target {
        case .name(let name):
            scopes[currentScope].values[name] = value
        case .attribute(let name, let attribute):
            guard case .namespace(let number) = self.value(named: name) else {
                throw fault("\(name) is not a namespace, so \(name).\(attribute) cannot be set")
            }
            namespaces[number][attribute] = value
        case .names(let names):
            let parts = try elements(of: value)
            guard parts.count == names.count else {
                throw fault("\(parts.count) values for \(names.count) names")
            }
            for (name, part) in zip(names, parts) { scopes[currentScope].values[name] = part }
        }
    }

    /// Runs `body` in a scope of its own; names it sets are gone afterwards.
    private mutating func scoped<Result>(
        in parent: Int,
        _ body: (inout TemplateInterpreter) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        let outer = currentScope
        scopes.append(Scope(parent: parent))
        currentScope = scopes.count - 1
        defer {
            scopes.removeLast()
            currentScope = outer
        }
        return try body(&self)
    }

    /// The text that `body` writes, which does not go to the prompt.
    private mutating func capturing(
        _ body: (inout TemplateInterpreter) throws(TemplateError) -> Void
    ) throws(TemplateError) -> TemplateText {
        let outer = output
        output = TemplateText()
        defer { output = outer }
        try body(&self)
        return output
    }

    // MARK: Statements

    private mutating func execute(_ statements: [TemplateStatement]) throws(TemplateError) -> Flow {
        for statement in statements {
            line = statement.line
            try charge()
            let flow = try execute(statement.kind)
            if flow != .onward { return flow }
        }
        return .onward
    }

    private mutating func execute(_ kind: TemplateStatement.Kind) throws(TemplateError) -> Flow {
        try enter()
        defer { leave() }
        switch kind {
        case .text(let text):
            try write(text)
        case .output(let expression):
            try write(try self.text(of: try evaluate(expression)))
        case .set(let target, let expression):
            try assign(try evaluate(expression), to: target)
        case .capture(let target, let body, let expression):
            try capture(body, through: expression, to: target)
        case .conditional(let branches, let otherwise):
            for branch in branches where try evaluate(branch.condition).isTrue { return try execute(branch.body) }
            return try execute(otherwise)
        case .loop(let loop):
            try execute(loop)
        case .macro(let macro):
            scopes[currentScope].values[macro.name] = .macro(macros.count)
            macros.append(BoundMacro(macro: macro, scope: currentScope))
        case .breakLoop:
            return .breakLoop
        case .continueLoop:
            return .continueLoop
        }
        return .onward
    }

    private mutating func write(_ text: TemplateText) throws(TemplateError) {
        guard output.count + text.count <= limits.text else { throw .overLimit(.text, line: line) }
        try charge(text.count / 64)
        output.append(text)
    }

    private mutating func capture(
        _ body: [TemplateStatement],
        through expression: TemplateExpression,
        to target: TemplateStatement.Target?
    ) throws(TemplateError) {
        let scope = currentScope
        let outer = captured
        defer { captured = outer }
        captured = try capturing { interpreter throws(TemplateError) in
            _ = try interpreter.scoped(in: scope) { inner throws(TemplateError) in try inner.execute(body) }
        }
        let value = try evaluate(expression)
        if let target {
            try assign(value, to: target)
        } else {
            try write(try text(of: value))
        }
    }

    /// What a block around a filter wrote.
    var capturedText: TemplateText { captured }

    private mutating func execute(_ loop: TemplateStatement.Loop) throws(TemplateError) {
        let parent = currentScope
        var elements = try elements(of: try evaluate(loop.sequence))
        if let condition = loop.condition {
            var kept: [TemplateValue] = []
            for element in elements {
                let isKept = try scoped(in: parent) { inner throws(TemplateError) in
                    try inner.assign(element, to: loop.target)
                    return try inner.evaluate(condition).isTrue
                }
                if isKept { kept.append(element) }
            }
            elements = kept
        }
        if elements.isEmpty {
            _ = try scoped(in: parent) { inner throws(TemplateError) in try inner.execute(loop.otherwise) }
            return
        }
        let list = TemplateList(elements)
        for (index, element) in elements.enumerated() {
            let state = TemplateLoopState(index0: index, list: list)
            let flow = try scoped(in: parent) { inner throws(TemplateError) in
                try inner.charge()
                try inner.assign(element, to: loop.target)
                inner.scopes[inner.currentScope].values["loop"] = .loop(state)
                return try inner.execute(loop.body)
            }
            if flow == .breakLoop { return }
        }
    }

    /// The text of a macro for some arguments.
    mutating func call(_ number: Int, _ arguments: TemplateCall) throws(TemplateError) -> TemplateValue {
        try enter()
        defer { leave() }
        let bound = macros[number]
        let macro = bound.macro
        guard arguments.positional.count <= macro.parameters.count else {
            throw fault("\(macro.name) takes \(macro.parameters.count) arguments, not \(arguments.positional.count)")
        }
        for name in arguments.named.keys where !macro.parameters.contains(where: { $0.name == name }) {
            throw fault("\(macro.name) has no argument \(name)")
        }
        // The scope where a macro was defined may be over when it was handed out of a loop; the template's own is always there.
        let parent = bound.scope < scopes.count ? bound.scope : 0
        let text = try capturing { interpreter throws(TemplateError) in
            _ = try interpreter.scoped(in: parent) { inner throws(TemplateError) in
                for (index, parameter) in macro.parameters.enumerated() {
                    let value: TemplateValue
                    if index < arguments.positional.count {
                        value = arguments.positional[index]
                    } else if let named = arguments.named[parameter.name] {
                        value = named
                    } else if let standard = parameter.standard {
                        value = try inner.evaluate(standard)
                    } else {
                        value = .undefined(parameter.name)
                    }
                    inner.scopes[inner.currentScope].values[parameter.name] = value
                }
                return try inner.execute(macro.body)
            }
        }
        return .text(text)
    }
}

/// The evaluated arguments of a call, filter or test.
struct TemplateCall {
    var positional: [TemplateValue] = []
    var named: [String: TemplateValue] = [:]

    /// The argument at a place or with a name.
    func argument(_ index: Int, _ name: String) -> TemplateValue? {
        index < positional.count ? positional[index] : named[name]
    }

    func text(_ index: Int, _ name: String) -> TemplateText? {
        guard case .text(let text) = argument(index, name) else { return nil }
        return text
    }

    func integer(_ index: Int, _ name: String) -> Int? { argument(index, name)?.integer }

    func isTrue(_ index: Int, _ name: String) -> Bool? { argument(index, name)?.isTrue }
}
