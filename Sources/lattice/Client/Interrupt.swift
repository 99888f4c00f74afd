import Dispatch
import Foundation

/// Ctrl-C as the end of one piece of work instead of the program.
enum Interrupt {
    /// Runs the work and cancels it on SIGINT.
    static func cancelling<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        defer {
            source.cancel()
            signal(SIGINT, SIG_DFL)
        }
        let task = Task { try await work() }
        source.setEventHandler { task.cancel() }
        source.resume()
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// Text for people that must not mix with the answer.
enum StandardError {
    static func print(_ text: String, terminator: String = "\n") {
        FileHandle.standardError.write(Data((text + terminator).utf8))
    }
}

/// Output for programs.
enum JSON {
    /// A value as indented JSON with sorted keys.
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
