/// The key-value part of a GGUF file, with accessors that say which file and key are wrong.
public struct GGUFMetadata: Sendable {
    /// The name of the file, for errors.
    public let file: String
    private let values: [String: GGUFValue]

    /// Metadata made of `values`, as a file named `file` would carry them.
    public init(file: String, values: [String: GGUFValue]) {
        self.file = file
        self.values = values
    }

    /// All keys, in no particular order.
    public var keys: some Collection<String> { values.keys }

    /// The value of `key`, or `nil` if the file lacks it.
    public subscript(key: String) -> GGUFValue? { values[key] }

    /// The text at `key`.
    public func string(_ key: String) throws(GGUFError) -> String {
        let value = try required(key)
        guard case .string(let text) = value else { throw mismatch(key, "a string", value) }
        return text
    }

    /// The integer at `key`, which must not be negative.
    public func uint(_ key: String) throws(GGUFError) -> UInt64 {
        let value = try required(key)
        switch value {
        case .uint(let number): return number
        case .int(let number) where number >= 0: return UInt64(number)
        default: throw mismatch(key, "an unsigned integer", value)
        }
    }

    /// The integer at `key`, which must fit `Int`.
    public func int(_ key: String) throws(GGUFError) -> Int {
        let value = try required(key)
        switch value {
        case .uint(let number):
            guard let number = Int(exactly: number) else { throw error(key, .outOfRange("64 signed bits")) }
            return number
        case .int(let number): return Int(number)
        default: throw mismatch(key, "an integer", value)
        }
    }

    /// The number at `key`.
    public func double(_ key: String) throws(GGUFError) -> Double {
        let value = try required(key)
        switch value {
        case .float(let number): return number
        case .uint(let number): return Double(number)
        case .int(let number): return Double(number)
        default: throw mismatch(key, "a number", value)
        }
    }

    /// The truth value at `key`.
    public func bool(_ key: String) throws(GGUFError) -> Bool {
        let value = try required(key)
        guard case .bool(let flag) = value else { throw mismatch(key, "a boolean", value) }
        return flag
    }

    /// The array of strings at `key`.
    public func strings(_ key: String) throws(GGUFError) -> [String] {
        let value = try required(key)
        guard case .strings(let list) = value else { throw mismatch(key, "an array of strings", value) }
        return list
    }

    /// The array of integers at `key`.
    public func ints(_ key: String) throws(GGUFError) -> [Int64] {
        let value = try required(key)
        guard case .ints(let list) = value else { throw mismatch(key, "an array of integers", value) }
        return list
    }

    /// The array of floats at `key`.
    public func floats(_ key: String) throws(GGUFError) -> [Float] {
        let value = try required(key)
        switch value {
        case .floats(let list): return list
        case .doubles(let list): return list.map { Float($0) }
        default: throw mismatch(key, "an array of floats", value)
        }
    }

    private func required(_ key: String) throws(GGUFError) -> GGUFValue {
        guard let value = values[key] else { throw error(key, .missing) }
        return value
    }

    private func mismatch(_ key: String, _ expected: String, _ value: GGUFValue) -> GGUFError {
        error(key, .wrongType(expected: expected, found: value.kind))
    }

    private func error(_ key: String, _ problem: GGUFError.Problem) -> GGUFError {
        GGUFError(file: file, field: key, problem: problem)
    }
}
