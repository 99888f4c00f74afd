import ArgumentParser
import Foundation
import Lattica
import LatticaCore
import LatticaRPC
import LatticeTesting
import Logging
import Multiformats
import Testing

@testable import lattice

@Suite(.timeLimit(.minutes(1))) struct `Peer commands` {
    @Test func `make a key once, and show its peer afterwards`() throws {
        try withTemporaryDirectory { folder in
            let first = try KeyDescription(path: folder + "/peer.key")
            let second = try KeyDescription(path: folder + "/peer.key")
            #expect(first.isCreated && !second.isCreated)
            #expect(first.peer == second.peer && second.description == second.peer)
            #expect(first.description.contains("Keep a copy"))
        }
    }

    @Test func `use the identity of the key file`() async throws {
        try await withTemporaryDirectory { folder in
            let key = try KeyDescription(path: folder + "/peer.key")
            let options = try P2POptions.parse(["--key", folder + "/peer.key"])
            #expect(try await options.host().peerID.description == key.peer)
        }
    }

    @Test(arguments: ["", "127.0.0.1:4001", "/ip4/127.0.0.1/tcp/nothing", "/ip4/127.0.0.1/tcp/1/p2p/short"])
    func `say how an address looks when one cannot be read`(text: String) {
        #expect {
            try P2POptions.multiaddr(text)
        } throws: { "\($0)".contains("/ip4/127.0.0.1/tcp/4001") }
    }

    @Test func `say what to look at when nobody answers`() async throws {
        let options = try P2POptions.parse([])
        await #expect {
            try await options.withPeer(at: "/ip4/127.0.0.1/tcp/1") { _, _ in }
        } throws: { "\($0)".contains("Is the peer running") }
    }

    @Test func `ping`() async throws {
        try await withPeer { address in
            let options = try P2POptions.parse([])
            let summary = try await options.withPeer(at: address) { host, peer in
                PingSummary(peer: "\(peer)", times: [try await host.ping(peer), try await host.ping(peer)])
            }
            #expect(summary.times.count == 2 && summary.description.hasPrefix("2 answers"))
            #expect(try JSON.text(summary).contains("\"ms\""))
        }
    }

    @Test func `find a peer by the name that the DNS has for it`() async throws {
        try await withPeer { address in
            let peer = try #require(try Multiaddr(address).peerID)
            try await LoopbackNameServer.with { name in
                name == "_dnsaddr.example.org" ? .texts(["dnsaddr=\(address)"]) : .noSuchName
            } _: { server in
                let options = try P2POptions.parse(["--dns", "127.0.0.1:\(server.port)"])
                let found = try await options.withPeer(at: "/dnsaddr/example.org/p2p/\(peer)") { host, peer in
                    _ = try await host.ping(peer)
                    return peer
                }
                #expect(found == peer)
                await #expect {
                    try await options.withPeer(at: "/dnsaddr/example.com") { _, _ in }
                } throws: { "\($0)".contains("does not have example.com") && "\($0)".contains("--dns") }
            }
        }
        await #expect {
            try await P2POptions.parse(["--dns", "dns.example.org"]).host()
        } throws: { "\($0)".contains("ADDRESS:PORT") }
    }

    @Test func `write the frames of the connection where they are asked for`() async throws {
        try await withTemporaryDirectory { folder in
            try await withPeer { address in
                let options = try P2POptions.parse(["--capture", folder + "/frames"])
                try await options.withPeer(at: address) { host, peer in _ = try await host.ping(peer) }
            }
            let lines = try String(contentsOfFile: folder + "/frames", encoding: .utf8).split(separator: "\n")
            #expect(lines.contains { $0.contains("\"direction\":\"in\"") && $0.contains("\"type\":\"data\"") })
        }
    }

    @Test func `say what a file is that holds no key of a private network`() async throws {
        try await withTemporaryDirectory { folder in
            try Data("secret".utf8).write(to: URL(filePath: folder + "/swarm.key"))
            for file in ["/swarm.key", "/nothing"] {
                await #expect {
                    try await P2POptions.parse(["--psk", folder + file]).host()
                } throws: { "\($0)".contains(folder + file) && "\($0)".contains("--psk") }
            }
        }
    }

    @Test func `tell what a peer says of itself`() async throws {
        try await withPeer { address in
            let options = try P2POptions.parse([])
            let found = try await options.withPeer(at: address) { host, peer in
                PeerDescription(peer, try await P2PCommand.identity(of: peer, on: host, asked: address))
            }
            #expect(address.hasSuffix(found.peer) && found.protocols.contains("/echo/1"))
            #expect(found.description.contains("/ipfs/ping/1.0.0"))
        }
    }

    @Test func `measure pings and the bytes of an echo`() async throws {
        try await withPeer { address in
            let options = try P2POptions.parse([])
            let figures = try await options.withPeer(at: address) { host, peer in
                let bench = PeerBench(host: host, peer: peer, length: .milliseconds(50))
                let (pings, rate) = (try await bench.pings(), try await bench.echo(by: "/echo/1"))
                return PeerFigures(
                    peer: peer,
                    pings: pings,
                    length: .milliseconds(50),
                    echo: "/echo/1",
                    bytesPerSecond: rate
                )
            }
            #expect(figures.pings > 0 && figures.median > 0 && (figures.megabytesPerSecond ?? 0) > 0)
        }
    }

    @Test func `say that bytes were not measured where the peer does not echo`() {
        let figures = PeerFigures(
            peer: Keypair().peerID,
            pings: [.milliseconds(2)],
            length: .seconds(1),
            echo: "/echo/1",
            bytesPerSecond: nil
        )
        #expect(figures.description.contains("does not speak /echo/1"))
        #expect(figures.pingsPerSecond == 500)
    }

    @Test(arguments: [["/ip4/127.0.0.1/tcp/1", "nothing"], ["/ip4/127.0.0.1/tcp/1", "a/B", "--deadline", "0"]])
    func `refuse a call that cannot be meant`(arguments: [String]) {
        #expect(throws: (any Error).self) { try P2PCommand.Call.parse(arguments) }
    }

    @Test(arguments: [
        (["1", "--count", "0"]), (["1", "--interval", "-1"]),
    ])
    func `refuse pings that cannot be meant`(arguments: [String]) {
        #expect(throws: (any Error).self) { try P2PCommand.Ping.parse(arguments) }
    }

    /// A peer that echoes streams, at an address of its own.
    private func withPeer(_ body: @Sendable (String) async throws -> Void) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let host = LatticaHost(
            configuration: LatticaConfiguration(listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")], logger: logger)
        )
        host.handle("/echo/1") { stream in
            do {
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                try await stream.closeWrite()
            } catch {
                stream.reset()
            }
        }
        try await host.start()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(#require(host.dialableAddresses.first).description))
        } catch {
            outcome = .failure(error)
        }
        await host.stop()
        try outcome.get()
    }
}
