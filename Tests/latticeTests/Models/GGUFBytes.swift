import Foundation
import Inference

/// GGUF files made in memory: a header that can be read, and weights that nobody computes with.
enum GGUFBytes {
    /// A file with one tensor of so many weights; `salt` makes another file of it.
    static func file(weights: Int = 1024, salt: UInt8 = 0, split: (number: Int, count: Int)? = nil) -> [UInt8] {
        var entries = 2
        var metadata = string("general.architecture", "llama") + string("general.name", "made of bytes \(salt)")
        if let split {
            entries += 3
            metadata += number("split.no", split.number) + number("split.count", split.count)
            metadata += number("split.tensors.count", split.count)
        }
        var bytes = Array("GGUF".utf8) + little(UInt32(3)) + little(UInt64(1)) + little(UInt64(entries)) + metadata
        bytes += text("tensor.\(split?.number ?? 0)") + little(UInt32(1)) + little(UInt64(weights))
        bytes += little(TensorType.f32.rawValue) + little(UInt64(0))
        bytes += [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
        bytes += (0..<weights).flatMap { little(Float($0 % 97).bitPattern ^ UInt32(salt)) }
        return bytes
    }

    /// The SHA-256 in hexadecimal.
    static func digest(_ bytes: [UInt8]) -> String {
        var hash = FingerprintHash()
        unsafe bytes.withUnsafeBytes { unsafe hash.append($0) }
        return hash.text
    }

    private static func string(_ key: String, _ value: String) -> [UInt8] {
        text(key) + little(UInt32(8)) + text(value)
    }

    private static func number(_ key: String, _ value: Int) -> [UInt8] {
        text(key) + little(UInt32(4)) + little(UInt32(value))
    }

    private static func text(_ text: String) -> [UInt8] { little(UInt64(text.utf8.count)) + Array(text.utf8) }

    private static func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
