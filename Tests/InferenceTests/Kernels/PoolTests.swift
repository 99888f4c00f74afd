import InferenceKernels
import Testing

@testable import Inference

@Suite struct `Kernel pool` {
    @Test func `computes every piece of many jobs`() throws {
        let pool = try KernelPool(threads: 4)
        var random = SplitMix64(seed: 3)
        let row = RandomRow(.f32, columns: 32, random: &random)
        let rows = 1000
        var raw = unsafe ik_matrix()
        unsafe raw.form = IK_FORM_F32
        unsafe raw.rows = UInt32(rows)
        unsafe raw.columns = 32
        unsafe raw.panel_bytes = ik_panel_bytes(IK_FORM_F32, 32)
        let memory = try unsafe AlignedMemory(count: raw.panel_bytes * 63)
        let bytes = Array(repeating: row.bytes, count: rows).flatMap(\.self)
        unsafe raw.row_bytes = row.bytes.count
        for _ in 0..<50 {
            unsafe bytes.withUnsafeBytes { source in
                unsafe raw.source = source.baseAddress
                unsafe ik_repack(pool.raw, &raw, memory.start)
            }
            var out = [Float](repeating: .nan, count: 1008)
            unsafe ik_matmul(pool.raw, &raw, [Float](repeating: 1, count: 32), nil, 1, &out, 1008)
            #expect(out[..<rows].allSatisfy { $0 == out[0] })
        }
    }

    @Test func `is refused for no threads`() {
        #expect(throws: ModelError.noThreads) { try KernelPool(threads: 0) }
    }
}
