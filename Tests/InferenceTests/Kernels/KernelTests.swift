import InferenceKernels
import Testing

@testable import Inference

/// A matrix of random weights in the kernels' layout or in the file's, with the values that it stands for.
@safe private struct RandomMatrix {
    let rows: [RandomRow]
    let memory: AlignedMemory
    let file: AlignedMemory
    var raw = unsafe ik_matrix()

    init(
        _ type: TensorType,
        rows count: Int,
        columns: Int,
        random: inout SplitMix64,
        storage: WeightStorage = .repacked
    ) throws {
        rows = (0..<count).map { _ in RandomRow(type, columns: columns, random: &random) }
        unsafe raw.form = ik_form(UInt32(ik_form_of(type.rawValue)))
        unsafe raw.rows = UInt32(count)
        unsafe raw.columns = UInt32(columns)
        unsafe raw.panel_bytes = ik_panel_bytes(raw.form, raw.columns)
        unsafe memory = try AlignedMemory(count: raw.panel_bytes * ((count + 15) / 16))
        let pool = try KernelPool(threads: 2)
        let bytes = rows.flatMap(\.bytes)
        file = try AlignedMemory(count: bytes.count)
        unsafe UnsafeMutableRawPointer(file.start).copyMemory(from: bytes, byteCount: bytes.count)
        unsafe raw.type = type.rawValue
        unsafe raw.row_bytes = bytes.count / count
        unsafe raw.source = UnsafeRawPointer(file.start)
        unsafe ik_repack(pool.raw, &raw, storage == .repacked ? memory.start : nil)
    }
}

private func numbers(_ block: ik_block) -> [Int8] {
    unsafe withUnsafeBytes(of: block.q) { bytes in unsafe bytes.map { Int8(bitPattern: $0) } }
}

private func randomFloats(_ count: Int, _ random: inout SplitMix64) -> [Float] {
    (0..<count).map { _ in Float(random.nextFraction() * 2 - 1) }
}

private func product(_ matrix: RandomMatrix, _ x: [Float], tokens: Int, path: ik_path, threads: Int) throws -> [Float] {
    let pool = try KernelPool(threads: threads, path: path)
    let columns = unsafe Int(matrix.raw.columns)
    var blocks = [ik_block](repeating: ik_block(), count: x.count / 32)
    unsafe ik_quantize(x, UInt32(x.count), &blocks)
    let stride = unsafe (Int(matrix.raw.rows) + 15) / 16 * 16
    var out = [Float](repeating: .nan, count: stride * tokens)
    precondition(x.count == columns * tokens)
    var raw = unsafe matrix.raw
    #expect(unsafe ik_pool_reserve(pool.raw, raw.panel_bytes))
    unsafe ik_matmul(pool.raw, &raw, x, &blocks, UInt32(tokens), &out, stride)
    return out
}

@Suite struct Kernels {
    @Test(arguments: TensorType.allCases, WeightStorage.allCases)
    func `keep every weight exactly`(type: TensorType, storage: WeightStorage) throws {
        var random = SplitMix64(seed: UInt64(type.rawValue))
        let matrix = try RandomMatrix(type, rows: 21, columns: 512, random: &random, storage: storage)
        var row = [Float](repeating: 0, count: 512)
        for index in 0..<21 {
            var raw = unsafe matrix.raw
            unsafe ik_row(&raw, UInt32(index), &row)
            #expect(row == matrix.rows[index].values, "row \(index)")
        }
    }

    @Test(arguments: TensorType.allCases) func `give the same bits on every path`(type: TensorType) throws {
        var random = SplitMix64(seed: 100 + UInt64(type.rawValue))
        let matrix = try RandomMatrix(type, rows: 150, columns: 768, random: &random)
        let x = randomFloats(768 * 13, &random)
        let expected = try product(matrix, x, tokens: 13, path: IK_PATH_PORTABLE, threads: 1)
        #expect(expected.allSatisfy { $0.isFinite })
        for path in availablePaths {
            for threads in [1, 3] {
                let found = try product(matrix, x, tokens: 13, path: path, threads: threads)
                #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(path) \(threads)")
            }
        }
        // One vector at a time instead of tiles.
        for token in [0, 7, 12] {
            let single = try product(
                matrix,
                Array(x[token * 768..<(token + 1) * 768]),
                tokens: 1,
                path: ik_best_path(),
                threads: 1
            )
            let part = Array(expected[token * 160..<(token + 1) * 160])
            #expect(single.map(\.bitPattern) == part.map(\.bitPattern))
        }
    }

