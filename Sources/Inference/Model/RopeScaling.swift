internal import InferenceKernels

/// How a model stretches its rotations over a longer context than it was first trained for.
///
/// Source: llama.cpp, `ggml_rope_yarn_*` and the loading of `rope.scaling.*`; Llama 3.1's rule is that of the published
/// model code, for files that carry its numbers instead of a `rope_freqs` tensor.
enum RopeScaling: Hashable, Sendable {
    case none
    /// Positions are divided by the factor.
    case linear(factor: Double)
    case yarn(Yarn)
    /// Slow rotations are divided by the factor, fast ones kept, those between mixed.
    case llama3(factor: Double, low: Double, high: Double, context: Double)

    /// Fast rotations are kept, slow ones divided by the factor, and attention is sharpened.
    struct Yarn: Hashable, Sendable {
        var factor: Double
        /// The positions of the first training.
        var context: Double
        /// Rotations over that context above which a pair is kept, and below which it is divided.
        var betaFast = 32.0
        var betaSlow = 1.0
        /// How much of the difference between pairs is wanted; 0 makes it linear.
        var share = 1.0
        var attention = 1.0
    }

    /// Reads `rope.scaling.*`; without a type a factor means linear scaling, as in old files.
    init(_ fields: GGUFFields, contextLength: Int) throws {
        let kind: String
        if case .string(let given)? = fields["rope.scaling.type"] { kind = given } else { kind = "linear" }
        let key = fields["rope.scaling.factor"] == nil ? "rope.scale_linear" : "rope.scaling.factor"
        var factor = 1.0
        // Some converters write 0 for none.
        if let value = fields[key], value != .float(0) { factor = try fields.double(key, in: 1e-3...1e3) }
        func number(_ name: String, in range: ClosedRange<Double>, default fallback: Double) throws -> Double {
            try fields.double("rope.scaling." + name, in: range, default: fallback)
        }
        let longest = Double(Int32.max)
        let context = try number("original_context_length", in: 1...longest, default: Double(contextLength))
        switch kind {
        case "none": self = .none
        case "linear": self = factor == 1 ? .none : .linear(factor: factor)
        case "yarn":
            var yarn = Yarn(factor: factor, context: context)
            yarn.betaFast = try number("yarn_beta_fast", in: 1e-3...1e6, default: yarn.betaFast)
            yarn.betaSlow = try number("yarn_beta_slow", in: 1e-3...1e6, default: yarn.betaSlow)
            yarn.share = try number("yarn_ext_factor", in: -1...1, default: yarn.share)
            // Below zero means that the engine is to choose.
            if yarn.share < 0 { yarn.share = 1 }
            yarn.attention = try number("attn_factor", in: 1e-3...1e3, default: 1)
            self = .yarn(yarn)
        case "llama3":
            let low = try number("low_freq_factor", in: 1e-3...1e6, default: 1)
            let high = try number("high_freq_factor", in: 1e-3...1e6, default: 4)
            guard low < high else {
                throw fields.error("rope.scaling.low_freq_factor", .outOfRange("0.001 to \(high)"))
            }
            self = .llama3(factor: factor, low: low, high: high, context: context)
        default: throw fields.unsupported("rope scaling '\(kind.printable)'")
        }
    }

    /// What sines and cosines are multiplied by.
    var magnitude: Float {
        guard case .yarn(let yarn) = self else { return 1 }
        // The logarithm's share applies to contexts that became longer, and only where pairs differ.
        let sharpened = yarn.share != 0 && yarn.factor > 1
        return Float(yarn.attention * (sharpened ? 1 + 0.1 * ik_log(yarn.factor) : 1))
    }

    /// The angle per position of each of `rotated / 2` pairs.
    func frequencies(base: Double, rotated: Int, dividedBy factors: [Float]?) -> [Double] {
        let half = rotated / 2
        let logarithm = ik_log(base)
        return (0..<half).map { pair in
            let plain = ik_exp(-Double(pair) / Double(half) * logarithm)
            let own = factors.map { plain / Double($0[pair]) } ?? plain
            return scaled(own, pair: pair, rotated: rotated, logarithm: logarithm, hasFactors: factors != nil)
        }
    }

    private func scaled(_ plain: Double, pair: Int, rotated: Int, logarithm: Double, hasFactors: Bool) -> Double {
        switch self {
        case .none: return plain
        case .linear(let factor): return plain / factor
        case .yarn(let yarn):
            let low = max(0, yarn.pair(turning: yarn.betaFast, rotated, logarithm).rounded(.down))
            let high = min(Double(rotated - 1), yarn.pair(turning: yarn.betaSlow, rotated, logarithm).rounded(.up))
            let ramp = (Double(pair) - low) / max(0.001, high - low)
            let kept = (1 - min(1, max(0, ramp))) * yarn.share
            return plain / yarn.factor * (1 - kept) + plain * kept
        case .llama3(let factor, let low, let high, let context):
            // The tensor has the same numbers already.
            guard !hasFactors else { return plain }
            let turns = context * plain / (2 * Double.pi)
            if turns > high { return plain }
            if turns < low { return plain / factor }
            let smooth = (turns - low) / (high - low)
            return (1 - smooth) * plain / factor + smooth * plain
        }
    }
}

extension RopeScaling.Yarn {
    /// The pair, as a fraction, that turns `count` times over the first training's context.
    fileprivate func pair(turning count: Double, _ rotated: Int, _ logarithm: Double) -> Double {
        // A base of 1 turns all pairs alike; the bounds then clamp whatever comes out.
        guard logarithm > 0 else { return 0 }
        return Double(rotated) * ik_log(context / (count * 2 * Double.pi)) / (2 * logarithm)
    }
}
