/// A GGUF file (version 3), mapped into memory and checked; or the files of a model that is split over several.
///
/// Every count, product and offset is checked against the file's size before it is used, because the bytes come from
/// strangers. After `init` each tensor's range lies inside its file, is aligned, and overlaps no other.
/// Source: ggml, `docs/gguf.md`.
public final class GGUFFile: Sendable {
    /// The name of the file, or of the first of several, without its folder.
    public var name: String { mappings[0].name }
    /// The key-value part, of the first file where there are several.
    public let metadata: GGUFMetadata
    /// The tensors in the order of the files.
    public let tensors: [GGUFTensor]

    /// The files, at least one.
    private let mappings: [MappedFile]
    private let index: [String: Int]

    /// Maps and checks the file at `path`, and the others of its model if it is one of several.
    ///
    /// Any file of a split model may be given; the others are looked for beside it, by name.
    public init(path: String) throws(GGUFError) {
        let mapping = try MappedFile(path: path)
        let header = try unsafe GGUFHeader(mapping.bytes, file: mapping.name)
        guard let split = try GGUFSplit(header.metadata) else {
            mappings = [mapping]
            metadata = header.metadata
            tensors = header.tensors
            index = header.index
            return
        }
        guard let shard = GGUFShard(path: path), shard.count == split.count, shard.number == split.number else {
            let cause = "file \(split.number + 1) of \(split.count) by its metadata, and not by its name"
            throw GGUFError(file: mapping.name, field: GGUFSplit.numberKey, problem: .foreignShard(cause))
        }
        var collected = Shards(split)
        for number in 0..<split.count {
            if number == split.number {
                try collected.append(header, mapping)
            } else {
                let other = try Self.map(shard, number)
                try collected.append(unsafe GGUFHeader(other.bytes, file: other.name), other)
            }
        }
        guard collected.tensors.count == split.tensors else {
            let cause = "\(collected.tensors.count) tensors in all files where \(split.tensors) are promised"
            throw GGUFError(file: mapping.name, field: GGUFSplit.tensorsKey, problem: .foreignShard(cause))
        }
        mappings = collected.mappings
        metadata = collected.metadata ?? header.metadata
        tensors = collected.tensors
        index = collected.index
    }

    private static func map(_ shard: GGUFShard, _ number: Int) throws(GGUFError) -> MappedFile {
        do {
            return try MappedFile(path: shard.path(of: number))
        } catch {
            throw GGUFError(
                file: error.file,
                field: "file",
                problem: .missingShard(number: number + 1, count: shard.count)
            )
        }
    }

    /// The number of bytes of all files.
    public var size: Int { mappings.reduce(0) { unsafe $0 + $1.bytes.count } }

    /// The number of files.
    public var shards: Int { mappings.count }

    /// The tensor called `name`, or `nil`.
    public func tensor(_ name: String) -> GGUFTensor? { index[name].map { tensors[$0] } }

    /// Calls `body` with the whole bytes of file number `shard`.
    func withBytes<R, E: Error>(
        ofShard shard: Int = 0,
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(mappings[shard].bytes)
    }

    /// Lets go of the memory of `tensor`, which was read and is not soon needed again.
    func forget(_ tensor: GGUFTensor) { mappings[tensor.shard].forget(tensor.range) }

    /// Calls `body` with the whole bytes of each file in order, in steps of 4 MB; lets go of them as it goes.
    func readThrough(_ body: (UnsafeRawBufferPointer) -> Void) {
        for mapping in mappings {
            let size = unsafe mapping.bytes.count
            for start in stride(from: 0, to: size, by: 4 << 20) {
                let range = start..<min(start + 4 << 20, size)
                unsafe body(UnsafeRawBufferPointer(rebasing: mapping.bytes[range]))
                mapping.forget(range)
            }
        }
    }

    /// Calls `body` with the bytes of `tensor`, which must be one of this file's.
    func withBytes<R, E: Error>(
        of tensor: GGUFTensor,
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try unsafe body(UnsafeRawBufferPointer(rebasing: mappings[tensor.shard].bytes[tensor.range]))
    }
}

/// The files of one model while they are read.
private struct Shards {
    private(set) var mappings: [MappedFile] = []
    private(set) var metadata: GGUFMetadata?
    private(set) var tensors: [GGUFTensor] = []
    private(set) var index: [String: Int] = [:]
    private let expected: GGUFSplit

    init(_ expected: GGUFSplit) { self.expected = expected }

    /// Takes the next file in order.
    mutating func append(_ header: GGUFHeader, _ mapping: MappedFile) throws(GGUFError) {
        let number = mappings.count
        let split = try GGUFSplit(header.metadata)
        guard let split, split.number == number, split.count == expected.count, split.tensors == expected.tensors else {
            let cause = "it does not belong to the split of the others"
            throw GGUFError(file: mapping.name, field: GGUFSplit.numberKey, problem: .foreignShard(cause))
        }
        for tensor in header.tensors {
            guard index.updateValue(tensors.count, forKey: tensor.name) == nil else {
                throw GGUFError(file: mapping.name, field: tensor.name, problem: .duplicate)
            }
            tensors.append(tensor.inShard(number))
        }
        if number == 0 { metadata = header.metadata }
        mappings.append(mapping)
    }
}
