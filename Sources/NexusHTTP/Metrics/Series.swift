internal import CoreMetrics
internal import NIOConcurrencyHelpers

/// One metric with one set of label values.
final class Series: Sendable {
    /// The upper bounds of a histogram's buckets.
    enum Buckets: Hashable {
        case seconds
        case counts

        var bounds: [Double] {
            switch self {
            case .seconds:
                [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
            case .counts:
                [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000]
            }
        }
    }

    enum Kind: Hashable {
        case counter
        case gauge
        case histogram(Buckets)
    }

    struct Label: Hashable {
        var name: String
        var value: String
    }

    /// What is shown.
    struct Reading {
        /// The count, the gauge's value, or the sum of a histogram.
        var value: Double = 0
        /// How many values were recorded.
        var count: UInt64 = 0
        /// How many values fell into each bucket, not cumulative; the last is beyond every bound.
        var buckets: [UInt64] = []
    }

    private let bounds: [Double]
    private let reading: NIOLockedValueBox<Reading>

    init(kind: Kind) {
        if case .histogram(let buckets) = kind {
            bounds = buckets.bounds
            reading = NIOLockedValueBox(Reading(buckets: Array(repeating: 0, count: bounds.count + 1)))
        } else {
            bounds = []
            reading = NIOLockedValueBox(Reading())
        }
    }

    /// The values of this moment.
    func read() -> Reading {
        reading.withLockedValue(\.self)
    }

    private func add(_ amount: Double) {
        guard amount.isFinite else { return }
        reading.withLockedValue { $0.value += amount }
    }

    /// A value for a gauge or a histogram.
    private func note(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        reading.withLockedValue { reading in
            guard !reading.buckets.isEmpty else {
                reading.value = value
                return
            }
            reading.value += value
            reading.count += 1
            reading.buckets[bucket] += 1
        }
    }

    /// Letters, digits, `_` and `:`, with the ending that the kind asks for.
    static func name(for label: String, kind: Kind) -> String {
        var name = String(
            label.unicodeScalars.map { scalar in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain || scalar == "_" || scalar == ":" ? Character(scalar) : "_"
            }
        )
        if name.first.map({ ("0"..."9").contains($0) }) ?? true { name = "_" + name }
        switch kind {
        case .counter where !name.hasSuffix("_total"): return name + "_total"
        case .histogram(.seconds) where !name.hasSuffix("_seconds"): return name + "_seconds"
        case .counter, .gauge, .histogram: return name
        }
    }

    /// Sorted by name, so that the order of mention makes no second series.
    static func labels(_ dimensions: [(String, String)]) -> [Label] {
        dimensions.map { Label(name: name(for: $0.0, kind: .gauge), value: $0.1) }.sorted { $0.name < $1.name }
    }
}

extension Series: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    func increment(by amount: Int64) { add(Double(max(amount, 0))) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func set(_ value: Int64) { note(Double(value)) }
    func set(_ value: Double) { note(value) }
    func record(_ value: Int64) { note(Double(value)) }
    func record(_ value: Double) { note(value) }
    func recordNanoseconds(_ duration: Int64) { note(Double(duration) / 1e9) }
    func reset() { reading.withLockedValue { $0.value = 0 } }
}
