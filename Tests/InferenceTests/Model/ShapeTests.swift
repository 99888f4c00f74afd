import Foundation
import LatticeTesting
import Testing

@testable import Inference

/// A shape with the metadata of a small llama and `changes`.
private func shape(_ changes: [String: GGUFValue]) throws(ModelError) -> ModelShape {
    var values: [String: GGUFValue] = [
        "general.architecture": .string("llama"), "llama.block_count": .uint(2), "llama.embedding_length": .uint(256),
        "llama.attention.head_count": .uint(2), "llama.feed_forward_length": .uint(512),
        "llama.context_length": .uint(131_072), "llama.attention.layer_norm_rms_epsilon": .float(1e-6),
    ]
    for (key, value) in changes { values["llama." + key] = value }
    return try ModelShape(metadata: GGUFMetadata(file: "test.gguf", values: values))
}

@Suite struct `Rotations` {
    /// The numbers are those of `transformers`' own functions for the same settings.
    private func expect(_ expected: [(Int, Double)], _ changes: [String: GGUFValue]) throws {
        let frequencies = try shape(changes).frequencies(dividedBy: nil)
        for (pair, value) in expected {
            #expect(abs(frequencies[pair] / value - 1) < 1e-12, "pair \(pair): \(frequencies[pair])")
        }
    }

    private let yarn: [String: GGUFValue] = [
        "rope.freq_base": .float(1e6), "rope.scaling.type": .string("yarn"), "rope.scaling.factor": .float(4),
        "rope.scaling.original_context_length": .uint(32768),
    ]

    @Test func `stretch by YaRN`() throws {
        try expect(
            [
                (0, 1), (10, 0.1154781984689458), (22, 0.008659643233600653), (23, 0.006978305848598663),
                (30, 0.0010643609812470017), (39, 6.490394320837028e-05), (40, 4.445698525097307e-05),
                (63, 3.102344401879299e-07),
            ],
            yarn
        )
        #expect(abs(try shape(yarn).ropeScaling.magnitude - 1.138629436111989) < 1e-6)
        #expect(try shape([:]).ropeScaling.magnitude == 1)
    }

    @Test func `stretch as Llama 3 does`() throws {
        try expect(
            [
                (0, 1), (28, 0.003211445994752591), (30, 0.0013718935677611381), (35, 9.556212353964683e-05),
                (38, 5.165906874818956e-05), (63, 3.068925988914511e-07),
            ],
            [
                "rope.freq_base": .float(500_000), "rope.scaling.type": .string("llama3"),
                "rope.scaling.factor": .float(8), "rope.scaling.low_freq_factor": .float(1),
                "rope.scaling.high_freq_factor": .float(4), "rope.scaling.original_context_length": .uint(8192),
            ]
        )
    }

    @Test func `stretch evenly`() throws {
        let plain = try shape([:]).frequencies(dividedBy: nil)
        for changes: [String: GGUFValue] in [
            ["rope.scaling.type": .string("linear"), "rope.scaling.factor": .float(4)],
            ["rope.scaling.factor": .float(4)], ["rope.scale_linear": .float(4)],
        ] {
            #expect(try shape(changes).frequencies(dividedBy: nil) == plain.map { $0 / 4 })
        }
        for changes: [String: GGUFValue] in [
            ["rope.scaling.type": .string("none"), "rope.scaling.factor": .float(4)],
            ["rope.scaling.factor": .float(0)],
        ] {
            #expect(try shape(changes).frequencies(dividedBy: nil) == plain)
        }
        let factors = [Float](repeating: 2, count: 64)
        #expect(try shape([:]).frequencies(dividedBy: factors) == plain.map { $0 / 2 })
    }

    @Test(arguments: [
        ("rope.scaling.type", GGUFValue.string("longrope")), ("rope.scaling.factor", .float(.nan)),
        ("rope.scaling.factor", .float(-1)), ("rope.scaling.original_context_length", .int(0)),
        ("rope.scaling.attn_factor", .float(.infinity)), ("rope.scaling.yarn_beta_fast", .string("x")),
    ])
    func `refuse settings that make no sense`(key: String, value: GGUFValue) {
        #expect(throws: ModelError.self) { try shape(yarn.merging([key: value]) { $1 }) }
    }
}

