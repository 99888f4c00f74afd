import Testing

@testable import Inference

@Suite struct `GGUF file` {
    @Test func `gives every kind of value`() throws {
        let metadata = try header(GGUFBuilder.example.bytes).metadata
        #expect(metadata["u8"] == .uint(200))
        #expect(metadata["i8"] == .int(-2))
        #expect(metadata["u16"] == .uint(60_000))
        #expect(metadata["i16"] == .int(-2))
        #expect(metadata["u32"] == .uint(UInt64(UInt32.max)))
        #expect(metadata["i32"] == .int(-3))
        #expect(metadata["f32"] == .float(1.5))
        #expect(metadata["bool"] == .bool(true))
        #expect(metadata["string"] == .string("héllo"))
        #expect(metadata["u64"] == .uint(.max))
        #expect(metadata["i64"] == .int(.min))
        #expect(metadata["f64"] == .float(-2.25))
        #expect(metadata["strings"] == .strings(["a", "bc"]))
        #expect(metadata["ints"] == .ints([7, -7]))
        #expect(metadata["bools"] == .ints([0, 1, 1]))
        #expect(metadata["floats"] == .floats([0.5]))
        #expect(metadata["doubles"] == .doubles([0.5]))
        #expect(metadata["nested"] == .array([.ints([1, 2])]))
    }

    @Test func `names file and key when a value is not what is asked for`() throws {
        let metadata = try header(GGUFBuilder.example.bytes).metadata
        #expect(throws: GGUFError(file: "test.gguf", field: "absent", problem: .missing)) { try metadata.int("absent") }
        let problem = GGUFError.Problem.wrongType(expected: "a string", found: "an unsigned integer")
        #expect(throws: GGUFError(file: "test.gguf", field: "u8", problem: problem)) { try metadata.string("u8") }
        #expect(throws: GGUFError.self) { try metadata.int("u64") }
        #expect(throws: GGUFError.self) { try metadata.uint("i8") }
        #expect(try metadata.double("u8") == 200)
        #expect(try metadata.floats("doubles") == [0.5])
    }

    @Test func `places tensors after the padded header`() throws {
        let bytes = GGUFBuilder.example.bytes
        let tensors = try header(bytes).tensors
        #expect(tensors.map(\.name) == ["a", "b"])
        #expect(tensors[0].range.count == 136)
        #expect(tensors[0].range.lowerBound % 32 == 0)
        #expect(tensors[1].range.upperBound == bytes.count)
        #expect(tensors[0].rows == 2 && tensors[0].columns == 64)
    }

    @Test func `refuses every shorter file`() {
        let bytes = GGUFBuilder.example.bytes
        for length in bytes.indices {
            #expect(throws: GGUFError.self, "\(length)") { try header(Array(bytes[..<length])) }
        }
    }

    @Test func `survives every flipped bit`() {
        let bytes = GGUFBuilder.example.bytes
        for position in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[position] ^= 1 << bit
                guard let header = try? header(changed) else { continue }
                #expect(header.tensors.allSatisfy { $0.range.upperBound <= changed.count })
            }
        }
    }

    @Test func `survives random bytes after a good start`() {
        var random = SplitMix64(seed: 17)
        for _ in 0..<2000 {
            var bytes = Array(GGUFBuilder.example.bytes.prefix(Int(random.next() % 600)))
            for _ in 0..<random.next() % 100 { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
            for _ in 0..<random.next() % 4 where !bytes.isEmpty {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? header(bytes)
        }
    }

    private func problem(_ change: (inout GGUFBuilder) -> Void) -> GGUFError.Problem? {
        var builder = GGUFBuilder.example
        change(&builder)
        do throws(GGUFError) {
            _ = try header(builder.bytes)
            return nil
        } catch {
            return error.problem
        }
    }

    @Test func `is told apart from other files`() {
        #expect(problem { $0.magic = Array("GGML".utf8) } == .notGGUF)
        #expect(problem { $0.version = 2 } == .unsupportedVersion(2))
        #expect(problem { $0.version = UInt32(3).byteSwapped } == .bigEndian)
        #expect(problem { $0.version = 4 } == .unsupportedVersion(4))
    }

    @Test func `bounds counts before it allocates`() {
        #expect(problem { $0.tensorCount = .max } == .overLimit(.max, limit: GGUFLimits.tensors))
        #expect(problem { $0.entryCount = .max } == .overLimit(.max, limit: GGUFLimits.entries))
        let huge = GGUFBuilder.array(4, count: 1 << 60, [])
        #expect(problem { $0.entries.append(("x", 9, huge)) } != nil)
        #expect(problem { $0.entries.append(("x", 8, GGUFBuilder.little(UInt64.max))) } != nil)
    }

    @Test func `has no name twice`() {
        #expect(problem { $0.entries.append(("u8", 0, [1])) } == .duplicate)
        #expect(
            problem { $0.tensors.append(.init(name: "a", dimensions: [1], type: 0, offset: 192, size: 4)) }
                == .duplicate
        )
    }

    @Test func `has sound tensors`() {
        #expect(problem { $0.tensors[1].offset = 161 } == .misaligned(offset: 161, alignment: 32))
        #expect(problem { $0.tensors[1].offset = 128 } == .overlaps("a"))
        #expect(problem { $0.tensors[0].dimensions = [33, 2] } == .partialBlock(row: 33, block: 32))
        #expect(problem { $0.tensors[0].type = 99 } == .unknownType(99))
        #expect(problem { $0.tensors[1].dimensions = [0] } == .overLimit(0, limit: GGUFLimits.dimension))
        #expect(problem { $0.tensors[1].dimensions = [] } == .overLimit(0, limit: 4))
        #expect(problem { $0.tensors[1].dimensions = [1 << 30, 1 << 30, 1 << 30] } == .overflow)
        #expect(problem { $0.tensors[1].dimensions = [1 << 30] } != nil)
        #expect(problem { $0.tensors[1].offset = .max - 31 } != nil)
    }

    @Test func `has a sound alignment`() {
        #expect(problem { $0.entries.append(("general.alignment", 4, GGUFBuilder.little(UInt32(0)))) } != nil)
        #expect(problem { $0.entries.append(("general.alignment", 4, GGUFBuilder.little(UInt32(48)))) } != nil)
        #expect(
            problem {
                $0.entries.append(("general.alignment", 4, GGUFBuilder.little(UInt32(64))))
                $0.alignment = 64
                $0.tensors[1].offset = 192
            } == nil
        )
    }

    @Test func `has arrays nested once and text in UTF-8`() {
        let deep = GGUFBuilder.array(9, count: 1, GGUFBuilder.array(9, count: 1, GGUFBuilder.array(0, count: 0, [])))
        #expect(problem { $0.entries.append(("deep", 9, deep)) } == .overLimit(3, limit: 2))
        #expect(problem { $0.entries.append(("bad", 8, GGUFBuilder.little(UInt64(1)) + [0xFF])) } == .notUTF8)
    }

    @Test func `says why it cannot be opened`() {
        let error = GGUFError(file: "nothing.gguf", field: "file", problem: .unreadable(code: 2))
        #expect(throws: error) { try GGUFFile(path: "/nowhere/nothing.gguf") }
        #expect(throws: GGUFError.self) { try GGUFFile(path: "/") }
        #expect("\(error)".contains("nothing.gguf"))
    }
}
