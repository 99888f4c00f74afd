import Foundation

@testable import Inference

/// A bert model of random weights, as a file and as numbers, with its own plain reckoning of vectors.
struct RandomBert {
    static let width = 64
    static let heads = 4
    static let feed = 128
    static let layers = 2
    static let context = 48
    static let words = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁hello", "▁world", "▁a", "b", "c", "▁,", "▁.", "▁你", "▁cafe",
    ]

    private(set) var writer = GGUFWriter()
    private var values: [String: [Float]] = [:]

    init(type: TensorType, pooling: Int? = 1, seed: UInt64 = 1) {
        var random = SplitMix64(seed: seed)
        writer.values = [
            "general.architecture": .string("bert"), "bert.block_count": .uint(UInt64(Self.layers)),
            "bert.embedding_length": .uint(UInt64(Self.width)), "bert.attention.head_count": .uint(UInt64(Self.heads)),
            "bert.feed_forward_length": .uint(UInt64(Self.feed)), "bert.context_length": .uint(UInt64(Self.context)),
            "bert.attention.layer_norm_epsilon": .float(1e-12),
            "tokenizer.ggml.model": .string("bert"), "tokenizer.ggml.tokens": .strings(Self.words),
            "tokenizer.ggml.token_type": .ints(Self.words.map { $0.hasPrefix("[") ? 3 : 1 }),
            "tokenizer.ggml.unknown_token_id": .uint(1), "tokenizer.ggml.bos_token_id": .uint(2),
            "tokenizer.ggml.seperator_token_id": .uint(3),
        ]
        if let pooling { writer.values["bert.pooling_type"] = .uint(UInt64(pooling)) }
        add("token_embd.weight", [Self.width, Self.words.count], type, 1, &random)
        add("position_embd.weight", [Self.width, Self.context], .f32, 0.3, &random)
        add("token_types.weight", [Self.width, 2], .f32, 0.3, &random)
        addNorm("token_embd_norm", &random)
        for layer in 0..<Self.layers {
            for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
                addDense("blk.\(layer).\(name)", Self.width, Self.width, type, &random)
            }
            addDense("blk.\(layer).ffn_up", Self.width, Self.feed, type, &random)
            addDense("blk.\(layer).ffn_down", Self.feed, Self.width, type, &random)
            addNorm("blk.\(layer).attn_output_norm", &random)
            addNorm("blk.\(layer).layer_output_norm", &random)
        }
    }

    /// Changes the file's metadata.
    mutating func change(_ body: (inout [String: GGUFValue]) -> Void) { body(&writer.values) }

    private mutating func addDense(
        _ name: String,
        _ columns: Int,
        _ rows: Int,
        _ type: TensorType,
        _ random: inout SplitMix64
    ) {
        add(name + ".weight", [columns, rows], type, 2 / Float(columns).squareRoot(), &random)
        add(name + ".bias", [rows], .f32, 0.2, &random)
    }

    private mutating func addNorm(_ name: String, _ random: inout SplitMix64) {
        add(name + ".weight", [Self.width], .f32, 1, &random, around: 1)
        add(name + ".bias", [Self.width], .f32, 0.2, &random)
    }

    private mutating func add(
        _ name: String,
        _ dimensions: [Int],
        _ type: TensorType,
        _ spread: Float,
        _ random: inout SplitMix64,
        around center: Float = 0
    ) {
        let wanted = (0..<dimensions.reduce(1, *)).map { _ in center + spread * Float(random.nextFraction() - 0.5) }
        let (bytes, stored) = Self.encoded(wanted, type)
        writer.tensors.append((name, dimensions, type, bytes))
        values[name] = stored
    }

    /// The bytes of floats in a type, and the floats that they stand for.
    private static func encoded(_ wanted: [Float], _ type: TensorType) -> ([UInt8], [Float]) {
        switch type {
        case .f16:
            let halves = wanted.map { Float16($0) }
            return (halves.flatMap { GGUFBuilder.little($0.bitPattern) }, halves.map { Float($0) })
        case .q8_0:
            var bytes: [UInt8] = []
            var stored: [Float] = []
            for start in stride(from: 0, to: wanted.count, by: 32) {
                let block = wanted[start..<start + 32]
                let scale = Float16((block.map(abs).max() ?? 0) / 127)
                let numbers = block.map { Int8(clamping: Int(($0 / Float(scale)).rounded())) }
                bytes += GGUFBuilder.little(scale.bitPattern) + numbers.map { UInt8(bitPattern: $0) }
                stored += numbers.map { Float($0) * Float(scale) }
            }
            return (bytes, stored)
        default: return (wanted.flatMap { GGUFBuilder.little($0.bitPattern) }, wanted)
        }
    }

    // MARK: The plain reckoning, in doubles

    /// The vector of length 1 of a text's tokens; `pick` says which tokens' states are averaged.
    func vector(of tokens: [Int], pick: (Int) -> Bool = { _ in true }) -> [Double] {
        let width = Self.width
        func row(_ name: String, _ index: Int) -> [Double] {
            (values[name] ?? [])[index * width..<(index + 1) * width].map { Double($0) }
        }
        var x = tokens.enumerated().map { position, token in
            let sum = zip(row("token_embd.weight", token), row("position_embd.weight", position)).map { $0 + $1 }
            return norm(zip(sum, row("token_types.weight", 0)).map { $0 + $1 }, "token_embd_norm")
        }
        for layer in 0..<Self.layers {
            let prefix = "blk.\(layer)."
            let (q, k, v) = (dense(x, prefix + "attn_q"), dense(x, prefix + "attn_k"), dense(x, prefix + "attn_v"))
            let size = width / Self.heads
            var attended = x.map { _ in [Double](repeating: 0, count: width) }
            for head in 0..<Self.heads {
                let range = head * size..<(head + 1) * size
                for t in x.indices {
                    let scores = x.indices.map { other in
                        range.reduce(0) { $0 + q[t][$1] * k[other][$1] } / Double(size).squareRoot()
                    }
                    let weights = scores.map { exp($0 - (scores.max() ?? 0)) }
                    let total = weights.reduce(0, +)
                    for d in range { attended[t][d] = x.indices.reduce(0) { $0 + weights[$1] * v[$1][d] } / total }
                }
            }
            x = joined(x, dense(attended, prefix + "attn_output"), prefix + "attn_output_norm")
            let up = dense(x, prefix + "ffn_up").map { $0.map { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) } }
            x = joined(x, dense(up, prefix + "ffn_down"), prefix + "layer_output_norm")
        }
        let chosen = x.indices.filter(pick)
        let mean = (0..<width).map { d in chosen.reduce(0) { $0 + x[$1][d] } / Double(chosen.count) }
        let length = mean.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return mean.map { $0 / length }
    }

    private func norm(_ x: [Double], _ name: String) -> [Double] {
        let weight = values[name + ".weight"] ?? []
        let bias = values[name + ".bias"] ?? []
        let mean = x.reduce(0, +) / Double(x.count)
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        return x.indices.map {
            (x[$0] - mean) / (variance + 1e-12).squareRoot() * Double(weight[$0]) + Double(bias[$0])
        }
    }

    private func dense(_ x: [[Double]], _ name: String) -> [[Double]] {
        let weight = values[name + ".weight"] ?? []
        let bias = values[name + ".bias"] ?? []
        return x.map { x in
            bias.indices.map { row in
                x.indices.reduce(Double(bias[row])) { $0 + x[$1] * Double(weight[row * x.count + $1]) }
            }
        }
    }

    private func joined(_ x: [[Double]], _ y: [[Double]], _ name: String) -> [[Double]] {
        zip(x, y).map { x, y in norm(zip(x, y).map { $0 + $1 }, name) }
    }
}

/// The cosine of the angle between two vectors.
func cosine(_ a: [Float], _ b: [Double]) -> Double {
    let dot = zip(a, b).reduce(0) { $0 + Double($1.0) * $1.1 }
    let lengths = a.reduce(0) { $0 + Double($1) * Double($1) } * b.reduce(0) { $0 + $1 * $1 }
    return dot / lengths.squareRoot()
}
