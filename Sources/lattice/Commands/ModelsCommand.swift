import ArgumentParser
import Foundation
import Inference

/// Lists the models on this machine.
struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models",
        abstract: "List the models on this machine.",
        aliases: ["list", "ls"]
    )

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let store = try await options.store()
        let rows = store.models().map(ModelRow.init)
        if json {
            print(try JSON.text(rows))
            return
        }
        var table = TextTable(
            ["NAME", "SIZE", "QUANT", "PARAMETERS", "ARCHITECTURE", "CONTEXT", "DIGEST"],
            right: [1, 3, 5]
        )
        for row in rows { table.add(row.cells) }
        let terminal = Terminal.output
        print(table.text(width: terminal.isInteractive ? terminal.width : nil) { terminal.styled($0, .bold) })
    }
}

/// A model in the list.
struct ModelRow: Encodable {
    var name: String
    var path: String
    var origin: String
    var source: String?
    var pulled_at: String?
    /// Absent for files that nobody has hashed.
    var fingerprint: String?
    var summary: ModelSummary?
    /// Why it cannot be used, or absent.
    var fault: String?

    init(_ model: StoredModel) {
        name = model.name
        path = model.path
        fingerprint = model.knownFingerprint
        switch model.origin {
        case .bundled: origin = "bundled"
        case .file: origin = "file"
        case .pulled(let manifest):
            origin = "pulled"
            source = manifest.source
            pulled_at = manifest.pulledAt
        }
        do {
            summary = try model.summary()
            fault = summary?.fault
            // It is small, and the one that every example uses.
            if case .bundled = model.origin { fingerprint = try GGUFFile(path: model.path).fingerprint }
        } catch {
            fault = "\(error)"
        }
    }

    /// What the table shows.
    var cells: [String] {
        guard let summary else {
            return [name.printable, "", "", "", "cannot be read: \(fault ?? "")".printable, "", ""]
        }
        return [
            name.printable, ByteText.of(summary.size), summary.quantization,
            CountText.of(summary.parameters) + (summary.shards > 1 ? " (\(summary.shards) files)" : ""),
            summary.architecture.printable + (fault == nil ? "" : " (cannot be run)"),
            summary.contextLength.map(CountText.whole) ?? "", fingerprint.map { String($0.prefix(12)) } ?? "",
        ]
    }
}
