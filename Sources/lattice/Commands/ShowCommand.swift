import ArgumentParser
import Foundation
import Inference

/// Tells what a model's file says of itself.
struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Tell what a model is, and whether it can be run here."
    )

    @Argument(help: "A model of 'lattice models', or a GGUF file.")
    var model: String

    @Flag(help: "Print every tensor: name, shape, type, size.")
    var tensors = false

    @Flag(help: "Print the chat template alone.")
    var template = false

    @Flag(help: "Print every key of the metadata.")
    var metadata = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let model = try await options.store().model(model)
        let file = try GGUFFile(path: model.path)
        if json {
            print(try JSON.text(ModelDescription(model, file, hasTensors: tensors, hasMetadata: metadata)))
            return
        }
        if template {
            guard case .string(let text)? = file.metadata["tokenizer.chat_template"] else {
                throw ModelStore.Fault(description: "\(model.name) has no chat template; it is asked in ChatML's form.")
            }
            let isShown = Terminal.output.isInteractive
            print(isShown ? text.withoutControls : text, terminator: text.hasSuffix("\n") ? "" : "\n")
            return
        }
        let terminal = Terminal.output
        if !tensors && !metadata { print(ModelSheet(model, file).text(on: terminal)) }
        if metadata {
            for key in file.metadata.keys.sorted() {
                guard let value = file.metadata[key] else { continue }
                let line = "\(key.printable) = \(value.short.withoutControls)"
                print(terminal.isInteractive ? line.fitted(terminal.width) : line)
            }
        }
        if tensors {
            var table = TextTable(["TENSOR", "SHAPE", "TYPE", "SIZE"], right: [3])
            for tensor in file.tensors {
                table.add([
                    tensor.name.printable, tensor.shape, tensor.type.label, ByteText.of(tensor.range.count),
                ])
            }
            print(table.text(width: terminal.isInteractive ? terminal.width : nil) { terminal.styled($0, .bold) })
        }
    }
}

/// What `lattice show` prints for people.
struct ModelSheet {
    private let name: String
    private let rows: [(String, String)]
    private let fault: String?

    init(_ model: StoredModel, _ file: GGUFFile) {
        let summary = ModelSummary(of: file)
        name = model.name
        fault = summary.fault
        var rows: [(String, String)] = []
        if let name = summary.name { rows.append(("Name", name.printable)) }
        rows.append(("Architecture", summary.architecture.printable))
        rows.append(("Parameters", CountText.of(summary.parameters)))
        rows.append(("Quantisation", summary.quantization))
        rows.append(("Size", ByteText.of(summary.size) + (summary.shards > 1 ? " in \(summary.shards) files" : "")))
        if let context = summary.contextLength { rows.append(("Context", "\(CountText.whole(context)) tokens")) }
        let shape = [
            summary.layers.map { "\($0) layers" }, summary.width.map { "width \(CountText.whole($0))" },
            summary.heads.map { heads in
                let asked = summary.keyValueHeads ?? heads
                return "\(heads) heads" + (asked == heads ? "" : " (\(asked) for keys and values)")
            },
        ]
        let shapeText = shape.compactMap { $0 }.joined(separator: ", ")
        if !shapeText.isEmpty { rows.append(("Shape", shapeText)) }
        if let vocabulary = summary.vocabulary { rows.append(("Vocabulary", "\(CountText.whole(vocabulary)) tokens")) }
        if summary.isEmbedder {
            rows.append(("Use", "turns texts into vectors"))
        } else {
            rows.append(("Chat", Self.chat(file, summary)))
        }
        rows.append(("File", model.path.printable))
        if case .pulled(let manifest) = model.origin {
            rows.append(("Source", manifest.source.printable))
            rows.append(("Pulled", manifest.pulledAt))
            rows.append(("Digest", manifest.fingerprint))
        }
        self.rows = rows
    }

