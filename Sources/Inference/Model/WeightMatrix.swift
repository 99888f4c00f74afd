internal import InferenceKernels

/// A matrix of weights exactly as the file has them, in the kernels' panels or in the file itself.
///
/// Weights that are infinite or no number are refused at load: one of them would make every answer noise. Those that are
/// finite may still overflow on the way; the logits then hold infinities or NaN, which sampling never takes for the largest.
///
/// `@unchecked Sendable`: never changes after `init`.
@safe final class WeightMatrix: @unchecked Sendable {
    /// The matrix for the kernels; valid as long as the object.
    let raw: ik_matrix
    /// The number of rows.
    let rows: Int

    /// The panels, or `nil` for a matrix that is read from `file`.
    private let memory: AlignedMemory?
    private let mapping: GGUFFile?

    /// Takes `tensor` of `file`, repacked on the threads of `pool` or left where it is.
    init(
        _ tensor: GGUFTensor,
        of file: GGUFFile,
        pool: KernelPool,
        storage: WeightStorage
    ) throws(ModelError) {
        let form = ik_form_of(tensor.type.rawValue)
        guard form >= 0 else {
            throw .file(GGUFError(file: file.name, field: tensor.name, problem: .unknownType(tensor.type.rawValue)))
        }
        var matrix = unsafe ik_matrix()
        unsafe matrix.form = ik_form(UInt32(form))
        unsafe matrix.rows = UInt32(tensor.rows)
        unsafe matrix.columns = UInt32(tensor.columns)
        unsafe matrix.panel_bytes = ik_panel_bytes(matrix.form, matrix.columns)
        // A panel takes at most 64 bytes per column, and dimensions are below 2^30: no product overflows.
        let panelBytes = unsafe matrix.panel_bytes
        unsafe matrix.type = tensor.type.rawValue
        unsafe matrix.row_bytes = tensor.columns / tensor.type.blockLength * tensor.type.blockSize
        // The file is mapped as long as it is held, so its bytes stay where they are.
        unsafe matrix.source = file.withBytes(of: tensor) { $0.baseAddress }
        switch storage {
        case .repacked:
            memory = try AlignedMemory(count: panelBytes * ((tensor.rows + 15) / 16))
            mapping = nil
        case .mapped:
            memory = nil
            mapping = file
            guard unsafe ik_pool_reserve(pool.raw, panelBytes) else { throw .outOfMemory(bytes: panelBytes) }
        }
        let isFinite = unsafe ik_repack(pool.raw, &matrix, memory?.start)
        guard isFinite else {
            throw .file(GGUFError(file: file.name, field: tensor.name, problem: .notFinite))
        }
        if memory != nil {
            unsafe matrix.source = nil
            file.forget(tensor)
        }
        unsafe raw = unsafe matrix
        rows = tensor.rows
    }

    /// The bytes in memory beside the file.
    var size: Int { memory?.count ?? 0 }

    /// One row as floats.
    func row(_ number: Int) throws(ModelError) -> WeightVector {
        precondition(0..<rows ~= number)
        let vector = try WeightVector(count: unsafe Int(raw.columns))
        unsafe withUnsafePointer(to: raw) { unsafe ik_row($0, UInt32(number), vector.memory.floats) }
        return vector
    }
}

/// A vector of weights as floats.
///
/// `@unchecked Sendable`: never changes after `init`.
@safe final class WeightVector: @unchecked Sendable {
    fileprivate let memory: AlignedMemory
    /// The number of weights.
    let count: Int

    /// Zeros, to be written before they are shared.
    fileprivate init(count: Int) throws(ModelError) {
        self.count = count
        memory = try AlignedMemory(floats: count)
    }

    /// Copies `tensor` of `file`; only whole and half floats occur as vectors.
    init(_ tensor: GGUFTensor, of file: GGUFFile) throws(ModelError) {
        count = tensor.columns
        memory = try AlignedMemory(floats: tensor.columns)
        let floats = unsafe memory.floats
        guard tensor.type == .f32 || tensor.type == .f16 else {
            let found = "\(tensor.type)"
            throw .file(
                GGUFError(file: file.name, field: tensor.name, problem: .wrongType(expected: "f32", found: found))
            )
        }
        unsafe file.withBytes(of: tensor) { bytes in
            for index in 0..<tensor.columns {
                if tensor.type == .f32 {
                    let bits = unsafe bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
                    unsafe floats[index] = Float(bitPattern: UInt32(littleEndian: bits))
                } else {
                    let bits = unsafe bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                    unsafe floats[index] = ik_float(UInt16(littleEndian: bits))
                }
            }
        }
        guard values.allSatisfy(\.isFinite) else {
            throw .file(GGUFError(file: file.name, field: tensor.name, problem: .notFinite))
        }
    }

    /// The first weight; valid as long as the object.
    var start: UnsafePointer<Float> { unsafe UnsafePointer(memory.floats) }

    /// All weights.
    var values: [Float] { unsafe Array(UnsafeBufferPointer(start: start, count: count)) }
}
