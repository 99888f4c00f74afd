import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `Connection upgrade` {
    let alice = Keypair()
    let bob = Keypair()

    @Test func `takes two round trips, the first being what rust-libp2p sends`() throws {
        var dialer = try ConnectionUpgrade(role: .dialer, keypair: alice, expectedPeer: bob.peerID)
        var listener = try ConnectionUpgrade(role: .listener, keypair: bob)
        var toListener = try dialer.openingFlight()
        var toDialer = ByteBuffer()
        #expect(toListener.readableBytes == 62)
        #expect(
            toListener.readableBytesView.starts(
                with: [0x13] + Array("/multistream/1.0.0\n\u{07}/noise\n".utf8) + [0, 32]
            )
        )
        #expect(try listener.receive(&toListener, reply: &toDialer)?.remotePeer == nil)
        #expect(try dialer.receive(&toDialer, reply: &toListener)?.remotePeer == nil)
        #expect(try listener.receive(&toListener, reply: &toDialer)?.remotePeer == alice.peerID)
        #expect(try dialer.receive(&toDialer, reply: &toListener)?.remotePeer == bob.peerID)
        #expect(toListener.readableBytes == 0)
    }

    @Test func `does not mind how the bytes are cut`() throws {
        var dialer = try ConnectionUpgrade(role: .dialer, keypair: alice)
        var listener = try ConnectionUpgrade(role: .listener, keypair: bob)
        var wires = [try dialer.openingFlight(), ByteBuffer()]
        var inputs = [ByteBuffer(), ByteBuffer()]
        var peers: [PeerID?] = [nil, nil]
        while wires[0].readableBytes + wires[1].readableBytes > 0 {
            if var byte = wires[0].readSlice(length: min(1, wires[0].readableBytes)) { inputs[1].writeBuffer(&byte) }
            if var byte = wires[1].readSlice(length: min(1, wires[1].readableBytes)) { inputs[0].writeBuffer(&byte) }
            if peers[1] == nil { peers[1] = try listener.receive(&inputs[1], reply: &wires[1])?.remotePeer }
            if peers[0] == nil { peers[0] = try dialer.receive(&inputs[0], reply: &wires[0])?.remotePeer }
        }
        #expect(peers == [bob.peerID, alice.peerID])
    }

    @Test func `a listener without Noise is told as such`() throws {
        var dialer = try ConnectionUpgrade(role: .dialer, keypair: alice)
        var answer = ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}na\n")
        var reply = ByteBuffer()
        #expect(throws: ConnectionError.notSupported("/noise")) {
            _ = try dialer.receive(&answer, reply: &reply)?.remotePeer
        }
    }

    @Test func `TLS is proposed first, and Noise follows a refusal together with its first message`() throws {
        var dialer = try ConnectionUpgrade(role: .dialer, keypair: alice, security: [.tls, .noise])
        var listener = try ConnectionUpgrade(role: .listener, keypair: bob, security: [.noise])
        var toListener = try dialer.openingFlight()
        var toDialer = ByteBuffer()
        #expect(toListener == ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{0b}/tls/1.0.0\n"))
        #expect(try listener.receive(&toListener, reply: &toDialer)?.remotePeer == nil)
        #expect(toDialer == ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}na\n"))
        #expect(try dialer.receive(&toDialer, reply: &toListener)?.remotePeer == nil)
        #expect(toListener.readableBytesView.starts(with: Array("\u{07}/noise\n".utf8) + [0, 32]))
        #expect(try listener.receive(&toListener, reply: &toDialer)?.remotePeer == nil)
        #expect(try dialer.receive(&toDialer, reply: &toListener)?.remotePeer == nil)
        #expect(try listener.receive(&toListener, reply: &toDialer)?.remotePeer == alice.peerID)
        #expect(try dialer.receive(&toDialer, reply: &toListener)?.remotePeer == bob.peerID)
        #expect(dialer.agreedSecurity == .noise && listener.agreedSecurity == .noise)
    }

    @Test(arguments: [true, false]) func `TLS secures the link, and may agree on the muxer`(isMuxerAgreed: Bool) throws
    {
        var dialer = try ConnectionUpgrade(role: .dialer, keypair: alice, security: [.tls, .noise])
        var listener = try ConnectionUpgrade(role: .listener, keypair: bob, security: [.noise, .tls])
        var toListener = try dialer.openingFlight()
        var toDialer = ByteBuffer()
        toListener.writeString("the first words of TLS")
        #expect(try listener.receive(&toListener, reply: &toDialer)?.remotePeer == nil)
        #expect(listener.awaitsSecuredLink)
        #expect(toListener == ByteBuffer(string: "the first words of TLS"))
        #expect(try dialer.receive(&toDialer, reply: &toListener)?.remotePeer == nil)
        #expect(dialer.awaitsSecuredLink)
        toListener = ByteBuffer()
        let near = try dialer.linkSecured(by: bob.peerID, isMuxerAgreed: isMuxerAgreed, reply: &toListener)
        let far = try listener.linkSecured(by: alice.peerID, isMuxerAgreed: isMuxerAgreed, reply: &toDialer)
        if isMuxerAgreed {
            #expect(near?.remotePeer == bob.peerID && far?.remotePeer == alice.peerID)
            #expect(toListener.readableBytes == 0 && toDialer.readableBytes == 0)
        } else {
            toListener.writeString("frames")
            #expect(near?.remotePeer == nil && far?.remotePeer == nil)
            let upgraded = try listener.receive(&toListener, reply: &toDialer)
            #expect(upgraded?.remotePeer == alice.peerID)
            #expect(upgraded?.rest == ByteBuffer(string: "frames"))
            #expect(upgraded.map { $0.transport == nil } == true)
            #expect(try dialer.receive(&toDialer, reply: &toListener)?.remotePeer == bob.peerID)
        }
    }

    @Test(arguments: 0..<150) func `a damaged exchange ends in a typed error or waits`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var dialer = try ConnectionUpgrade(role: .dialer, keypair: alice)
        var listener = try ConnectionUpgrade(role: .listener, keypair: bob)
        var toListener = try dialer.openingFlight()
        var toDialer = ByteBuffer()
        let victim = Int(seed % 4)
        func damage(_ turn: Int, _ wire: inout ByteBuffer) {
            guard turn == victim, wire.readableBytes > 0 else { return }
            var bytes = Array(wire.readableBytesView)
            switch Int.random(in: 0...2, using: &random) {
            case 0: bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
            default: bytes = random.bytes(bytes.count)
            }
            wire = ByteBuffer(bytes: bytes)
        }
        var isListenerReady = false
        var isDialerReady = false
        do throws(ConnectionError) {
            damage(0, &toListener)
            isListenerReady = try listener.receive(&toListener, reply: &toDialer) != nil
            damage(1, &toDialer)
            isDialerReady = try dialer.receive(&toDialer, reply: &toListener) != nil
            damage(2, &toListener)
            isListenerReady = try listener.receive(&toListener, reply: &toDialer) != nil
            damage(3, &toDialer)
            isDialerReady = try dialer.receive(&toDialer, reply: &toListener) != nil
        } catch {}
        #expect(!(isListenerReady && isDialerReady), "seed \(seed)")
    }
}
