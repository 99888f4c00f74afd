public import Metrics

/// The figures of a host's connections, for whatever metrics system the program has.
public struct ConnectionMetrics: Sendable {
    /// How a handshake ended.
    enum Outcome: String {
        case ready
        case timedOut = "timed-out"
        case refused
        case failed
    }

    private let factory: any MetricsFactory
    let bytesReceived: Counter
    let bytesSent: Counter
    let resets: Counter
    private let inbound: Meter
    private let outbound: Meter
    private let inboundStreams: Meter
    private let outboundStreams: Meter

    /// - Parameter factory: what keeps the figures; by default that of the program, as it is at this moment.
    public init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
        func counter(_ label: String, _ dimensions: [(String, String)] = []) -> Counter {
            Counter(label: label, dimensions: dimensions, factory: factory)
        }
        func meter(_ label: String, _ direction: String) -> Meter {
            Meter(label: label, dimensions: [("direction", direction)], factory: factory)
        }
        bytesReceived = counter("lattica_connection_bytes_total", [("direction", "in")])
        bytesSent = counter("lattica_connection_bytes_total", [("direction", "out")])
        resets = counter("lattica_stream_resets_total")
        inbound = meter("lattica_connections", "in")
        outbound = meter("lattica_connections", "out")
        inboundStreams = meter("lattica_streams", "in")
        outboundStreams = meter("lattica_streams", "out")
    }

    func connections(isOutbound: Bool) -> Meter { isOutbound ? outbound : inbound }

    func streams(isInbound: Bool) -> Meter { isInbound ? inboundStreams : outboundStreams }

    func handshakeEnded(
        _ outcome: Outcome,
        isOutbound: Bool,
        security: SecurityProtocol?,
        after time: Duration
    ) {
        let dimensions = [
            ("direction", isOutbound ? "out" : "in"), ("security", security?.rawValue ?? "none"),
        ]
        Counter(
            label: "lattica_handshakes_total",
            dimensions: dimensions + [("outcome", outcome.rawValue)],
            factory: factory
        ).increment()
        guard outcome == .ready else { return }
        Timer(label: "lattica_handshake_seconds", dimensions: dimensions, factory: factory).record(duration: time)
    }
}
