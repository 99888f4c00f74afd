import Foundation
import LatticeTesting
import NIOConcurrencyHelpers
import NIOHTTP1

@testable import EngineAdapters

/// A real llama.cpp server with the default model, if it is installed.
final class LlamaServer: Sendable {
    /// Why tests with it are skipped.
    static let absence = "llama.cpp's server is not installed: scripts/llama-server.sh"

    private let process: NIOLockedValueBox<Process>
    let url: String

    /// The Python that runs it.
    static let python: String? = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache"
        let folder = environment["LATTICE_LLAMA_SERVER"] ?? cache + "/lattice/llama-server"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return versions.sorted().last { FileManager.default.fileExists(atPath: "\(folder)/\($0)/whole") }
            .map { "\(folder)/\($0)/bin/python" }
    }()

    private static let package = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL
    static let model = package.appending(path: "Models/lattice-tiny-q8_0.gguf").path(percentEncoded: false)

    /// Starts one, and waits until it answers.
    init(model: String = LlamaServer.model, _ arguments: String...) throws {
        guard let python = Self.python else { throw Absent() }
        let process = Process()
        process.executableURL = URL(filePath: python)
        let script = Self.package.appending(path: "scripts/llama-server.py").path(percentEncoded: false)
        process.arguments = [script, model] + arguments
        let output = Pipe()
        process.standardInput = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.hasSuffix("\n") {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw Absent() }
            text += String(decoding: bytes, as: UTF8.self)
        }
        url = String(text.split(separator: " ").last ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
        self.process = NIOLockedValueBox(process)
    }

    deinit { kill() }

    /// Ends it without warning.
    func kill() {
        process.withLockedValue { process in
            guard process.isRunning else { return }
            Foundation.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    private struct Slot: Decodable { var is_processing: Bool }

    /// How many of its slots work.
    func busySlots() async throws -> Int {
        let client = EngineClient(address: try EngineAddress(url), key: nil, options: RemoteEngineOptions())
        return try await client.call(.GET, "/slots", as: [Slot].self).filter(\.is_processing).count
    }

    struct Absent: Error {}
}
