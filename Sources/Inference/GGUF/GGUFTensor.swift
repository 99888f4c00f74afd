/// Where a tensor lies in a GGUF file, and what it is.
public struct GGUFTensor: Hashable, Sendable {
    /// Its name, such as `blk.0.attn_q.weight`.
    public let name: String
    /// Its dimensions; the first is the length of a row, as in the file.
    public let dimensions: [Int]
    /// How its weights are stored.
    public let type: TensorType
    /// Its bytes, counted from the start of the file, and inside it.
    public let range: Range<Int>
    /// The number of its file, where a model is split over several.
    public private(set) var shard = 0

    /// The tensor as part of file number `shard`.
    func inShard(_ shard: Int) -> GGUFTensor {
        var tensor = self
        tensor.shard = shard
        return tensor
    }

    /// The length of a row.
    public var columns: Int { dimensions[0] }

    /// The number of rows, over all dimensions but the first.
    public var rows: Int { dimensions.dropFirst().reduce(1, *) }
}
