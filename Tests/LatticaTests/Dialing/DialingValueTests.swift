import LatticaCore
import LatticeTesting
import Multiformats
import Testing

@testable import Lattica

@Suite struct `Dial plan` {
    @Test func `tries the next address a head start after the one before`() {
        var plan = DialPlan(count: 3, atOnce: 8)
        #expect(plan.handle(.started) == [.attempt(0), .headStart(of: 0)])
        #expect(plan.handle(.headStartOver(of: 0)) == [.attempt(1), .headStart(of: 1)])
        #expect(plan.handle(.headStartOver(of: 1)) == [.attempt(2)])
    }

    @Test func `tries the next address at once when one has failed`() {
        var plan = DialPlan(count: 3, atOnce: 8)
        _ = plan.handle(.started)
        #expect(plan.handle(.failed(0)) == [.attempt(1), .headStart(of: 1)])
        // The head start that has been cut short starts nothing any more.
        #expect(plan.handle(.headStartOver(of: 0)) == [])
        #expect(plan.handle(.headStartOver(of: 1)) == [.attempt(2)])
    }

    @Test func `gives up once all have failed, and once only`() {
        var plan = DialPlan(count: 2, atOnce: 8)
        _ = plan.handle(.started)
        _ = plan.handle(.headStartOver(of: 0))
        #expect(plan.handle(.failed(0)) == [])
        #expect(plan.handle(.failed(1)) == [.giveUp])
        #expect(plan.handle(.failed(1)) == [])
    }

    @Test func `has no more attempts going than it may`() {
        var plan = DialPlan(count: 4, atOnce: 2)
        _ = plan.handle(.started)
        #expect(plan.handle(.headStartOver(of: 0)) == [.attempt(1), .headStart(of: 1)])
        #expect(plan.handle(.headStartOver(of: 1)) == [])
        #expect(plan.handle(.failed(0)) == [.attempt(2), .headStart(of: 2)])
    }

    @Test func `addresses that are found later join those that are being tried`() {
        var plan = DialPlan(count: 1, atOnce: 8, isWaiting: true)
        #expect(plan.handle(.started) == [.attempt(0)])
        #expect(plan.handle(.found(2)) == [.headStart(of: 0)])
        #expect(plan.handle(.headStartOver(of: 0)) == [.attempt(1), .headStart(of: 1)])
    }

    @Test func `addresses that are found are tried at once when there is nothing else`() {
        var plan = DialPlan(count: 0, atOnce: 8, isWaiting: true)
        #expect(plan.handle(.started) == [])
        #expect(plan.handle(.found(1)) == [.attempt(0)])
        var failed = DialPlan(count: 1, atOnce: 8, isWaiting: true)
        _ = failed.handle(.started)
        #expect(failed.handle(.failed(0)) == [])
        #expect(failed.handle(.found(1)) == [.attempt(1)])
    }

    @Test func `gives up when nothing is found either`() {
        var plan = DialPlan(count: 0, atOnce: 8, isWaiting: true)
        #expect(plan.handle(.started) == [])
        #expect(plan.handle(.found(0)) == [.giveUp])
    }

    @Test func `plays any order of events to an end`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            let (known, found) = (Int.random(in: 0...10, using: &random), Int.random(in: 0...10, using: &random))
            let count = known + found
            let atOnce = Int.random(in: 1...4, using: &random)
            var plan = DialPlan(count: known, atOnce: atOnce, isWaiting: true)
            var pending: [DialPlan.Event] = [.started, .found(found)]
            var running = 0
            var tried: [Int] = []
            var hasGivenUp = false
            while !pending.isEmpty {
                let event = pending.remove(at: Int.random(in: pending.indices, using: &random))
                if case .failed = event { running -= 1 }
                for action in plan.handle(event) {
                    switch action {
                    case .attempt(let index):
                        tried.append(index)
                        running += 1
                        pending.append(.failed(index))
                    case .headStart(let index): pending.append(.headStartOver(of: index))
                    case .giveUp: hasGivenUp = true
                    }
                }
                #expect(running <= atOnce)
            }
            #expect(hasGivenUp)
            #expect(tried == Array(0..<count))
        }
    }
}

@Suite struct `Dial back-off` {
    let peer = Keypair().peerID
    let address = Multiaddr([.ip4(IPv4Address(bits: 1)), .tcp(1)])

