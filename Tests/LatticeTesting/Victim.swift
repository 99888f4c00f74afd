import Foundation

/// A process that runs one test of this program, to be killed.
public struct Victim {
    private let process = Process()

    /// Starts it.
    ///
    /// - Parameters:
    ///   - test: what the test's name begins with.
    ///   - variables: added to the environment; they tell the test that it is the victim.
    public init(running test: String, _ variables: [String: String]) throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        var arguments = Array(CommandLine.arguments.dropFirst())
        if let filter = arguments.firstIndex(of: "--filter") { arguments.removeSubrange(filter...filter + 1) }
        process.arguments = arguments + ["--filter", test]
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    /// Whether it has not ended by itself.
    public var isRunning: Bool { process.isRunning }

    /// Ends it without warning.
    public func kill() {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
