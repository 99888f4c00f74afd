@testable import Inference

/// Writes GGUF files, right and wrong ones.
struct GGUFBuilder {
    struct Tensor {
        var name: String
        var dimensions: [UInt64]
        var type: UInt32
        var offset: UInt64
        var size: Int
    }

    var magic: [UInt8] = Array("GGUF".utf8)
    var version: UInt32 = 3
    var entries: [(key: String, type: UInt32, value: [UInt8])] = []
    var tensors: [Tensor] = []
    var tensorCount: UInt64?
    var entryCount: UInt64?
    var alignment = 32

    static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<MemoryLayout<T>.size).map { UInt8(truncatingIfNeeded: value >> (8 * T($0))) }
    }

    static func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

    static func array(_ type: UInt32, count: UInt64, _ elements: [UInt8]) -> [UInt8] {
        little(type) + little(count) + elements
    }

    /// The bytes before the tensors' data, and the data as zeros.
    var bytes: [UInt8] {
        var bytes = magic + Self.little(version)
        bytes += Self.little(tensorCount ?? UInt64(tensors.count)) + Self.little(entryCount ?? UInt64(entries.count))
        for entry in entries { bytes += Self.text(entry.key) + Self.little(entry.type) + entry.value }
        for tensor in tensors {
            bytes += Self.text(tensor.name) + Self.little(UInt32(tensor.dimensions.count))
            bytes += tensor.dimensions.flatMap { Self.little($0) }
            bytes += Self.little(tensor.type) + Self.little(tensor.offset)
        }
        while bytes.count % alignment != 0 { bytes.append(0) }
        let end = tensors.map { Int(clamping: $0.offset) &+ $0.size }.filter { $0 < 1 << 20 }.max() ?? 0
        return bytes + [UInt8](repeating: 0, count: max(end, 0))
    }

    /// Every kind of value and two tensors.
    static var example: GGUFBuilder {
        var builder = GGUFBuilder()
        builder.entries = [
            ("u8", 0, [200]), ("i8", 1, [0xFE]), ("u16", 2, little(UInt16(60_000))), ("i16", 3, little(Int16(-2))),
            ("u32", 4, little(UInt32.max)), ("i32", 5, little(Int32(-3))), ("f32", 6, little(Float(1.5).bitPattern)),
            ("bool", 7, [1]), ("string", 8, text("héllo")), ("u64", 10, little(UInt64.max)),
            ("i64", 11, little(Int64.min)), ("f64", 12, little(Double(-2.25).bitPattern)),
            ("strings", 9, array(8, count: 2, text("a") + text("bc"))),
            ("ints", 9, array(5, count: 2, little(Int32(7)) + little(Int32(-7)))),
            ("bools", 9, array(7, count: 3, [0, 1, 2])),
            ("floats", 9, array(6, count: 1, little(Float(0.5).bitPattern))),
            ("doubles", 9, array(12, count: 1, little(Double(0.5).bitPattern))),
            ("nested", 9, array(9, count: 1, array(0, count: 2, [1, 2]))),
        ]
        builder.tensors = [
            Tensor(name: "a", dimensions: [64, 2], type: 8, offset: 0, size: 136),
            Tensor(name: "b", dimensions: [3], type: 0, offset: 160, size: 12),
        ]
        return builder
    }
}

/// Reads a header from memory.
func header(_ bytes: [UInt8]) throws(GGUFError) -> GGUFHeader {
    let result = unsafe bytes.withUnsafeBytes { buffer in
        Result { () throws(GGUFError) in try unsafe GGUFHeader(buffer, file: "test.gguf") }
    }
    return try result.get()
}