    private static func chat(_ file: GGUFFile, _ summary: ModelSummary) -> String {
        guard case .string(let source)? = file.metadata["tokenizer.chat_template"] else {
            return "ChatML, for want of a template"
        }
        let format = ChatFormat(template: source)
        let parts = [
            "its own template", format.thinking == nil ? nil : "thinks first",
            format.tools.map { "calls tools (\($0.rawValue))" },
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    func text(on terminal: Terminal) -> String {
        let width = rows.map(\.0.columns).max() ?? 0
        let lines = rows.map { label, value in
            let line = "  " + terminal.styled(label.padded(to: width), .dim) + "  "
            return line + (terminal.isInteractive ? value.fitted(max(20, terminal.width - width - 4)) : value)
        }
        let verdict =
            fault.map { terminal.styled("  It cannot be run here: \($0.printable)", .red) }
            ?? terminal.styled("  It runs here.", .green)
        return ([terminal.styled(name.printable, .bold), ""] + lines + ["", verdict]).joined(separator: "\n")
    }
}

/// What `lattice show --json` prints.
struct ModelDescription: Encodable {
    private struct Tensor: Encodable {
        var name: String
        var dimensions: [Int]
        var type: String
        var size: Int
    }

    private var name: String
    private var path: String
    private var files: [String]
    private var summary: ModelSummary
    private var template: String?
    private var tensors: [Tensor]?
    private var metadata: [String: GGUFText]?

    init(_ model: StoredModel, _ file: GGUFFile, hasTensors: Bool, hasMetadata: Bool) {
        name = model.name
        path = model.path
        files = model.paths
        summary = ModelSummary(of: file)
        if case .string(let text)? = file.metadata["tokenizer.chat_template"] { template = text }
        if hasTensors {
            tensors = file.tensors.map {
                Tensor(name: $0.name, dimensions: $0.dimensions, type: $0.type.label, size: $0.range.count)
            }
        }
        if hasMetadata {
            let pairs = file.metadata.keys.compactMap { key in file.metadata[key].map { (key, GGUFText(value: $0)) } }
            metadata = Dictionary(uniqueKeysWithValues: pairs)
        }
    }
}

/// A metadata value in JSON; what JSON has no number for is written as text.
struct GGUFText: Encodable {
    let value: GGUFValue

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch value {
        case .uint(let number): try container.encode(number)
        case .int(let number): try container.encode(number)
        case .float(let number):
            if number.isFinite { try container.encode(number) } else { try container.encode("\(number)") }
        case .bool(let flag): try container.encode(flag)
        case .string(let text): try container.encode(text)
        case .strings(let list): try container.encode(list)
        case .ints(let list): try container.encode(list)
        case .floats(let list): try encodeNumbers(list.map(Double.init), &container)
        case .doubles(let list): try encodeNumbers(list, &container)
        case .array(let list): try container.encode(list.map(GGUFText.init))
        }
    }

    private func encodeNumbers(_ list: [Double], _ container: inout any SingleValueEncodingContainer) throws {
        if list.allSatisfy(\.isFinite) {
            try container.encode(list)
        } else {
            try container.encode(list.map { "\($0)" })
        }
    }
}

extension GGUFValue {
    /// The value on one line; of long texts and lists the beginning.
    var short: String {
        func list(_ count: Int, _ first: [String]) -> String {
            "[" + first.joined(separator: ", ") + (count > first.count ? ", … \(CountText.whole(count)) in all" : "")
                + "]"
        }
        switch self {
        case .uint(let number): return "\(number)"
        case .int(let number): return "\(number)"
        case .float(let number): return "\(number)"
        case .bool(let flag): return "\(flag)"
        case .string(let text):
            let quoted = text.debugDescription
            return quoted.count <= 160 ? quoted : "\(quoted.prefix(160))… (\(CountText.whole(text.utf8.count)) bytes)"
        case .strings(let items): return list(items.count, items.prefix(6).map(\.debugDescription))
        case .ints(let items): return list(items.count, items.prefix(12).map(String.init))
        case .floats(let items): return list(items.count, items.prefix(8).map { "\($0)" })
        case .doubles(let items): return list(items.count, items.prefix(8).map { "\($0)" })
        case .array(let items): return list(items.count, items.prefix(3).map(\.short))
        }
    }
}

extension GGUFTensor {
    fileprivate var shape: String { dimensions.map(String.init).joined(separator: " × ") }
}

extension String {
    /// The text without characters that would steer a terminal; lines and tabs stay.
    var withoutControls: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0.isControl ? "\u{FFFD}" : $0 }))
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool {
        (value < 0x20 && value != 0x0A && value != 0x09) || (0x7F...0x9F).contains(value)
    }
}
