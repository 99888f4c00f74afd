public import CoreMetrics
internal import NIOConcurrencyHelpers

/// Keeps the process's metrics and writes them as Prometheus text.
///
/// Bootstrap `MetricsSystem` with it and pass the same registry to ``NexusHTTPServer``. Labels become names as Prometheus has
/// them: counters end in `_total`, timers are histograms in `_seconds`. The table is bounded: what goes beyond
/// ``maximumFamilies`` or ``maximumSeries`` is counted in `lattice_metrics_dropped_series_total` and not kept.
public struct PrometheusRegistry: Sendable {
    /// Names; far more than the program has.
    public static let maximumFamilies = 512
    /// Sets of label values for one name; a bound on what requests could make grow.
    public static let maximumSeries = 256

    private struct Tables {
        var families: [String: Family] = [:]
        var help: [String: String] = [:]
        var dropped = 0
    }

    /// All series of one name.
    struct Family {
        var kind: Series.Kind
        var series: [[Series.Label]: Series] = [:]
    }

    private let tables = NIOLockedValueBox(Tables())

    /// Makes an empty registry.
    public init() {}

    /// Gives a metric the text of its `HELP` line.
    ///
    /// `name` is the one that is shown, with its ending.
    public func describe(_ name: String, _ help: String) {
        tables.withLockedValue { $0.help[name] = help }
    }

    /// The whole table in the text format, version 0.0.4.
    public func exposition() -> String {
        let (families, help, dropped) = tables.withLockedValue { ($0.families, $0.help, $0.dropped) }
        var text = Exposition()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text.write(name: name, family: family, help: help[name])
        }
        text.writeCounter(
            "lattice_metrics_dropped_series_total",
            help: "Series that were not kept because a table was full.",
            value: Double(dropped)
        )
        return text.text
    }

    private func series(_ label: String, _ dimensions: [(String, String)], kind: Series.Kind) -> Series? {
        let name = Series.name(for: label, kind: kind)
        let labels = Series.labels(dimensions)
        return tables.withLockedValue { tables in
            var family = tables.families[name] ?? Family(kind: kind)
            if let known = family.series[labels], family.kind == kind { return known }
            let isNew = tables.families[name] == nil
            guard family.kind == kind, family.series.count < Self.maximumSeries,
                !isNew || tables.families.count < Self.maximumFamilies
            else {
                tables.dropped += 1
                return nil
            }
            let series = Series(kind: kind)
            family.series[labels] = series
            tables.families[name] = family
            return series
        }
    }

    private func remove(_ handler: AnyObject) {
        tables.withLockedValue { tables in
            for (name, family) in tables.families {
                guard let entry = family.series.first(where: { $0.value === handler }) else { continue }
                tables.families[name]?.series[entry.key] = nil
                if tables.families[name]?.series.isEmpty == true { tables.families[name] = nil }
                return
            }
        }
    }
}

extension PrometheusRegistry: MetricsFactory {
    /// A count that only grows.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, kind: .counter) ?? NOOPMetricsHandler.instance
    }

    /// A count of fractions that only grows.
    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, kind: .counter) ?? NOOPMetricsHandler.instance
    }

    /// A value that goes up and down.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, kind: .gauge) ?? NOOPMetricsHandler.instance
    }

    /// A gauge of the last value, or a histogram where `aggregate` asks for the distribution.
    public func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        series(label, dimensions, kind: aggregate ? .histogram(.counts) : .gauge) ?? NOOPMetricsHandler.instance
    }

    /// A histogram in seconds.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, kind: .histogram(.seconds)) ?? NOOPMetricsHandler.instance
    }

    /// Forgets a counter.
    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }

    /// Forgets a counter of fractions.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }

    /// Forgets a gauge.
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }

    /// Forgets a gauge or a histogram.
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }

    /// Forgets a histogram.
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}
