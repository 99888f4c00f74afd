import Foundation
import Lattica
import LatticaCore
import LatticaRPC
import LatticeTesting
import Multiformats
import NIOConcurrencyHelpers
import NIOCore
import Testing

/// Peers whose process is killed at a random moment while calls of all kinds are under way.
///
/// The process is this one's own program, run again for one test. `LATTICE_LONG=1` kills more often.
@Suite(.serialized, .timeLimit(.minutes(10))) struct `Killed peers` {
    private static let environment = ProcessInfo.processInfo.environment
    /// Where the victim that answers writes its address.
    private static let addressFile = environment["LATTICE_VICTIM_ADDRESS_FILE"]
    /// Whom the victim that calls is to call.
    private static let address = environment["LATTICE_VICTIM_CALLS"]
    private static let isVictim = addressFile != nil || address != nil
    private static let rounds = environment["LATTICE_LONG"] == "1" ? 100 : 4

    private static let echo: RPCMethod = "Test/echo"
    private static let wait: RPCMethod = "Test/wait"
    private static let deadline = Duration.seconds(60)

    // MARK: - The victims

    @Test(.enabled(if: addressFile != nil, "run by the test that kills it"))
    func `victim that answers until it is killed`() async throws {
        let host = try makeHost()
        let server = RPCServer(host: host)
        Self.register(on: server)
        try await host.start()
        try Data("\(host.address())".utf8).write(to: URL(filePath: try #require(Self.addressFile)), options: .atomic)
        try await Task.sleep(for: Self.deadline)
    }

    @Test(.enabled(if: address != nil, "run by the test that kills it"))
    func `victim that calls until it is killed`() async throws {
        let host = try makeHost()
        try await host.start()
        let peer = try await host.connect(to: Multiaddr(try #require(Self.address)))
        _ = await Self.callOn(peer, with: RPCClient(host: host, logger: quiet))
    }

    // MARK: - The tests

    @Test(.enabled(if: !isVictim)) func `callers of a killed peer are told at once, and nothing is left`() async throws
    {
        try await withTemporaryDirectory { folder in
            let host = try makeHost()
            try await host.start()
            let client = RPCClient(host: host, logger: quiet)
            for round in 0..<Self.rounds {
                let file = "\(folder)/\(round)"
                let victim = try Victim(running: "victim that answers", ["LATTICE_VICTIM_ADDRESS_FILE": file])
                defer { victim.kill() }
                try await eventually("the victim to listen", within: .seconds(30)) {
                    FileManager.default.fileExists(atPath: file)
                }
                let address = try Multiaddr(String(contentsOfFile: file, encoding: .utf8))
                let peer = try await host.connect(to: address)
                async let errors = Self.callOn(peer, with: client)
                // Killed at any moment, from before the first call on.
                try await Task.sleep(for: .microseconds(.random(in: 0...50_000)))
                let moment = ContinuousClock.now
                victim.kill()
                let wrong = await errors.filter { if case .unavailable = $0 { false } else { true } }
                #expect(wrong.isEmpty)
                #expect(ContinuousClock.now - moment < .seconds(10))
                try await eventually("the connection to be gone") { host.connectedPeers.isEmpty }
                try await eventually("the sockets to be closed") {
                    try openSockets(at: address.withoutPeerID.tcpEndpoint?.port ?? 0) == 0
                }
                await #expect(throws: RPCError.self) {
                    _ = try await client.call(Self.echo, on: peer, request: [1], deadline: .seconds(10))
                }
            }
            await host.stop()
        }
    }

    @Test(.enabled(if: !isVictim)) func `handlers for a killed peer end at once, and nothing is left`() async throws {
        let host = try makeHost()
        let server = RPCServer(host: host)
        let handlers = Self.register(on: server)
        try await host.start()
        let address = try host.address()
        for _ in 0..<Self.rounds {
            let victim = try Victim(running: "victim that calls", ["LATTICE_VICTIM_CALLS": "\(address)"])
            defer { victim.kill() }
            try await eventually("the victim to call", within: .seconds(30)) { handlers.withLockedValue { $0 } > 0 }
            try await Task.sleep(for: .microseconds(.random(in: 0...50_000)))
            victim.kill()
            try await eventually("the handlers to end") { handlers.withLockedValue { $0 } == 0 }
            try await eventually("the calls to be forgotten") { server.callCount == 0 && host.connectedPeers.isEmpty }
            try await eventually("the sockets to be closed") {
                try openSockets(at: address.withoutPeerID.tcpEndpoint?.port ?? 0) == 0
            }
        }
        await host.stop()
    }

    // MARK: - Calls of all kinds

    /// - Returns: how many handlers are at work.
    @discardableResult private static func register(on server: RPCServer) -> NIOLockedValueBox<Int> {
        let handlers = NIOLockedValueBox(0)
        server.register(echo) { call in
            handlers.withLockedValue { $0 += 1 }
            defer { handlers.withLockedValue { $0 -= 1 } }
            while let message = try await call.receiveBuffer() { try await call.send(message) }
        }
        server.register(wait) { _ in
            handlers.withLockedValue { $0 += 1 }
            defer { handlers.withLockedValue { $0 -= 1 } }
            try await Task.sleep(for: deadline)
        }
        return handlers
    }

    /// Calls without end.
    ///
    /// - Returns: how each caller ended.
    private static func callOn(_ peer: PeerID, with client: RPCClient) async -> [RPCError] {
        await withTaskGroup(of: RPCError.self) { group in
            for size in [1, 100, 10_000, 1_000_000] {
                let message = ByteBuffer(repeating: 7, count: size)
                group.addTask {
                    await error { () async throws(RPCError) in
                        while true { _ = try await client.call(echo, on: peer, request: message, deadline: deadline) }
                    }
                }
                group.addTask {
                    await error { () async throws(RPCError) in
                        let call = try await client.open(echo, on: peer, deadline: nil)
                        while true {
                            try await call.send(message)
                            _ = try await call.receiveBuffer()
                        }
                    }
                }
            }
            group.addTask {
                await error { () async throws(RPCError) in
                    _ = try await client.call(wait, on: peer, request: ByteBuffer(), deadline: deadline)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func error(_ body: () async throws(RPCError) -> Void) async -> RPCError {
        do throws(RPCError) {
            try await body()
            return .ended
        } catch {
            return error
        }
    }
}
