import LatticaCore
import LatticeTesting
import Multiformats
import NIOCore
import NIOPosix
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `Dialling` {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func transport(_ change: (inout ConnectionLimits) -> Void = { _ in }) -> TCPTransport {
        var limits = ConnectionPair.patient
        change(&limits)
        let settings = ConnectionSettings(keypair: Keypair(), limits: limits, logger: ConnectionPair.quiet)
        return TCPTransport(settings: settings, group: group)
    }

    @Test func `names are dialled by the version of IP that the address asks for`() async throws {
        let listener = try await transport().listen(at: .localhost)
        let port = try #require(listener.address.tcpEndpoint?.port)
        for form in ["dns", "dns4"] {
            let connection = try await transport().dial(try Multiaddr("/\(form)/localhost/tcp/\(port)"))
            await connection.closeAndWait()
        }
        await #expect(throws: ConnectionError.self) {
            try await transport().dial(try Multiaddr("/dns6/localhost/tcp/\(port)"))
        }
        await listener.close()
    }

    @Test func `version 6 of IP`() async throws {
        let listener: any Listener
        do { listener = try await transport().listen(at: Multiaddr("/ip6/::1/tcp/0")) } catch { return }
        let connection = try await transport().dial(listener.address)
        #expect(connection.remoteAddress == listener.address)
        await connection.closeAndWait()
        await listener.close()
    }

    @Test func `a cancelled dial ends at once`() async throws {
        // It accepts, and says nothing.
        let silent = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(silent.localAddress?.port)
        let dialer = transport()
        let dial = Task { try await dialer.dial(try Multiaddr("/ip4/127.0.0.1/tcp/\(port)")) }
        dial.cancel()
        await #expect(throws: ConnectionError.closed) { try await dial.value }
        try await silent.close()
    }

    @Test func `a peer that says nothing is given up at the deadline`() async throws {
        let silent = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(silent.localAddress?.port)
        let dialer = transport { $0.upgradeTimeout = .milliseconds(100) }
        await #expect(throws: ConnectionError.timedOut) {
            try await dialer.dial(try Multiaddr("/ip4/127.0.0.1/tcp/\(port)"))
        }
        try await silent.close()
    }

    @Test func `nobody listening is told in the words of the system`() async throws {
        let listener = try await transport().listen(at: .localhost)
        await listener.close()
        do {
            _ = try await transport().dial(listener.address)
            Issue.record("nobody listens there")
        } catch {
            #expect("\(error)".contains("refused"))
        }
    }
}
