import Logging
import Nexus
import NexusHTTP
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(1))) struct Shutdown {
    @Test func `lets answers run on for the drain deadline and then stops them`() async throws {
        let backend = ScriptedBackend { _ in [.text("first"), .silence] }
        try await shutDown(backend, drain: .milliseconds(50)) { connection in
            try await connection.read(until: "first")
        }
        try await eventually { backend.answers.first?.stopTime != nil }
    }

    @Test func `does not wait for idle connections`() async throws {
        let start = ContinuousClock.now
        try await shutDown(ScriptedBackend(), drain: .seconds(30)) { connection in
            try await connection.read(until: "[DONE]")
        }
        #expect(start.duration(to: .now) < .seconds(20))
    }

    /// Runs a server, streams one chat until `body` returns, and shuts the server down with the connection still open.
    private func shutDown(
        _ backend: ScriptedBackend,
        drain: Duration,
        _ body: @escaping @Sendable (RawConnection) async throws -> Void
    ) async throws {
        var configuration = HTTPConfiguration(port: 0)
        configuration.drainDeadline = drain
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = try NexusHTTPServer(backend: backend, configuration: configuration, logger: .silent) {
            continuation.yield($0)
        }
        let services = ServiceGroup(services: [server], logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            for await port in ports {
                try await RawConnection.with(port) { connection in
                    try await connection.send(rawChat(chatBody(#""stream":true"#)))
                    try await body(connection)
                    await services.triggerGracefulShutdown()
                    try await group.waitForAll()
                }
                break
            }
        }
    }
}
