import Lattica
import LatticaCore
import LatticeTesting
import Multiformats
import NIOConcurrencyHelpers
import Testing

/// The resolver with a real server of the DNS, on this machine.
@Suite(.timeLimit(.minutes(1))) struct `DNS resolver` {
    static func resolver(_ server: LoopbackNameServer) throws -> DNSResolver {
        DNSResolver(servers: [try #require(NameServer("127.0.0.1:\(server.port)"))])
    }

    @Test func `gives the text records of a name, strings joined`() async throws {
        let long = String(repeating: "0123456789", count: 40)
        try await LoopbackNameServer.with { name in
            name == "_dnsaddr.example.org" ? .texts(["dnsaddr=/ip4/192.0.2.1/tcp/1", long, ""]) : .noSuchName
        } _: { server in
            let texts = try await Self.resolver(server).texts(of: "_dnsaddr.example.org")
            #expect(texts.sorted() == ["", long, "dnsaddr=/ip4/192.0.2.1/tcp/1"])
            #expect(server.questions.allSatisfy { !$0.isOverTCP })
        }
    }

    @Test func `asks again over TCP for what does not fit into a datagram`() async throws {
        let texts = (0..<200).map { "dnsaddr=/ip4/192.0.2.\($0)/tcp/4001" }
        try await LoopbackNameServer.with { _ in
            .texts(texts)
        } _: { server in
            let answer = try await Self.resolver(server).texts(of: "example.org")
            #expect(answer.sorted() == texts.sorted())
            #expect(server.questions.map(\.isOverTCP) == [false, true])
        }
    }

    @Test func `tells what is wrong`() async throws {
        try await LoopbackNameServer.with { name in
            switch name {
            case "empty.org": .texts([String]())
            case "refused.org": .refused
            default: .noSuchName
            }
        } _: { server in
            let resolver = try Self.resolver(server)
            await #expect(throws: TXTLookupError.noSuchName) { try await resolver.texts(of: "example.org") }
            await #expect(throws: TXTLookupError.noRecords) { try await resolver.texts(of: "empty.org") }
            await #expect {
                try await resolver.texts(of: "refused.org")
            } throws: {
                if case .notAnswered(let reason)? = $0 as? TXTLookupError { !reason.isEmpty } else { false }
            }
            let asked = server.questions.count
            let label = String(repeating: "a", count: 63)
            let long = [label, label, label, label].joined(separator: ".")
            for name in ["", ".", "a..b", "a b", "a\\.b", "a\u{0}b", "ä.org", label + "a", long] {
                await #expect(throws: TXTLookupError.invalidName) { try await resolver.texts(of: name) }
            }
            #expect(server.questions.count == asked)
        }
    }

    @Test func `takes whatever comes for an answer`() async throws {
        var random = SeededGenerator(seed: 72)
        // Behind the number: an answer with one question and many records, of which none follows; and noise.
        let header: [UInt8] = [0x81, 0x80, 0, 1, 0xff, 0xff, 0, 0, 0, 0]
        let answers =
            [[], header] + (0..<30).map { _ in header + random.bytes(Int.random(in: 0..<200, using: &random)) }
        let next = NIOLockedValueBox(0)
        try await LoopbackNameServer.with { _ in
            .bytes(
                answers[
                    next.withLockedValue { next in
                        next += 1
                        return next % answers.count
                    }
                ]
            )
        } _: { server in
            let resolver = try Self.resolver(server)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<10 {
                            let lookup = Task { try await resolver.texts(of: "example.org") }
                            let timer = Task {
                                try await Task.sleep(for: .milliseconds(200))
                                lookup.cancel()
                            }
                            _ = try? await lookup.value
                            timer.cancel()
                        }
                    }
                }
            }
        }
    }

    @Test func `ends soon when nobody waits any more, though no server answers`() async throws {
        try await LoopbackNameServer.with { _ in
            .silence
        } _: { server in
            let resolver = try Self.resolver(server)
            // More than there are threads: some are cancelled while they wait for one.
            let lookups = (0..<8).map { _ in Task { try await resolver.texts(of: "example.org") } }
            try await eventually("a question") { !server.questions.isEmpty }
            let start = ContinuousClock.now
            for lookup in lookups { lookup.cancel() }
            for lookup in lookups {
                await #expect(throws: TXTLookupError.cancelled) { try await lookup.value }
            }
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test func `a port where nobody listens is no server`() async throws {
        var free = 0
        try await LoopbackNameServer.with { _ in
            .silence
        } _: {
            free = $0.port
        }
        let resolver = DNSResolver(servers: [try #require(NameServer("127.0.0.1:\(free)"))])
        await #expect(throws: TXTLookupError.self) { try await resolver.texts(of: "example.org") }
    }
}
