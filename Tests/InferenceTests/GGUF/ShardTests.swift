import Foundation
import LatticeTesting
import Testing

@testable import Inference

@Suite struct `A model in several files` {
    /// Writes the shipped model as `count` files.
    private func split(_ count: Int, in folder: String, change: (Int, inout GGUFWriter) -> Void = { _, _ in }) throws
        -> [String]
    {
        let whole = try GGUFWriter(copyOf: Fixtures.tiny)
        return try (0..<count).map { number in
            var part = GGUFWriter()
            if number == 0 { part.values = whole.values }
            part.values["split.no"] = .uint(UInt64(number))
            part.values["split.count"] = .uint(UInt64(count))
            part.values["split.tensors.count"] = .int(Int64(whole.tensors.count))
            let first = whole.tensors.count * number / count
            part.tensors = Array(whole.tensors[first..<whole.tensors.count * (number + 1) / count])
            change(number, &part)
            return try part.write("tiny-0000\(number + 1)-of-0000\(count).gguf", in: folder)
        }
    }

    private func problem(_ path: String) -> GGUFError.Problem? {
        do throws(GGUFError) {
            _ = try GGUFFile(path: path)
            return nil
        } catch {
            return error.problem
        }
    }

    @Test func `is loaded from any of them, with the same bits`() throws {
        try withTemporaryDirectory { folder in
            let rig = try Rig(path: Fixtures.tiny)
            let expected = try rig.run([5, 77, 1234], rig.cache())
            for path in try split(3, in: folder) {
                let file = try GGUFFile(path: path)
                #expect(file.shards == 3 && file.name == "tiny-00001-of-00003.gguf")
                #expect(file.metadata["tokenizer.ggml.tokens"] != nil)
                let rig = try Rig(path: path)
                #expect(try rig.run([5, 77, 1234], rig.cache()).map(\.bitPattern) == expected.map(\.bitPattern))
            }
        }
    }

    @Test func `is refused when one is missing`() throws {
        try withTemporaryDirectory { folder in
            let paths = try split(3, in: folder)
            try FileManager.default.removeItem(atPath: paths[1])
            #expect(problem(paths[0]) == .missingShard(number: 2, count: 3))
            #expect(problem(paths[2]) == .missingShard(number: 2, count: 3))
        }
    }

    @Test func `is refused when files are mixed or renamed`() throws {
        func isForeign(_ path: String) -> Bool {
            if case .foreignShard? = problem(path) { true } else { false }
        }
        try withTemporaryDirectory { folder in
            let paths = try split(3, in: folder)
            let other = folder + "/tiny.gguf"
            try FileManager.default.copyItem(atPath: paths[1], toPath: other)
            #expect(isForeign(other))
            try FileManager.default.removeItem(atPath: paths[2])
            try FileManager.default.copyItem(atPath: paths[1], toPath: paths[2])
            #expect(isForeign(paths[0]) && isForeign(paths[2]))
        }
        try withTemporaryDirectory { folder in
            let paths = try split(2, in: folder) { number, part in
                if number == 1 { part.values["split.tensors.count"] = .int(7) }
            }
            #expect(isForeign(paths[0]))
        }
        try withTemporaryDirectory { folder in
            let paths = try split(2, in: folder) { number, part in if number == 1 { part.tensors.removeLast() } }
            #expect(isForeign(paths[0]))
        }
        try withTemporaryDirectory { folder in
            var doubled: (String, [Int], TensorType, [UInt8])?
            let paths = try split(2, in: folder) { number, part in
                if number == 0 { doubled = part.tensors[0] }
                if number == 1, let doubled { part.tensors[0] = doubled }
            }
            #expect(problem(paths[0]) == .duplicate)
        }
    }

    @Test(arguments: [
        ("split.no", GGUFValue.uint(9)), ("split.no", .int(-1)), ("split.count", .uint(.max)),
        ("split.count", .string("3")),
        ("split.tensors.count", .int(-1)),
    ])
    func `is refused when its numbers make no sense`(key: String, value: GGUFValue) throws {
        try withTemporaryDirectory { folder in
            let paths = try split(2, in: folder) { number, part in if number == 0 { part.values[key] = value } }
            #expect(throws: GGUFError.self) { try GGUFFile(path: paths[0]) }
        }
    }

    @Test func `has names with numbers`() throws {
        let shard = try #require(GGUFShard(path: "/a/b-00002-of-00010.gguf"))
        #expect(shard.number == 1 && shard.count == 10 && shard.path(of: 9) == "/a/b-00010-of-00010.gguf")
        for path in [
            "b.gguf", "-00001-of-00001.gguf", "b-00000-of-00002.gguf", "b-00003-of-00002.gguf", "b-0001-of-0002.gguf",
            "b-00001-of-00002.bin", "é00001-of-00002.gguf",
        ] {
            #expect(GGUFShard(path: path) == nil, "\(path)")
        }
    }
}