    @Test(arguments: TensorType.allCases) func `give the same bits without panels`(type: TensorType) throws {
        let found = try WeightStorage.allCases.map { storage in
            var random = SplitMix64(seed: 100 + UInt64(type.rawValue))
            let matrix = try RandomMatrix(type, rows: 150, columns: 768, random: &random, storage: storage)
            let x = randomFloats(768 * 13, &random)
            return try product(matrix, x, tokens: 13, path: ik_best_path(), threads: 3).map(\.bitPattern)
        }
        #expect(found[0] == found[1])
    }

    @Test(arguments: TensorType.allCases) func `come close to the exact product`(type: TensorType) throws {
        var random = SplitMix64(seed: 200 + UInt64(type.rawValue))
        let matrix = try RandomMatrix(type, rows: 20, columns: 512, random: &random)
        let x = randomFloats(512, &random)
        var blocks = [ik_block](repeating: ik_block(), count: 16)
        unsafe ik_quantize(x, 512, &blocks)
        let isFloat = [.f32, .f16, .bf16].contains(type)
        let used =
            isFloat
            ? x
            : (0..<512).map { index in
                Float(numbers(blocks[index / 32])[index % 32]) * blocks[index / 32].scale
            }
        let found = try product(matrix, x, tokens: 1, path: ik_best_path(), threads: 1)
        for (index, row) in matrix.rows.enumerated() {
            let terms = zip(row.values, used).map { Double($0) * Double($1) }
            let scale = terms.reduce(0) { $0 + abs($1) }
            #expect(abs(Double(found[index]) - terms.reduce(0, +)) <= scale * 1e-5, "row \(index)")
        }
    }

    @Test func `follow the written order of operations for Q8_0`() throws {
        var random = SplitMix64(seed: 5)
        let matrix = try RandomMatrix(.q8_0, rows: 16, columns: 256, random: &random)
        let x = randomFloats(256, &random)
        var blocks = [ik_block](repeating: ik_block(), count: 8)
        unsafe ik_quantize(x, 256, &blocks)
        let found = try product(matrix, x, tokens: 1, path: ik_best_path(), threads: 1)
        for (index, row) in matrix.rows.enumerated() {
            var expected: Float = 0
            for block in 0..<8 {
                let bytes = row.bytes[block * 34..<(block + 1) * 34]
                let at = bytes.startIndex
                let scale = RandomRow.half(UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8)
                let q = numbers(blocks[block])
                let sum = (0..<32).reduce(0) { $0 + Int(Int8(bitPattern: bytes[at + 2 + $1])) * Int(q[$1]) }
                let factor = scale * blocks[block].scale
                let term = Float(sum) * factor
                expected += term
            }
            #expect(found[index].bitPattern == expected.bitPattern)
        }
    }

    @Test func `round activations to the nearest step`() {
        var x = [Float](repeating: 0, count: 64)
        x[0] = 127
        x[1] = 2.5
        x[2] = -3.5
        x[3] = -127
        x[20] = 1
        var blocks = [ik_block](repeating: ik_block(), count: 2)
        unsafe ik_quantize(x, 64, &blocks)
        #expect(blocks[0].scale == 1)
        let q = numbers(blocks[0])
        #expect(q[0] == 127 && q[1] == 2 && q[2] == -4 && q[3] == -127 && q[20] == 1)
        #expect(blocks[0].sums.0 == -2 && blocks[0].sums.1 == 1)
        #expect(blocks[1].scale == 0 && blocks[1].sums.0 == 0)
    }

    @Test func `survive activations that are no numbers`() {
        let x = [Float](repeating: .nan, count: 32) + [Float](repeating: .infinity, count: 32)
        var blocks = [ik_block](repeating: ik_block(), count: 2)
        unsafe ik_quantize(x, 64, &blocks)
        #expect(abs(blocks[0].sums.0) <= 16 * 127)
    }
}

@Suite struct `Elementary functions` {
    @Test func `agree with tables`() {
        #expect(abs(ik_exp(1) - 2.718281828459045) < 1e-15)
        #expect(abs(ik_exp(-20) / 2.061153622438558e-9 - 1) < 1e-15)
        #expect(ik_exp(-1000) == 0)
        #expect(ik_exp(0) == 1)
        #expect(abs(ik_log(10) - 2.302585092994046) < 1e-15)
        #expect(abs(ik_log(500_000) - 13.122363377404328) < 1e-14)
        #expect(ik_log(1) == 0)
        for (x, sine, cosine) in [
            (0.5, 0.479425538604203, 0.8775825618903728), (3, 0.1411200080598672, -0.9899924966004454),
            (-100.25, 0.2772828564548513, 0.9607883312760612),
            (1_000_000, -0.34999350217129294, 0.9367521275331447),
        ] {
            var s = 0.0, c = 0.0
            unsafe ik_sincos(x, &s, &c)
            #expect(abs(s - sine) < 1e-14 && abs(c - cosine) < 1e-14, "\(x)")
        }
    }
}
