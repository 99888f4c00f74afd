/// What a scenario expected and did not find, with the place that says so.
public struct ScenarioFailure: Error, CustomStringConvertible {
    /// The file, the line and what was wrong.
    public let description: String

    init(_ problem: String, _ file: StaticString, _ line: UInt) {
        description = "\(file):\(line): \(problem)"
    }
}

/// Checks a condition.
public func expect(
    _ condition: Bool,
    _ problem: @autoclosure () -> String = "it does not hold",
    file: StaticString = #fileID,
    line: UInt = #line
) throws(ScenarioFailure) {
    guard condition else { throw ScenarioFailure(problem(), file, line) }
}

/// Checks that two values are equal, and shows both where they are not.
public func expect<Value: Equatable>(
    _ value: Value,
    is expected: Value,
    _ what: @autoclosure () -> String = "",
    file: StaticString = #fileID,
    line: UInt = #line
) throws(ScenarioFailure) {
    guard value == expected else {
        throw ScenarioFailure("\(what()) expected \(expected), found \(value)", file, line)
    }
}

/// A value that must be there.
public func require<Value>(
    _ value: Value?,
    _ problem: @autoclosure () -> String = "there is no value",
    file: StaticString = #fileID,
    line: UInt = #line
) throws(ScenarioFailure) -> Value {
    guard let value else { throw ScenarioFailure(problem(), file, line) }
    return value
}
