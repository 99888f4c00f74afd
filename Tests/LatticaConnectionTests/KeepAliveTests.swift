import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `Keep-alive` {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var keepAlive = KeepAlive(interval: .seconds(10), timeout: .seconds(10), value: 6, now: start)

    @Test mutating func `asks at once and then at every interval`() {
        #expect(keepAlive.tick(at: Self.start) == .ping(7))
        #expect(keepAlive.pong(at: Self.start + .milliseconds(3)) == .milliseconds(3))
        #expect(keepAlive.tick(at: Self.start + .seconds(9)) == .none)
        #expect(keepAlive.tick(at: Self.start + .seconds(10)) == .ping(8))
    }

    @Test mutating func `gives up a peer that says nothing`() {
        #expect(keepAlive.tick(at: Self.start) == .ping(7))
        #expect(keepAlive.tick(at: Self.start + .seconds(9)) == .none)
        #expect(keepAlive.tick(at: Self.start + .seconds(10)) == .giveUp)
    }

    @Test mutating func `an answer that waits behind other bytes is waited for`() {
        #expect(keepAlive.tick(at: Self.start) == .ping(7))
        keepAlive.received(at: Self.start + .seconds(8))
        #expect(keepAlive.tick(at: Self.start + .seconds(12)) == .none)
        #expect(keepAlive.tick(at: Self.start + .seconds(18)) == .giveUp)
    }

    @Test mutating func `an answer that was not asked for tells nothing`() {
        #expect(keepAlive.pong(at: Self.start) == nil)
    }
}
