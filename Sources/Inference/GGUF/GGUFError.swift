/// Why a file is not a usable GGUF file, or lacks what was asked of it.
///
/// Names the file, the field and what to do, so that its description can be shown to a person as it is.
public struct GGUFError: Error, Hashable, CustomStringConvertible {
    /// What is wrong with the field.
    public enum Problem: Hashable, Sendable {
        /// The file cannot be opened or mapped; `code` is the system's `errno`.
        case unreadable(code: Int32)
        /// The first four bytes are not `GGUF`.
        case notGGUF
        /// The file was written with the other byte order.
        case bigEndian
        /// The version is not the one this reader knows.
        case unsupportedVersion(UInt32)
        /// The file ends before the field does.
        case truncated(needed: UInt64, available: UInt64)
        /// A count or size is above what this reader accepts.
        case overLimit(UInt64, limit: UInt64)
        /// The product of sizes does not fit the machine.
        case overflow
        /// A type number that the format does not define, or that this reader does not know.
        case unknownType(UInt32)
        /// Text that is not UTF-8.
        case notUTF8
        /// The name occurs twice.
        case duplicate
        /// A key or tensor that the model needs is not there.
        case missing
        /// The value has another type than the model needs.
        case wrongType(expected: String, found: String)
        /// The value is outside the range in which it makes sense.
        case outOfRange(String)
        /// An offset that is no multiple of the file's alignment.
        case misaligned(offset: UInt64, alignment: UInt64)
        /// A row length that is no multiple of the type's block.
        case partialBlock(row: UInt64, block: Int)
        /// The tensor shares bytes with another one.
        case overlaps(String)
        /// A file of a model that is split over several is not beside the others.
        case missingShard(number: Int, count: Int)
        /// Files that are no split of one model; the text says why.
        case foreignShard(String)
        /// A weight that is infinite or no number.
        case notFinite
        /// A dimension that differs from what the model's metadata says.
        case shape(expected: [Int], found: [Int])
    }

    /// The name of the file, without its folder.
    public let file: String
    /// The field: a part of the header, a metadata key, or a tensor.
    public let field: String
    /// What is wrong with it.
    public let problem: Problem

    /// Makes an error about `field` of `file`.
    public init(file: String, field: String, problem: Problem) {
        self.file = file
        self.field = field.printable
        self.problem = problem
    }

    /// The sentence for a person: where, what, and what to do next.
    public var description: String {
        "\(file): \(field): \(problem.fault); \(problem.remedy)"
    }
}

extension GGUFError.Problem {
    fileprivate var fault: String {
        switch self {
        case .unreadable(let code): "cannot be read (errno \(code))"
        case .notGGUF: "not a GGUF file"
        case .bigEndian: "written for big-endian machines"
        case .unsupportedVersion(let version): "GGUF version \(version)"
        case .truncated(let needed, let available): "needs \(needed) bytes where \(available) are left"
        case .overLimit(let value, let limit): "\(value) is above the limit of \(limit)"
        case .overflow: "sizes multiply to more than this machine can address"
        case .unknownType(let type): "type \(type) is not known"
        case .notUTF8: "not valid UTF-8"
        case .duplicate: "occurs twice"
        case .missing: "missing"
        case .wrongType(let expected, let found): "is \(found) where \(expected) is needed"
        case .outOfRange(let range): "outside \(range)"
        case .misaligned(let offset, let alignment): "offset \(offset) is no multiple of \(alignment)"
        case .partialBlock(let row, let block): "row of \(row) is no multiple of the block of \(block)"
        case .overlaps(let other): "overlaps \(other)"
        case .missingShard(let number, let count): "file \(number) of \(count) of the model cannot be read"
        case .foreignShard(let cause): cause
        case .notFinite: "has a weight that is infinite or no number"
        case .shape(let expected, let found): "has shape \(found) where \(expected) is needed"
        }
    }

    fileprivate var remedy: String {
        switch self {
        case .unreadable: "check the path and its permissions"
        case .notGGUF: "give a file in GGUF format"
        case .bigEndian: "convert it to little-endian"
        case .unsupportedVersion: "convert the model again with a current converter (version 3)"
        case .truncated: "the file is damaged or not fully downloaded; download it again"
        case .unknownType: "choose a file with another quantisation, such as Q8_0 or Q4_K_M"
        case .missing, .wrongType, .shape, .outOfRange: "the model does not fit this engine; choose another file"
        case .missingShard: "put all files of the model into one folder, under their own names"
        case .foreignShard: "download all files of the model again, from one place"
        case .overLimit, .overflow, .notUTF8, .duplicate, .misaligned, .partialBlock, .overlaps, .notFinite:
            "the file is damaged or hostile; download it again from a source you trust"
        }
    }
}
