import Foundation

@testable import Inference

/// Writes models again, changed or split over files.
struct GGUFWriter {
    var values: [String: GGUFValue]
    var tensors: [(name: String, dimensions: [Int], type: TensorType, bytes: [UInt8])]

    init() {
        values = [:]
        tensors = []
    }

    /// All of the model at `path`.
    init(copyOf path: String) throws {
        let file = try GGUFFile(path: path)
        values = Dictionary(
            uniqueKeysWithValues: file.metadata.keys.compactMap { key in
                file.metadata[key].map { (key, $0) }
            }
        )
        tensors = file.tensors.map { tensor in
            let bytes = unsafe file.withBytes(of: tensor) { bytes in unsafe Array(bytes) }
            return (tensor.name, tensor.dimensions, tensor.type, bytes)
        }
    }

    var bytes: [UInt8] {
        var builder = GGUFBuilder()
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            let (type, bytes) = Self.encoded(value)
            builder.entries.append((key, type, bytes))
        }
        var data: [UInt8] = []
        for tensor in tensors {
            builder.tensors.append(
                .init(
                    name: tensor.name,
                    dimensions: tensor.dimensions.map(UInt64.init),
                    type: tensor.type.rawValue,
                    offset: UInt64(data.count),
                    size: 0
                )
            )
            data += tensor.bytes
            data += [UInt8](repeating: 0, count: (32 - data.count % 32) % 32)
        }
        let head = builder.bytes
        // The builder adds zeros up to the last tensor's start, where that is near.
        let end = builder.tensors.map { Int($0.offset) }.filter { $0 < 1 << 20 }.max() ?? 0
        return head.dropLast(end) + data
    }

    /// Writes the model into `folder`, and answers its path.
    @discardableResult
    func write(_ name: String = "model.gguf", in folder: String) throws -> String {
        let path = folder + "/" + name
        try Data(bytes).write(to: URL(filePath: path))
        return path
    }

    private static func encoded(_ value: GGUFValue) -> (UInt32, [UInt8]) {
        func array(_ type: UInt32, _ count: Int, _ bytes: [UInt8]) -> (UInt32, [UInt8]) {
            (9, GGUFBuilder.array(type, count: UInt64(count), bytes))
        }
        return switch value {
        case .uint(let number): (10, GGUFBuilder.little(number))
        case .int(let number): (11, GGUFBuilder.little(number))
        case .float(let number): (12, GGUFBuilder.little(number.bitPattern))
        case .bool(let flag): (7, [flag ? 1 : 0])
        case .string(let text): (8, GGUFBuilder.text(text))
        case .strings(let list): array(8, list.count, list.flatMap { GGUFBuilder.text($0) })
        case .ints(let list): array(11, list.count, list.flatMap { GGUFBuilder.little($0) })
        case .floats(let list): array(6, list.count, list.flatMap { GGUFBuilder.little($0.bitPattern) })
        case .doubles(let list): array(12, list.count, list.flatMap { GGUFBuilder.little($0.bitPattern) })
        case .array: array(8, 0, [])
        }
    }
}
