import Lattica
import LatticaConnection
import LatticaCore
import Logging
import Multiformats
import NIOCore
import Testing

/// Runs a test with hosts that listen on this machine, and stops them.
func withHosts(
    _ count: Int,
    limits: ConnectionLimits = .init(),
    _ body: ([LatticaHost]) async throws -> Void
) async throws {
    let hosts = try (0..<count).map { _ in try makeHost(limits: limits) }
    let outcome: Result<Void, any Error>
    do {
        for host in hosts { try await host.start() }
        outcome = .success(try await body(hosts))
    } catch {
        outcome = .failure(error)
    }
    for host in hosts { await host.stop() }
    try outcome.get()
}

func makeHost(listen: String = "/ip4/127.0.0.1/tcp/0", limits: ConnectionLimits = .init()) throws -> LatticaHost {
    LatticaHost(
        configuration: LatticaConfiguration(
            listen: [try Multiaddr(listen)],
            limits: limits,
            logger: quiet
        )
    )
}

/// Says nothing.
let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

extension LatticaHost {
    func address() throws -> Multiaddr {
        try #require(dialableAddresses.first)
    }

    /// Sends back what it is sent.
    func handleEcho() {
        handle("/echo/1") { stream in
            do throws(StreamError) {
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                try await stream.closeWrite()
            } catch {}
        }
    }
}

extension MuxedStream {
    /// Reads so many bytes, or what comes until the end.
    func read(_ count: Int) async throws(StreamError) -> ByteBuffer {
        var all = ByteBuffer()
        while all.readableBytes < count, let part = try await read() { all.writeImmutableBuffer(part) }
        return all
    }
}