    @Test func `doubles with every failure up to the longest, spread by a quarter`() throws {
        var random = SeededGenerator(seed: 2)
        var backOff = DialBackOff(first: .seconds(1), longest: .seconds(300))
        var now = Duration.zero
        for failure in 0..<12 {
            #expect(backOff.remaining(address, of: peer, at: now) == nil)
            backOff.failed(address, of: peer, at: now, using: &random)
            let pause = try #require(backOff.remaining(address, of: peer, at: now))
            let middle = min(300, 1 << failure)
            #expect(pause >= .seconds(middle) * 3 / 4 && pause <= .seconds(middle) * 5 / 4)
            now += pause
        }
    }

    @Test func `is forgotten when the address works, and after a long quiet`() throws {
        var random = SeededGenerator(seed: 3)
        var backOff = DialBackOff(first: .seconds(1), longest: .seconds(300))
        for _ in 0..<5 { backOff.failed(address, of: peer, at: .zero, using: &random) }
        backOff.succeeded(address, of: peer)
        #expect(backOff.remaining(address, of: peer, at: .zero) == nil)
        for _ in 0..<5 { backOff.failed(address, of: peer, at: .zero, using: &random) }
        backOff.failed(address, of: peer, at: .seconds(1000), using: &random)
        let pause = try #require(backOff.remaining(address, of: peer, at: .seconds(1000)))
        #expect(pause <= .milliseconds(1250))
    }

    @Test func `is kept for each address and peer, for no more than the bound`() {
        var random = SeededGenerator(seed: 4)
        var backOff = DialBackOff(first: .seconds(1), longest: .seconds(300))
        backOff.failed(address, of: peer, at: .zero, using: &random)
        #expect(backOff.remaining(address, of: nil, at: .zero) == nil)
        #expect(backOff.remaining(address, of: Keypair().peerID, at: .zero) == nil)
        for port in 1...6000 {
            let other = Multiaddr([.ip4(IPv4Address(bits: 2)), .tcp(UInt16(port))])
            backOff.failed(other, of: peer, at: .zero, using: &random)
        }
        let last = Multiaddr([.ip4(IPv4Address(bits: 2)), .tcp(6000)])
        #expect(backOff.remaining(last, of: peer, at: .zero) != nil)
    }
}

@Suite struct `Address ranking` {
    static func known(_ text: String, hasWorked: Bool = false) throws -> AddressBook.Known {
        AddressBook.Known(address: try Multiaddr(text), source: .identify, expires: nil, hasWorked: hasWorked)
    }

    @Test func `direct before relayed, near before far, what worked first`() throws {
        let ranking = AddressRanking(own: [try Multiaddr("/ip4/192.168.7.2/tcp/1")])
        let relay = "/ip4/1.2.3.4/tcp/1/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X/p2p-circuit"
        let ranked = ranking.rank([
            try Self.known(relay, hasWorked: true),
            try Self.known("/ip4/192.168.1.5/tcp/1"),
            try Self.known("/ip4/9.9.9.9/tcp/1"),
            try Self.known("/ip4/192.168.7.5/tcp/1"),
            try Self.known("/ip4/127.0.0.1/tcp/1"),
            try Self.known("/ip4/8.8.8.8/tcp/1", hasWorked: true),
        ])
        #expect(
            ranked.map { "\($0)" } == [
                "/ip4/8.8.8.8/tcp/1", "/ip4/127.0.0.1/tcp/1", "/ip4/192.168.7.5/tcp/1", "/ip4/9.9.9.9/tcp/1",
                "/ip4/192.168.1.5/tcp/1", relay,
            ]
        )
    }

    @Test func `versions 6 and 4 take turns`() throws {
        let texts = ["/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.2/tcp/1", "/ip6/2001:db8::1/tcp/1", "/dns6/a.example/tcp/1"]
        let ranked = AddressRanking(own: []).rank(try texts.map { try Self.known($0) })
        #expect(ranked.map { "\($0)" } == [texts[2], texts[0], texts[3], texts[1]])
    }
}

@Suite struct `Dial slots` {
    @Test func `let so many in, the others in turn, and no more wait than may`() async throws {
        let slots = DialSlots(1, waiters: 1)
        #expect(await slots.take() == .granted)
        // Whoever comes first of the two waits, and the other is turned away.
        async let second = slots.take()
        async let third = slots.take()
        try await eventually("somebody to wait") { slots.waiterCount == 1 }
        slots.give()
        let turns = await [second, third]
        #expect(turns.contains(.granted))
        #expect(turns.allSatisfy { $0 != .cancelled })
    }

    @Test func `a cancelled task loses its place`() async throws {
        let slots = DialSlots(1, waiters: 8)
        _ = await slots.take()
        let waiter = Task { await slots.take() }
        waiter.cancel()
        #expect(await waiter.value == .cancelled)
        slots.give()
        #expect(await slots.take() == .granted)
    }
}
