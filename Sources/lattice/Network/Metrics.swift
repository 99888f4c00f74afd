import Metrics
import NexusHTTP

extension PrometheusRegistry {
    /// The registry of this process, which every module reports to.
    ///
    /// Called once, by the command that runs.
    static func bootstrapped() -> PrometheusRegistry {
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        return registry
    }
}
