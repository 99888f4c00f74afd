/// A GGUF file (version 3), mapped into memory and checked.
///
/// Every count, product and offset is checked against the file's size before it is used, because the bytes come from
/// strangers. After `init` each tensor's range lies inside the file, is aligned, and overlaps no other.
/// Source: ggml, `docs/gguf.md`.
public final class GGUFFile: Sendable {
    /// The file's name without its folder.
    public var name: String { mapping.name }
    /// The key-value part.
    public let metadata: GGUFMetadata
    /// The tensors in the order of the file.
    public let tensors: [GGUFTensor]

    private let mapping: MappedFile
    private let index: [String: Int]

    /// Maps and checks the file at `path`.
    public init(path: String) throws(GGUFError) {
        mapping = try MappedFile(path: path)
        let header = try unsafe GGUFHeader(mapping.bytes, file: mapping.name)
        metadata = header.metadata
        tensors = header.tensors
        index = header.index
    }

    /// The number of bytes of the file.
    public var size: Int { unsafe mapping.bytes.count }

    /// The tensor called `name`, or `nil`.
    public func tensor(_ name: String) -> GGUFTensor? { index[name].map { tensors[$0] } }

    /// Calls `body` with the whole file's bytes.
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try unsafe body(mapping.bytes)
    }

    /// Calls `body` with the bytes of `tensor`, which must be one of this file's.
    func withBytes<R, E: Error>(
        of tensor: GGUFTensor,
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(rebasing: mapping.bytes[tensor.range]))
    }
}
