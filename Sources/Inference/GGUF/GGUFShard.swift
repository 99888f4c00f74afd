/// The name of one file of a model that is split over several: `NAME-00001-of-00003.gguf`.
///
/// Source: llama.cpp, `llama_split_path`.
struct GGUFShard: Hashable {
    /// The path up to the numbers.
    let stem: Substring
    /// Which file it is, from 0.
    let number: Int
    /// How many files there are.
    let count: Int

    /// Takes a path apart; `nil` if it is not that of a shard.
    init?(path: String) {
        let tail = "-00001-of-00001.gguf"
        guard path.utf8.count > tail.utf8.count, path.hasSuffix(".gguf") else { return nil }
        let numbers = path.utf8.suffix(tail.utf8.count)
        guard let number = Self.digits(numbers.dropFirst().prefix(5)),
            let count = Self.digits(numbers.dropFirst(10).prefix(5)),
            numbers.elementsEqual(Self.tail(number, count).utf8), (1...count).contains(number)
        else { return nil }
        stem = path.prefix(upTo: numbers.startIndex)
        self.number = number - 1
        self.count = count
    }

    /// The path of shard `number`, from 0, of the same model.
    func path(of number: Int) -> String { stem + Self.tail(number + 1, count) }

    private static func tail(_ number: Int, _ count: Int) -> String { "-\(padded(number))-of-\(padded(count)).gguf" }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    private static func digits(_ text: some Sequence<UInt8>) -> Int? {
        var value = 0
        for byte in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}

/// What a file says about the split that it belongs to; a file that says nothing is whole.
struct GGUFSplit: Hashable {
    static let numberKey = "split.no"
    static let countKey = "split.count"
    static let tensorsKey = "split.tensors.count"

    let number: Int
    let count: Int
    /// The tensors of all files together.
    let tensors: Int

    /// Reads the keys; `nil` for a whole file.
    init?(_ metadata: GGUFMetadata) throws(GGUFError) {
        guard metadata[Self.countKey] != nil else { return nil }
        func read(_ key: String, in range: ClosedRange<Int>) throws(GGUFError) -> Int {
            let value = try metadata.int(key)
            guard range.contains(value) else {
                let bounds = "\(range.lowerBound) to \(range.upperBound)"
                throw GGUFError(file: metadata.file, field: key, problem: .outOfRange(bounds))
            }
            return value
        }
        count = try read(Self.countKey, in: 0...GGUFLimits.shards)
        guard count > 1 else { return nil }
        number = try read(Self.numberKey, in: 0...count - 1)
        tensors = try read(Self.tensorsKey, in: 0...Int(GGUFLimits.tensors))
    }
}
