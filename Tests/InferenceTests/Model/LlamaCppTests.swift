import Foundation
import LatticeTesting
import Testing

@testable import Inference

/// What llama.cpp 2026.10 and its tools computed, beside the goldens of whole models.
private func vectors<Value: Decodable>(_ name: String) throws -> [Value] {
    let file = Fixtures.root.appending(path: "Tests/InferenceTests/Vectors/\(name).json")
    return try JSONDecoder().decode([Value].self, from: Data(contentsOf: file))
}

@Suite struct `Weights` {
    private struct Row: Decodable {
        let type: UInt32
        let bytes: String
        let values: [Float]
    }

    /// The values are those of the package `gguf` on PyPI, `quants.py`.
    @Test func `have the values that ggml gives them`() throws {
        let rows: [Row] = try vectors("dequantized")
        #expect(rows.count == 13)
        for row in rows {
            let digits = Array(row.bytes)
            let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(digits[$0...$0 + 1]), radix: 16)
            }
            let type = try #require(TensorType(rawValue: row.type))
            var writer = GGUFWriter()
            writer.tensors = [("w", [256, 1], type, bytes)]
            try withTemporaryDirectory { folder in
                let file = try GGUFFile(path: writer.write(in: folder))
                let matrix = try TensorLoader(file: file, pool: try KernelPool(threads: 1)).matrix("w", columns: 256)
                let found = try matrix.row(0).values
                for (value, expected) in zip(found, row.values) {
                    #expect(abs(value - expected) <= abs(expected) * 1e-6 + 1e-6, "\(type)")
                }
            }
        }
    }
}

@Suite(.enabled(if: Fixtures.has("models/arch-fixtures"), "needs the shared model folder"))
struct `Numbers of llama.cpp` {
    private enum Setting: Decodable {
        case text(String)
        case number(Double)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .number(try container.decode(Double.self))
            }
        }

        var value: GGUFValue {
            switch self {
            case .text(let text): .string(text)
            case .number(let number): number == number.rounded() ? .uint(UInt64(number)) : .float(number)
            }
        }
    }

    private struct Scaled: Decodable {
        let fixture: String
        let architecture: String
        let metadata: [String: Setting]
        let tokens: [TokenID]
        /// Ids and logarithms of probabilities.
        let top: [[Double]]
    }

    private func fixture(_ name: String) throws -> GGUFWriter {
        try GGUFWriter(copyOf: Fixtures.shared.appending(path: "models/arch-fixtures/\(name).gguf").path)
    }

    @Test func `follow from every way to stretch rotations`() throws {
        let cases: [Scaled] = try vectors("rope-scaling")
        for example in cases {
            var writer = try fixture(example.fixture)
            for (key, setting) in example.metadata { writer.values[example.architecture + "." + key] = setting.value }
            let rig = try withTemporaryDirectory { folder in try Rig(path: try writer.write(in: folder)) }
            let logits = try rig.run(example.tokens, rig.cache()).map { Double($0) }
            let highest = logits.max() ?? 0
            let total = highest + log(logits.reduce(0) { $0 + exp($1 - highest) })
            let tolerance = example.fixture.hasSuffix("f16") ? 0.02 : 0.3
            for pair in example.top {
                let found = logits[Int(pair[0])] - total
                #expect(abs(found - pair[1]) < tolerance, "\(example.metadata): \(pair) \(found)")
            }
        }
    }

    private struct Pooled: Decodable {
        let pooling: Int
        let tokens: [TokenID]
        let vector: [Double]
    }

    @Test func `are vectors of the llama family too`() throws {
        let cases: [Pooled] = try vectors("llama-embeddings")
        for example in cases {
            var writer = try fixture("llama-spm-f16")
            writer.values["llama.pooling_type"] = .uint(UInt64(example.pooling))
            let pooling = try #require(Pooling(rawValue: example.pooling))
            let computer = try withTemporaryDirectory { folder in
                try DecoderComputer(
                    file: GGUFFile(path: writer.write(in: folder)),
                    pooling: pooling,
                    maxTokens: nil,
                    pool: KernelPool(threads: 1)
                )
            }
            let vector = try computer.vectors(of: [example.tokens], while: { true })[0]
            let likeness = cosine(vector, example.vector)
            #expect(likeness > 0.9999, "\(pooling): \(likeness)")
        }
    }
}
