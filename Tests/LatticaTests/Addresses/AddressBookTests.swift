import Foundation
import LatticaCore
import LatticeTesting
import Multiformats
import Testing

@testable import Lattica

@Suite struct `Address book` {
    static func address(_ number: Int) -> Multiaddr {
        Multiaddr([.ip4(IPv4Address(bits: 0x0900_0000 | UInt32(number))), .tcp(1)])
    }

    let peer = Keypair().peerID

    @Test func `forgets what has outlived its time, and never what people said`() {
        var book = AddressBook()
        book.add(Self.address(1), for: peer, source: .identify, at: .zero)
        book.add(Self.address(2), for: peer, source: .user, at: .zero)
        book.prefer(Self.address(3), for: peer, at: .zero)
        #expect(book.addresses(of: peer, at: .seconds(1)).map(\.address) == [3, 1, 2].map(Self.address))
        let nextDay = Duration.seconds(24 * 3600)
        #expect(book.addresses(of: peer, at: nextDay).map(\.address) == [3, 2].map(Self.address))
        book.expire(at: nextDay * 8)
        #expect(book.addresses(of: peer).map(\.address) == [Self.address(2)])
    }

    @Test func `what is heard again lives on`() {
        var book = AddressBook()
        book.add(Self.address(1), for: peer, source: .identify, at: .zero)
        book.add(Self.address(1), for: peer, source: .identify, at: .seconds(20 * 3600))
        #expect(book.addresses(of: peer, at: .seconds(30 * 3600)).count == 1)
        // A peer cannot shorten what a person has said.
        book.add(Self.address(2), for: peer, source: .user, at: .zero)
        book.add(Self.address(2), for: peer, source: .identify, at: .zero)
        #expect(book.addresses(of: peer, at: .seconds(1_000_000)).map(\.address) == [Self.address(2)])
    }

    @Test func `a peer cannot push out what people said, or keep more than its share`() {
        var book = AddressBook()
        for index in 0..<4 { book.add(Self.address(index), for: peer, source: .user, at: .zero) }
        for index in 100..<200 { book.add(Self.address(index), for: peer, source: .identify, at: .zero) }
        let known = book.addresses(of: peer).map(\.address)
        #expect(known.count == AddressBook.mostAddresses)
        #expect(Array(known.prefix(4)) == (0..<4).map(Self.address))
    }

    @Test func `strangers are forgotten first when there are too many peers`() throws {
        var book = AddressBook()
        book.add(Self.address(1), for: peer, source: .user, at: .zero)
        var first: PeerID?
        for index in 0..<(AddressBook.mostPeers + 10) {
            // The id of a key that nobody has: only its form matters here.
            var bytes: [UInt8] = [0x12, 0x20] + [UInt8](repeating: 0, count: 32)
            (bytes[2], bytes[3], bytes[4]) = (UInt8(index >> 16), UInt8(index >> 8 & 255), UInt8(index & 255))
            let stranger = try PeerID(bytes: bytes)
            if index == 0 { first = stranger }
            book.add(Self.address(index), for: stranger, source: .identify, at: .zero)
        }
        #expect(book.peerCount == AddressBook.mostPeers)
        #expect(!book.addresses(of: peer).isEmpty)
        #expect(book.addresses(of: try #require(first)).isEmpty)
    }

    @Test func `loopback is believed of peers on this machine alone`() throws {
        var book = AddressBook()
        let loopback = try Multiaddr("/ip4/127.0.0.1/tcp/5")
        book.learn([loopback], of: peer, seen: Self.address(1), at: .zero)
        #expect(book.addresses(of: peer).isEmpty)
        book.learn([loopback], of: peer, seen: try Multiaddr("/ip4/127.0.0.1/tcp/9"), at: .zero)
        #expect(book.addresses(of: peer).count == 1)
    }
}

@Suite struct `Address book file` {
    static func book(_ peer: PeerID) -> AddressBook {
        var book = AddressBook()
        book.add(`Address book`.address(1), for: peer, source: .user, at: .zero)
        book.add(`Address book`.address(2), for: peer, source: .identify, at: .zero)
        book.prefer(`Address book`.address(3), for: peer, at: .zero)
        return book
    }

