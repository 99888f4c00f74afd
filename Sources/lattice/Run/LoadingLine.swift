import Foundation
import NIOConcurrencyHelpers

/// A line that says that a model is being loaded, if that takes a while; gone when it is.
enum LoadingLine {
    /// What is quicker than this needs no line.
    private static let patience: Duration = .milliseconds(200)
    private static let interval: Duration = .milliseconds(100)

    /// Runs `body`, and shows `text` on standard error meanwhile.
    static func shown<Value: Sendable>(
        _ text: String,
        terminal: Terminal = .errors,
        while body: @Sendable () async throws -> Value
    ) async throws -> Value {
        guard terminal.isInteractive else { return try await body() }
        let picture = Task {
            try await Task.sleep(for: patience)
            let marks = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
            for step in 0... {
                terminal.write("\r" + "\(marks[step % marks.count]) \(text)".fitted(terminal.width - 1) + "\u{1B}[K")
                do { try await Task.sleep(for: interval) } catch { break }
            }
            terminal.write("\r\u{1B}[K")
        }
        do {
            let value = try await body()
            await end(picture)
            return value
        } catch {
            await end(picture)
            throw error
        }
    }

    private static func end(_ picture: Task<Void, any Error>) async {
        picture.cancel()
        _ = await picture.result
    }
}
