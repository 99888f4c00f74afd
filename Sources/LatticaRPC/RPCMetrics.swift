import Metrics
import NIOConcurrencyHelpers

/// Counts and times of calls: how many of each method ended with each code, how many are under way, how long they took.
final class RPCMetrics: Sendable {
    enum Side: String {
        case client, server
    }

    /// What is counted of one method.
    final class Method: Sendable {
        private let counters: NIOLockedValueBox<[RPCCode: Counter]> = .init([:])
        private let succeeded: Counter
        private let latency: Timer
        private let inFlight: Meter
        private let side: Side
        private let name: String

        fileprivate init(_ name: String, side: Side, inFlight: Meter) {
            self.name = name
            self.side = side
            self.inFlight = inFlight
            succeeded = Self.counter(name, side, .ok)
            latency = Timer(
                label: "lattica_rpc_\(side)_duration_seconds",
                dimensions: [("method", name)],
                preferredDisplayUnit: .seconds
            )
        }

        /// A call begins.
        func begin() -> RPCMeasurement {
            inFlight.increment()
            return RPCMeasurement(method: self, start: .now)
        }

        fileprivate func end(_ code: RPCCode, after duration: Duration) {
            inFlight.decrement()
            latency.recordNanoseconds(duration.nanoseconds)
            guard code != .ok else { return succeeded.increment() }
            let counter = counters.withLockedValue { counters in
                if let counter = counters[code] { return counter }
                let counter = Self.counter(name, side, code)
                counters[code] = counter
                return counter
            }
            counter.increment()
        }

        private static func counter(_ name: String, _ side: Side, _ code: RPCCode) -> Counter {
            Counter(
                label: "lattica_rpc_\(side)_calls_total",
                dimensions: [("method", name), ("code", "\(code)")]
            )
        }
    }

    private let side: Side
    private let inFlight: Meter
    private let methods = NIOLockedValueBox<[RPCMethod: Method]>([:])

    init(side: Side) {
        self.side = side
        inFlight = Meter(label: "lattica_rpc_\(side)_in_flight")
    }

    /// What is counted of a method that this side knows; names that peers make up are not to be asked for.
    func method(_ method: RPCMethod) -> Method {
        methods.withLockedValue { methods in
            if let known = methods[method] { return known }
            let known = Method(method.name, side: side, inFlight: inFlight)
            methods[method] = known
            return known
        }
    }

    /// A call begins.
    func begin(_ method: RPCMethod) -> RPCMeasurement {
        self.method(method).begin()
    }
}

/// A call that has begun and whose end will be counted.
struct RPCMeasurement: Sendable {
    fileprivate let method: RPCMetrics.Method
    fileprivate let start: ContinuousClock.Instant

    func end(_ code: RPCCode) {
        method.end(code, after: start.duration(to: .now))
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
