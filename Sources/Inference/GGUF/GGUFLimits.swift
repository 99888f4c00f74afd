/// What the reader accepts from a file before it allocates anything for it.
///
/// The largest real files have some 60 keys, 1,500 tensors, 500,000 merges and a 100 KB chat template; the limits leave
/// an order of magnitude above that.
enum GGUFLimits {
    /// Metadata entries.
    static let entries: UInt64 = 1 << 14
    /// Tensors.
    static let tensors: UInt64 = 1 << 16
    /// Bytes of a metadata key (specification: 2^16 - 1).
    static let keyLength: UInt64 = 65_535
    /// Bytes of a tensor's name (specification: 64).
    static let tensorNameLength: UInt64 = 64
    /// Bytes of a string value.
    static let stringLength: UInt64 = 1 << 24
    /// Elements of all arrays together; each takes up to 40 bytes of memory while read.
    static let elements: UInt64 = 1 << 23
    /// Files of one model; the largest have some 30.
    static let shards = 512
    /// Dimensions of a tensor (specification: 4).
    static let dimensions: UInt32 = 4
    /// The largest alignment; real files have 32.
    static let alignment: UInt64 = 1 << 16
    /// The length of one dimension: kernels count rows and columns in 32 bits.
    static let dimension: UInt64 = 1 << 30
}