    @Test func `what was kept comes back, with the time it has left`() throws {
        try withTemporaryDirectory { folder in
            let peer = Keypair().peerID
            let file = AddressBookFile(path: folder + "/peers.json")
            #expect(try file.read(at: .zero).isEmpty)
            try file.write(Self.book(peer), at: .seconds(3600))
            var book = AddressBook()
            book.restore(try file.read(at: .seconds(100)))
            let known = book.addresses(of: peer)
            #expect(known.map(\.address) == [3, 1, 2].map(`Address book`.address))
            #expect(known.map(\.hasWorked) == [true, false, false])
            #expect(known[1].expires == nil)
            #expect(known[2].expires == .seconds(23 * 3600 + 100))
        }
    }

    @Test func `any damage is told, and never more than told`() throws {
        try withTemporaryDirectory { folder in
            let file = AddressBookFile(path: folder + "/peers.json")
            try file.write(Self.book(Keypair().peerID), at: .zero)
            let whole = try #require(FileManager.default.contents(atPath: file.path))
            var random = SeededGenerator(seed: 6)
            for length in whole.indices.dropLast() {
                try whole.prefix(length).write(to: URL(filePath: file.path))
                #expect(throws: AddressBookFileError.self) { try file.read(at: .zero) }
            }
            for _ in 0..<500 {
                var bytes = whole
                bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
                try bytes.write(to: URL(filePath: file.path))
                _ = try? file.read(at: .zero)
            }
            let newer = Data(#"{"version": 2, "peers": []}"#.utf8)
            try newer.write(to: URL(filePath: file.path))
            #expect(throws: AddressBookFileError.damaged("its version is 2")) { try file.read(at: .zero) }
        }
    }

    @Test func `a host comes back with the addresses it knew, and sets a damaged file aside`() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/peers.json"
            let peer = Keypair().peerID
            func host() -> LatticaHost {
                var configuration = LatticaConfiguration(logger: quiet)
                configuration.addressBookPath = path
                return LatticaHost(configuration: configuration)
            }
            let first = host()
            try await first.start()
            first.addAddress(`Address book`.address(1), for: peer)
            await first.stop()
            let second = host()
            try await second.start()
            #expect(second.addresses(of: peer) == [`Address book`.address(1)])
            await second.stop()
            try Data("no book".utf8).write(to: URL(filePath: path))
            let third = host()
            try await third.start()
            #expect(third.addresses(of: peer).isEmpty)
            await third.stop()
            #expect(FileManager.default.contents(atPath: path + ".damaged") == Data("no book".utf8))
        }
    }
}

@Suite struct `Observed addresses` {
    @Test func `count once enough machines agree, and while they do`() throws {
        var observed = ObservedAddresses(needed: 3)
        let mine = try Multiaddr("/ip4/5.6.7.8/tcp/4001")
        // Many peers on one machine are one voice.
        for port in 1...10 {
            observed.saw(mine, from: try Multiaddr("/ip4/9.9.9.9/tcp/\(port)"), at: .zero)
        }
        observed.saw(mine, from: try Multiaddr("/ip4/9.9.9.8/tcp/1"), at: .zero)
        #expect(observed.confirmed(at: .zero).isEmpty)
        observed.saw(mine, from: try Multiaddr("/ip6/2001:db8::1/tcp/1"), at: .seconds(60))
        #expect(observed.confirmed(at: .seconds(60)) == [mine])
        #expect(observed.confirmed(at: .seconds(1801)).isEmpty)
    }

    @Test func `nobody can fill the table or send the host to itself`() throws {
        var observed = ObservedAddresses(needed: 1)
        let observer = try Multiaddr("/ip4/9.9.9.9/tcp/1")
        for text in ["/ip4/127.0.0.1/tcp/1", "/ip4/0.0.0.0/tcp/1", "/memory/5", "/ip4/1.1.1.1/tcp/1/p2p-circuit"] {
            observed.saw(try Multiaddr(text), from: observer, at: .zero)
        }
        #expect(observed.confirmed(at: .zero).isEmpty)
        for port in 1...1000 { observed.saw(try Multiaddr("/ip4/5.6.7.8/tcp/\(port)"), from: observer, at: .zero) }
        #expect(observed.confirmed(at: .zero).count == ObservedAddresses.most)
    }
}
