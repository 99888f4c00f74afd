import Foundation
import InferenceKernels
import LatticeTesting
import Testing

@testable import Inference

@Suite struct `Key-value cache` {
    @Test(arguments: [(CacheType.f32, 4 * 64 * 64), (.f16, 2 * 64 * 64), (.q8, 64 * 64 + 2 * 64 * 4)])
    func `grows in pages`(type: CacheType, head: Int) throws {
        let rig = try Rig(path: Fixtures.tiny)
        let cache = rig.cache(type)
        #expect(cache.size == 0)
        _ = try rig.run([1], cache)
        let page = cache.size
        // Keys and values of 2 heads of 64 numbers, 64 positions, 6 layers.
        #expect(page == 2 * 2 * head * 6)
        _ = try rig.run([TokenID](repeating: 1, count: 63), cache)
        #expect(cache.size == page)
        _ = try rig.run([1], cache)
        #expect(cache.size == 2 * page)
    }

    /// With whole weights, so that the rounding of activations does not make more of a small difference.
    @Test(
        .enabled(if: Fixtures.has("models/lattice-tiny"), "needs the shared model folder"),
        arguments: [(CacheType.f16, Float(0.02)), (.q8, 0.3)]
    )
    func `loses little`(type: CacheType, tolerance: Float) throws {
        let rig = try Rig(path: Fixtures.shared.appending(path: "models/lattice-tiny/lattice-tiny-f16.gguf").path)
        let prompt = (0..<300).map { TokenID($0 * 37 % 2000) }
        let exact = try rig.run(prompt, rig.cache(.f32))
        let rounded = try rig.run(prompt, rig.cache(type))
        let worst = zip(exact, rounded).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst < tolerance)
        #expect(worst > 0)
    }

    @Test(arguments: availablePaths)
    func `rounds halves to the nearest, the same on every path`(path: ik_path) {
        var x: [Float] = [
            0, -0.0, 1, -1, 65504, 65519.996, 65520, 1e30, -1e30, .infinity, -.infinity, .nan, 1.00048828125, 1.0014648,
            1.0004884, 0x1p-14, 0x1p-15, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.000002p-25, 0x1.ffcp-15, 0x1.ffep-15,
            0x1.fffffep-15, .leastNonzeroMagnitude, -0x1.4p-24, 2049, 2051, -4098, 33.33,
        ]
        var random = SeededGenerator(seed: 21)
        while x.count < 4096 { x.append(Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))) }
        var halves = [UInt16](repeating: 0, count: x.count)
        unsafe ik_halves(path, x, UInt32(x.count), &halves)
        for (value, half) in zip(x, halves) {
            let kept = value.isNaN ? Float(65504) : max(-65504, min(65504, value))
            #expect(ik_float(half) == nearestHalf(kept), "\(value)")
        }
        #expect(halves[1] == 0x8000)
    }

    /// Counts steps of the half's last place, ties to even.
    private func nearestHalf(_ value: Float) -> Float {
        let exponent = value == 0 ? -14 : max(Int(value.exponent), -14)
        let step = Float(sign: .plus, exponent: exponent - 10, significand: 1)
        return (value / step).rounded(.toNearestOrEven) * step
    }
}
