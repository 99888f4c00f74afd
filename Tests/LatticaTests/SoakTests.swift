import Foundation
import Lattica
import LatticaConnection
import LatticaCore
import LatticeTesting
import Multiformats
import NIOCore
import NIOPosix
import Testing

/// Many connects, calls and closes over real sockets leave nothing behind.
///
/// `LATTICE_SOAK=100000` makes a long run of it, which is to be run alone: `--filter Soak`.
@Suite(.serialized, .timeLimit(.minutes(60))) struct `Soak` {
    static let isLong = ProcessInfo.processInfo.environment["LATTICE_SOAK"] != nil
    static let rounds = ProcessInfo.processInfo.environment["LATTICE_SOAK"].flatMap { Int($0) } ?? 2000

    @Test func `connects, calls and closes leave no sockets, tasks or memory behind`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        func host() throws -> LatticaHost {
            var configuration = LatticaConfiguration(
                listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
                logger: quiet,
                eventLoopGroup: group
            )
            // The first failure of an address would leave it alone for the rest of the test.
            configuration.swarm.backOff = .zero
            return LatticaHost(configuration: configuration)
        }
        let (one, other) = (try host(), try host())
        try await one.start()
        try await other.start()
        other.handleEcho()
        let address = try other.address()
        let port = try #require(address.withoutPeerID.tcpEndpoint?.port)
        // What is allocated once, such as caches and the pools of the loops, is there after some rounds.
        try await play(rounds: 200, one, other, address)
        let memory = residentBytes()
        try await play(rounds: Self.rounds, one, other, address)
        try await eventually("the sockets to be closed") { try openSockets(at: port) == 0 }
        let grown = residentBytes() - memory
        print("soak: \(Self.rounds) rounds, \(grown >> 10) KiB more")
        // Only a long run has the process to itself. The allocator keeps some megabytes, and the testing library some
        // hundred bytes for each error that is thrown anywhere.
        let bound = 24 << 20 + 400 * Self.rounds
        if Self.isLong { #expect(grown < bound, "\(grown) bytes more after \(Self.rounds) rounds") }
        #expect(other.connectedPeers.isEmpty)
        await one.stop()
        await other.stop()
        try await group.shutdownGracefully()
    }

    /// Each round connects, calls, and ends in one of the ways in which connections end.
    private func play(
        rounds: Int,
        _ one: LatticaHost,
        _ other: LatticaHost,
        _ address: Multiaddr
    ) async throws {
        for round in 0..<rounds {
            try await one.connect(to: address)
            let stream = try await one.openStream(to: other.peerID, protocols: ["/echo/1"])
            try await stream.write(ByteBuffer(string: "hello"))
            #expect(try await stream.read(5) == ByteBuffer(string: "hello"))
            switch round % 4 {
            case 0: try await stream.closeWrite()
            case 1: stream.reset()
            // The handler of the other side is at work when the connection goes.
            case 2: break
            default: other.disconnect(one.peerID)
            }
            one.disconnect(other.peerID)
            try await eventually("the end of round \(round)") {
                one.connectedPeers.isEmpty && other.connectedPeers.isEmpty
            }
        }
    }

    @Test func `sockets that are cut in the middle leave nothing behind`() async throws {
        let host = try makeHost()
        try await host.start()
        let port = try #require(host.listenAddresses.first?.tcpEndpoint?.port)
        var random = SeededGenerator(seed: 20)
        for round in 0..<min(Self.rounds, 1000) {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: "127.0.0.1", port: Int(port)).get()
            let bytes: [UInt8]
            switch round % 3 {
            case 0: bytes = []
            case 1: bytes = Array("\u{13}/multistream/1.0.0\n\u{7}/noise\n".utf8.prefix(round / 3 % 27))
            default: bytes = random.bytes(1 + round % 200)
            }
            if !bytes.isEmpty { _ = try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
            // The other side may have been quicker.
            try? await channel.close()
        }
        try await eventually("the sockets to be closed") { try openSockets(at: port) == 0 }
        #expect(host.connectedPeers.isEmpty)
        await host.stop()
    }
}

/// Sockets of a port that are not at their end: those of other tests do not count.
func openSockets(at port: UInt16) throws -> Int {
    let lines = try String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8).split(separator: "\n").dropFirst()
    return try lines.count { line in
        let fields = line.split(separator: " ")
        try #require(fields.count > 3)
        // The system's afterglow of a connection that is closed, and the port that listens.
        guard fields[3] != "06", fields[3] != "0A" else { return false }
        return fields[1...2].contains { UInt16($0.suffix(4), radix: 16) == port }
    }
}

/// Memory of this process that is in use.
private func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * 4096
}
