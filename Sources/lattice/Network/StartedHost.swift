import Lattica
import ServiceLifecycle

/// A host that listens already, as a service: its addresses must be known before the rest is put together.
struct StartedHost: Service {
    let host: LatticaHost

    /// Starts the host.
    init(_ host: LatticaHost) async throws {
        try await host.start()
        self.host = host
    }

    /// Runs until the service group shuts down; then closes all connections in order.
    func run() async throws {
        // It throws when the task is cancelled, which ends the host just as well.
        try? await gracefulShutdown()
        await host.stop()
    }
}