@Suite struct `Sliding window` {
    /// A layer looks back 7 positions, so six look back 42.
    @Test func `reaches as far as layers carry it, and no further`() throws {
        try withTemporaryDirectory { folder in
            var model = try GGUFWriter(copyOf: Fixtures.tiny)
            let kind = try #require(model.values["general.architecture"])
            guard case .string(let architecture) = kind else { return }
            model.values[architecture + ".attention.sliding_window"] = .uint(8)
            let path = try model.write(in: folder)
            for chunk in [1, 64] {
                let rig = try Rig(path: path, chunk: chunk)
                #expect(rig.transformer.layers.count == 6)
                func bits(_ changed: Int?) throws -> [UInt32] {
                    var tokens = (0..<150).map { TokenID($0 * 37 % 2000) }
                    if let changed { tokens[149 - changed] = 3 }
                    return try rig.run(tokens, rig.cache()).map(\.bitPattern)
                }
                let plain = try bits(nil)
                for distance in [43, 60, 149] { #expect(try bits(distance) == plain, "\(distance)") }
                for distance in [0, 1, 7, 20, 42] { #expect(try bits(distance) != plain, "\(distance)") }
            }
        }
    }

    @Test func `wider than the text changes nothing`() throws {
        try withTemporaryDirectory { folder in
            var model = try GGUFWriter(copyOf: Fixtures.tiny)
            model.values["qwen2.attention.sliding_window"] = .uint(200)
            model.values["llama.attention.sliding_window"] = .uint(200)
            model.values["qwen3.attention.sliding_window"] = .uint(200)
            let changed = try Rig(path: try model.write(in: folder))
            let plain = try Rig(path: Fixtures.tiny)
            #expect(changed.transformer.shape.window == 200)
            let tokens = (0..<190).map { TokenID($0 * 31 % 2000) }
            #expect(
                try changed.run(tokens, changed.cache()).map(\.bitPattern)
                    == plain.run(tokens, plain.cache()).map(\.bitPattern)
            )
        }
    }

    @Test func `is refused where only some layers have it`() {
        #expect(throws: ModelError.self) {
            try shape(["attention.sliding_window": .uint(8), "attention.sliding_window_pattern": .uint(4)])
        }
        #expect(throws: Never.self) { try shape(["attention.sliding_window": .uint(0)]) }
    }
}

@Suite struct `Weights that are no numbers` {
    @Test(arguments: [
        TensorType.f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K,
    ])
    func `are refused at load`(type: TensorType) throws {
        let columns = 512
        let rowBytes = columns / type.blockLength * type.blockSize
        let scale = [TensorType.q2_K: 80, .q3_K: 108, .q6_K: 208, .bf16: 0, .f32: 2][type] ?? 0
        let infinity: [UInt8] = type == .f32 || type == .bf16 ? [0x80, 0x7F] : [0x00, 0x7C]
        let block = columns / type.blockLength - 1
        for bits in [infinity, [0xFF, infinity[1] | 0x83], nil] {
            var writer = GGUFWriter()
            var bytes = [UInt8](repeating: 0, count: rowBytes * 33)
            if let bits {
                let at = 32 * rowBytes + block * type.blockSize + scale
                bytes.replaceSubrange(at..<at + 2, with: bits)
            }
            writer.tensors = [("w", [columns, 33], type, bytes)]
            try withTemporaryDirectory { folder in
                let file = try GGUFFile(path: writer.write(in: folder))
                let loader = TensorLoader(file: file, pool: try KernelPool(threads: 2))
                if bits == nil {
                    #expect(throws: Never.self) { try loader.matrix("w", columns: columns) }
                } else {
                    #expect(throws: ModelError.file(GGUFError(file: "model.gguf", field: "w", problem: .notFinite))) {
                        try loader.matrix("w", columns: columns)
                    }
                }
            }
        }
    }

    @Test func `are refused in norms`() throws {
        try withTemporaryDirectory { folder in
            var model = try GGUFWriter(copyOf: Fixtures.tiny)
            let norm = try #require(model.tensors.firstIndex { $0.name == "output_norm.weight" })
            model.tensors[norm].bytes.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
            let error = GGUFError(file: "model.gguf", field: "output_norm.weight", problem: .notFinite)
            let path = try model.write(in: folder)
            #expect(throws: ModelError.file(error)) { try Rig(path: path) }
        }
    }

    @Test func `come of weights that are too large, and do no harm`() throws {
        try withTemporaryDirectory { folder in
            var model = try GGUFWriter(copyOf: Fixtures.tiny)
            for index in model.tensors.indices where model.tensors[index].name.hasSuffix("norm.weight") {
                let huge = GGUFBuilder.little(Float.greatestFiniteMagnitude.bitPattern)
                model.tensors[index].bytes = Array(
                    repeatElement(huge, count: model.tensors[index].bytes.count / 4).joined()
                )
            }
            let rig = try Rig(path: try model.write(in: folder))
            let logits = try rig.run([1, 2, 3], rig.cache())
            #expect(logits.contains { !$0.isFinite })
        }
    }
}
