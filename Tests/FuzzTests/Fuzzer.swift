import Foundation
import LatticeTesting
import Testing

/// Feeds a decoder with damaged input, in the hope that it breaks.
///
/// Inputs are changed at random from those in `Corpus`, and from those that have shown a new outcome on the way. Each
/// input is written to a file before it is tried, so that one that ends the process is still there afterwards: the
/// next run tries it first, and it belongs into `Corpus`, with the mend.
struct Fuzzer {
    /// How long each decoder is tried: `LATTICE_FUZZ_SECONDS`, or just long enough to see that it works.
    static let duration = Duration.seconds(
        ProcessInfo.processInfo.environment["LATTICE_FUZZ_SECONDS"].flatMap(Int.init) ?? 1
    )

    /// Decides the inputs; `LATTICE_FUZZ_SEED` repeats those of another run.
    static let seed =
        ProcessInfo.processInfo.environment["LATTICE_FUZZ_SEED"].flatMap(UInt64.init) ?? .random(in: 0...(.max))

    /// Longer inputs say nothing that shorter ones do not; lengths that are announced are another matter.
    private static let longestInput = 4096

    /// Inputs kept because their outcome was new.
    private static let mostInputs = 512

    let name: String
    private var inputs: [[UInt8]]
    private var random: SeededGenerator

    /// - Parameters:
    ///   - name: of the decoder; its corpus is the file `Corpus/NAME.hex`, an input per line.
    ///   - seeds: valid inputs that are not in the file.
    init(_ name: String, seeds: [[UInt8]] = []) {
        self.name = name
        random = SeededGenerator(
            seed: Self.seed ^ UInt64(truncatingIfNeeded: name.utf8.reduce(0) { $0 &* 31 &+ Int($1) })
        )
        let corpus = try? String(contentsOf: Self.folder.appending(path: "Corpus/\(name).hex"), encoding: .utf8)
        inputs = seeds + (corpus ?? "").split(separator: "\n").map { Self.bytes(hex: $0) } + [[]]
    }

    /// Tries inputs until the time is up.
    ///
    /// - Parameter decode: breaks by trapping or by a failed expectation; what it throws is an answer like others. What
    ///   it returns tells outcomes apart.
    mutating func run(_ decode: (_ input: [UInt8], _ random: inout SeededGenerator) throws -> String) throws {
        let trace = try Trace(name)
        if let broke = trace.left { inputs.append(broke) }
        var outcomes = Set<String>()
        var count = 0
        let clock = ContinuousClock()
        let end = clock.now + Self.duration
        for input in inputs { outcomes.insert(outcome(of: input, decode)) }
        while clock.now < end {
            for _ in 0..<64 {
                let input = change(inputs.randomElement(using: &random) ?? [])
                trace.write(input)
                count += 1
                if outcomes.insert(outcome(of: input, decode)).inserted, inputs.count < Self.mostInputs {
                    inputs.append(input)
                }
            }
        }
        trace.remove()
        print("fuzz: \(name): \(count) inputs, \(outcomes.count) outcomes, seed \(Self.seed)")
    }

    private mutating func outcome(
        of input: [UInt8],
        _ decode: ([UInt8], inout SeededGenerator) throws -> String
    ) -> String {
        do {
            return try decode(input, &random)
        } catch {
            // The kind of an error, without the numbers and texts in it.
            return String(String(reflecting: error).prefix { $0 != "(" && $0 != ":" })
        }
    }

    // MARK: - Changing

    /// Numbers at which lengths and counters break.
    private static let edges: [UInt64] = [
        0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fff_ffff, 0xffff_ffff, 1 << 32, .max >> 1, .max,
    ]

    private mutating func change(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where place < bytes.count:
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1 where place < bytes.count:
                bytes[place] = .random(in: 0...255, using: &random)
            case 2:
                bytes.insert(contentsOf: random.bytes(Int.random(in: 1...8, using: &random)), at: place)
            case 3:
                bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &random)))
            case 4:
                bytes.removeLast(bytes.count - place)
            case 5:
                let edge = Self.edges.randomElement(using: &random) ?? 0
                let width = [1, 2, 4, 8].randomElement(using: &random) ?? 1
                let big = (0..<width).map { UInt8(truncatingIfNeeded: edge >> UInt64(8 * (width - 1 - $0))) }
                let written = Bool.random(using: &random) ? big : Array(big.reversed())
                bytes.replaceSubrange(place..<min(bytes.count, place + width), with: written)
            case 6:
                let other = inputs.randomElement(using: &random) ?? []
                bytes = Array(bytes.prefix(place)) + other.suffix(Int.random(in: 0...other.count, using: &random))
            default:
                let end = min(bytes.count, place + Int.random(in: 1...32, using: &random))
                bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
        return Array(bytes.prefix(Self.longestInput))
    }

    // MARK: - Files

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

    /// The bytes that pairs of digits stand for, up to what is none.
    static func bytes(hex: some StringProtocol) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = hex[...]
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    /// The input that is being tried, in a file.
    private struct Trace {
        private let file: FileHandle
        private let path: URL
        /// What a run before was trying when it ended.
        let left: [UInt8]?

        init(_ name: String) throws {
            let folder = Fuzzer.folder.appending(path: "../../.build/fuzz").standardizedFileURL
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            path = folder.appending(path: name)
            left = (try? Data(contentsOf: path)).map { Array($0) }
            try left.map { Data($0) }?.write(to: folder.appending(path: "\(name).broke"))
            try Data().write(to: path)
            file = try FileHandle(forWritingTo: path)
        }

        func write(_ input: [UInt8]) {
            // A trace that cannot be written costs the trace, not the run.
            try? file.truncate(atOffset: 0)
            try? file.write(contentsOf: Data(input))
        }

        func remove() {
            try? FileManager.default.removeItem(at: path)
        }
    }
}
