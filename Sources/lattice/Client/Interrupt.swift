import Dispatch
import Foundation
import NIOConcurrencyHelpers

/// Ctrl-C as the end of one piece of work instead of the program.
enum Interrupt {
    /// What Ctrl-C ends at the moment; nothing while a person is typing.
    private static let work = NIOLockedValueBox<(@Sendable () -> Void)?>(nil)

    /// One source for the life of the process, since a second one for the same signal may miss it.
    ///
    /// Unsafe only for the type checker: it is made once and never touched again.
    nonisolated(unsafe) private static let source: any DispatchSourceSignal = {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler {
            if let cancel = work.withLockedValue({ $0 }) { cancel() } else { StandardError.print("  (Ctrl-D ends)") }
        }
        source.resume()
        return source
    }()

    /// Runs the work and cancels it on SIGINT.
    static func cancelling<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        _ = unsafe source
        let task = Task { try await body() }
        work.withLockedValue { $0 = { task.cancel() } }
        defer { work.withLockedValue { $0 = nil } }
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
