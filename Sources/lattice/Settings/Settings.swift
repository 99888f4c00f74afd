import ArgumentParser
import Configuration
import Foundation
import SystemPackage

/// Settings from flags, the environment, a file and defaults, in this order.
struct Settings: Sendable {
    private let reader: ConfigReader

    /// A setting that cannot be used.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads the file, if one is named.
    ///
    /// - Parameter flags: values given on the command line; absent ones are `nil`.
    init(flags: [String: String?], file: String?) async throws {
        var providers: [any ConfigProvider] = []
        let given = flags.compactMapValues { $0 }
        providers.append(
            InMemoryProvider(
                values: Dictionary(
                    uniqueKeysWithValues: given.map { key, value in
                        (
                            AbsoluteConfigKey(key.split(separator: ".").map(String.init)),
                            ConfigValue(.string(value), isSecret: false)
                        )
                    }
                )
            )
        )
        providers.append(EnvironmentVariablesProvider().prefixKeys(with: ["lattice"]))
        if let file = file ?? ProcessInfo.processInfo.environment["LATTICE_CONFIG"] {
            do {
                providers.append(try await FileProvider<YAMLSnapshot>(filePath: FilePath(file)))
            } catch {
                throw Fault(description: "cannot read the settings in \(file): \(error)")
            }
        }
        reader = ConfigReader(providers: providers)
    }

    /// A text, or `nil` where it is not set.
    func text(_ key: String) -> String? {
        reader.string(forKey: ConfigKey(key)) ?? reader.int(forKey: ConfigKey(key)).map(String.init)
    }

    /// A text with a default.
    func text(_ key: String, default standard: String) -> String {
        text(key) ?? standard
    }

    /// A whole number within bounds.
    func number(_ key: String, default standard: Int, in range: ClosedRange<Int>) throws -> Int {
        try optionalNumber(key, in: range) ?? standard
    }

    /// A whole number within bounds, or `nil` where it is not set.
    func optionalNumber(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = text(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Fault(
                description:
                    "\(key) is '\(text)': it must be a whole number from \(range.lowerBound) to \(range.upperBound)."
                    + " Set it with --\(key.replacing(".", with: "-")) or \(Self.variable(key))."
            )
        }
        return number
    }

    /// One of the values that there are.
    func choice<Value: RawRepresentable<String> & CaseIterable>(_ key: String, default standard: Value) throws -> Value
    {
        guard let text = text(key) else { return standard }
        guard let value = Value(rawValue: text) else {
            throw Fault(
                description:
                    "\(key) is '\(text)': it must be \(Value.allCases.map(\.rawValue).joined(separator: " or "))."
                    + " Set it with --\(key.replacing(".", with: "-")) or \(Self.variable(key))."
            )
        }
        return value
    }

    /// Where this machine's own clients reach the server: a wildcard address stands for loopback.
    func ownURL(port: Int) -> String {
        let host = text("host", default: "127.0.0.1")
        let reachable = ["0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"][host] ?? host
        return "http://\(reachable.contains(":") && !reachable.hasPrefix("[") ? "[\(reachable)]" : reachable):\(port)"
    }

    private static func variable(_ key: String) -> String {
        "LATTICE_" + key.replacing(".", with: "_").uppercased()
    }
}
