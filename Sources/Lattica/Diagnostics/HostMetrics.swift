import Metrics

/// What a host counts, for whoever watches it.
///
/// Hosts of one process share the names; their counters add up, and a gauge shows the host that wrote last.
struct HostMetrics: Sendable {
    /// Connections that are up.
    let connections = Gauge(label: "lattica_connections")
    /// Peers of which an address is known.
    let knownPeers = Gauge(label: "lattica_known_peers")
    let dials = Counter(label: "lattica_dials", dimensions: [("outcome", "connected")])
    let failedDials = Counter(label: "lattica_dials", dimensions: [("outcome", "failed")])
    /// Addresses that were left alone because they had failed.
    let backedOff = Counter(label: "lattica_dials", dimensions: [("outcome", "backed_off")])
    /// Connections and dials that the gate refused.
    let gated = Counter(label: "lattica_gated")
    /// Connections closed to make room, or because nothing used them.
    let pruned = Counter(label: "lattica_pruned")
}
