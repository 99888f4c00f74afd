internal import InferenceKernels

/// Takes tensors from a file and checks their shapes.
struct TensorLoader {
    let file: GGUFFile
    let pool: KernelPool
    var storage = WeightStorage.repacked

    /// The matrix `name` of `columns` by `rows`.
    func matrix(_ name: String, columns: Int, rows: Int) throws(ModelError) -> WeightMatrix {
        let tensor = try required(name)
        guard tensor.dimensions == [columns, rows] else { throw shape(tensor, [columns, rows]) }
        return try WeightMatrix(tensor, of: file, pool: pool, storage: storage)
    }

    /// The matrix `name` with `columns` columns and as many rows as it has.
    func matrix(_ name: String, columns: Int) throws(ModelError) -> WeightMatrix {
        let tensor = try required(name)
        guard tensor.dimensions.count == 2, tensor.columns == columns else {
            throw shape(tensor, [columns, tensor.rows])
        }
        return try WeightMatrix(tensor, of: file, pool: pool, storage: storage)
    }

    /// The matrix `name` with `columns` columns, or `nil` if the file has none.
    func optionalMatrix(_ name: String, columns: Int) throws(ModelError) -> WeightMatrix? {
        guard file.tensor(name) != nil else { return nil }
        return try matrix(name, columns: columns)
    }

    /// The vector `name` of `count` weights.
    func vector(_ name: String, count: Int) throws(ModelError) -> WeightVector {
        let tensor = try required(name)
        guard tensor.dimensions == [count] else { throw shape(tensor, [count]) }
        return try WeightVector(tensor, of: file)
    }

    /// The vector `name`, or `nil` if the file has none.
    func optionalVector(_ name: String, count: Int) throws(ModelError) -> WeightVector? {
        guard file.tensor(name) != nil else { return nil }
        return try vector(name, count: count)
    }

    private func required(_ name: String) throws(ModelError) -> GGUFTensor {
        guard let tensor = file.tensor(name) else {
            throw .file(GGUFError(file: file.name, field: name, problem: .missing))
        }
        return tensor
    }

    private func shape(_ tensor: GGUFTensor, _ expected: [Int]) -> ModelError {
        .file(
            GGUFError(
                file: file.name,
                field: tensor.name,
                problem: .shape(expected: expected, found: tensor.dimensions)
            )
        )
    }
}
