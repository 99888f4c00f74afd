import Foundation

/// A GGUF file with another chat template, for models whose own knows no tools or thoughts.
public enum RetemplatedModel {
    /// The file at `path` is no GGUF file of the usual form.
    public struct Fault: Error {}

    /// Writes the model at `path` with the template `source` to `target`.
    public static func write(_ source: String, of path: String, to target: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        var reader = Reader(bytes: bytes)
        guard try reader.take(4) == Array("GGUF".utf8), try reader.number(4) == 3 else { throw Fault() }
        let tensors = try reader.number(8)
        let pairs = try reader.number(8)
        var alignment = 32
        var header: [UInt8] = []
        var isReplaced = false
        for _ in 0..<pairs {
            let start = reader.position
            let key = try reader.string()
            let type = try reader.number(4)
            let value = reader.position
            try reader.skip(type)
            if key == Array("tokenizer.chat_template".utf8) {
                isReplaced = true
                header += bytes[start..<value] + Self.string(source)
            } else {
                if key == Array("general.alignment".utf8) { alignment = Int(bytes[value]) }
                header += bytes[start..<reader.position]
            }
        }
        if !isReplaced { header += Self.string("tokenizer.chat_template") + little(8, 4) + Self.string(source) }
        let start = reader.position
        for _ in 0..<tensors {
            _ = try reader.string()
            let dimensions = try reader.number(4)
            _ = try reader.take(8 * dimensions + 4 + 8)
        }
        header += bytes[start..<reader.position]
        let count = pairs + (isReplaced ? 0 : 1)
        var file = Array("GGUF".utf8) + little(3, 4) + little(tensors, 8) + little(count, 8) + header
        file += [UInt8](repeating: 0, count: padding(file.count, alignment))
        file += bytes[(reader.position + padding(reader.position, alignment))...]
        try Data(file).write(to: URL(filePath: target))
    }

    private static func padding(_ count: Int, _ alignment: Int) -> Int { (alignment - count % alignment) % alignment }

    private static func little(_ number: Int, _ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func string(_ text: String) -> [UInt8] { little(text.utf8.count, 8) + Array(text.utf8) }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        mutating func take(_ count: Int) throws -> [UInt8] {
            guard count >= 0, count <= bytes.count - position else { throw Fault() }
            defer { position += count }
            return Array(bytes[position..<position + count])
        }

        mutating func number(_ count: Int) throws -> Int {
            try take(count).reversed().reduce(0) { $0 << 8 | Int($1) }
        }

        mutating func string() throws -> [UInt8] { try take(number(8)) }

        /// Passes a value of one of the types of GGUF.
        mutating func skip(_ type: Int) throws {
            switch type {
            case 0, 1, 7: position += 1
            case 2, 3: position += 2
            case 4, 5, 6: position += 4
            case 10, 11, 12: position += 8
            case 8: _ = try string()
            case 9:
                let element = try number(4)
                for _ in 0..<(try number(8)) { try skip(element) }
            default: throw Fault()
            }
        }
    }
}
