import NIOCore
import Testing

@testable import LatticaConnection

@Suite struct `Receive window` {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var window = ReceiveWindow()

    /// The peer sends a window's worth and all of it is read, so long after the beginning.
    private mutating func fillAndEmpty(at time: TimeAmount, roundTrip: TimeAmount?, room: Int = .max) -> Int? {
        let isAllowed = window.receive(window.credit)
        #expect(isAllowed)
        return window.grant(unread: 0, at: Self.start + time, roundTrip: roundTrip, room: room)
    }

    @Test mutating func `credit comes back once half a window has been read`() {
        let half = YamuxLimits.initialWindow / 2
        #expect(window.receive(YamuxLimits.initialWindow) == true)
        #expect(window.grant(unread: half + 1, at: Self.start, roundTrip: nil, room: 0) == nil)
        #expect(window.grant(unread: half, at: Self.start, roundTrip: nil, room: 0) == half)
        #expect(window.credit == half)
    }

    @Test mutating func `more than the credit is refused`() {
        #expect(window.receive(YamuxLimits.initialWindow) == true)
        #expect(window.receive(1) == false)
    }

    @Test mutating func `doubles while the reader empties it within four round trips`() {
        let first = YamuxLimits.initialWindow
        #expect(fillAndEmpty(at: .zero, roundTrip: .milliseconds(10)) == first)
        #expect(fillAndEmpty(at: .milliseconds(39), roundTrip: .milliseconds(10)) == 2 * first)
        #expect(fillAndEmpty(at: .milliseconds(60), roundTrip: .milliseconds(10)) == 4 * first)
        #expect(window.size == 4 * first)
    }

    @Test mutating func `keeps its size when the network is the slower one`() {
        _ = fillAndEmpty(at: .zero, roundTrip: .milliseconds(10))
        _ = fillAndEmpty(at: .milliseconds(41), roundTrip: .milliseconds(10))
        #expect(window.size == YamuxLimits.initialWindow)
    }

    @Test mutating func `keeps its size while the round trip is not known`() {
        _ = fillAndEmpty(at: .zero, roundTrip: nil)
        _ = fillAndEmpty(at: .milliseconds(1), roundTrip: nil)
        #expect(window.size == YamuxLimits.initialWindow)
    }

    @Test mutating func `grows no further than there is room`() {
        _ = fillAndEmpty(at: .zero, roundTrip: .milliseconds(10))
        #expect(fillAndEmpty(at: .milliseconds(1), roundTrip: .milliseconds(10), room: 1000) == window.size)
        #expect(window.growth == 1000)
        _ = fillAndEmpty(at: .milliseconds(2), roundTrip: .milliseconds(10), room: -5)
        #expect(window.growth == 1000)
    }
}

@Suite struct `Yamux windows` {
    /// Writes on one stream as fast as the peer lets it, over a wire with a delay, and reads at once.
    ///
    /// - Returns: the virtual time that a transfer takes.
    private func transfer(_ count: Int, oneWay: TimeAmount, limits: YamuxLimits = .init()) throws -> TimeAmount {
        var pair = YamuxPair(limits: limits)
        pair.listener.roundTripTime = .nanoseconds(2 * oneWay.nanoseconds)
        let id = try pair.open()
        var now = NIODeadline.uptimeNanoseconds(0)
        var rest = ByteBuffer(repeating: 1, count: count)
        var received = 0
        while received < count {
            var wire = ByteBuffer()
            while rest.readableBytes > 0 {
                let writing = pair.dialer.write(id, &rest)
                if var output = pair.dialer.takeOutput() { wire.writeBuffer(&output) }
                if writing == .windowFull { break }
            }
            now = now + oneWay
            try pair.listener.receive(&wire)
            while case .bytes(let part) = pair.listener.read(id, at: now) { received += part.readableBytes }
            #expect(pair.listener.windowGrowth + YamuxLimits.initialWindow <= limits.unreadBytes)
            now = now + oneWay
            if var back = pair.listener.takeOutput() { try pair.dialer.receive(&back) }
        }
        return now - .uptimeNanoseconds(0)
    }

    @Test func `a far peer is not held up by the first window`() throws {
        // With windows of 256 KiB the same takes 128 round trips of 100 ms.
        #expect(try transfer(32 << 20, oneWay: .milliseconds(50)) < .milliseconds(1200))
    }

    @Test func `all windows together stay below what may be unread`() throws {
        var limits = YamuxLimits()
        limits.unreadBytes = 1 << 20
        #expect(try transfer(16 << 20, oneWay: .milliseconds(50), limits: limits) >= .milliseconds(1600))
    }

    @Test func `a stream that has ended gives back what its window had grown`() throws {
        var pair = YamuxPair()
        pair.listener.roundTripTime = .seconds(1)
        let id = try pair.open()
        for turn in 0..<4 {
            var bytes = ByteBuffer(repeating: 1, count: 4 << 20)
            while true {
                let writing = pair.dialer.write(id, &bytes)
                try pair.exchange()
                if writing == .windowFull { break }
            }
            while case .bytes = pair.listener.read(id, at: .uptimeNanoseconds(UInt64(turn))) {}
            try pair.exchange()
        }
        #expect(pair.listener.windowGrowth > 0)
        pair.listener.release(id)
        #expect(pair.listener.windowGrowth == 0)
    }

    @Test func `a reader of one chunk every 5 ms gets them all while the sender is held back`() throws {
        var pair = YamuxPair()
        pair.listener.roundTripTime = .microseconds(100)
        let id = try pair.open()
        let (chunks, size) = (5000, 1000)
        var sent = 0
        var received = 0
        var most = 0
        var isHeldBack = false
        for step in 0..<(chunks * 2) where received < chunks * size {
            while sent < chunks {
                var chunk = ByteBuffer(repeating: UInt8(truncatingIfNeeded: sent), count: size)
                let writing = pair.dialer.write(id, &chunk)
                try pair.exchange()
                guard writing == .done else {
                    isHeldBack = true
                    // What was taken of a chunk stays taken; the rest is of no matter here.
                    sent += chunk.readableBytes == size ? 0 : 1
                    received += chunk.readableBytes == size ? 0 : chunk.readableBytes
                    break
                }
                sent += 1
            }
            most = max(most, pair.listener.unreadBytes)
            let now = NIODeadline.uptimeNanoseconds(UInt64(step) * 5_000_000)
            if case .bytes(let part) = pair.listener.read(id, at: now) { received += part.readableBytes }
        }
        #expect(received == chunks * size)
        #expect(isHeldBack)
        #expect(most <= YamuxLimits.initialWindow)
    }
}

@Suite struct `Byte queue` {
    @Test func `gives the bytes in order, whole buffers as they came`() {
        var queue = ByteQueue()
        let large = ByteBuffer(repeating: 1, count: 5000)
        let received = ByteBuffer(repeating: 2, count: 4000)
        queue.append(large)
        queue.append(received.getSlice(at: 0, length: 3) ?? ByteBuffer())
        queue.append(received.getSlice(at: 3, length: 3) ?? ByteBuffer())
        queue.append(received)
        #expect(queue.count == 9006)
        var all = ByteBuffer()
        var parts = 0
        while let part = queue.popFirst() {
            parts += 1
            all.writeImmutableBuffer(part)
        }
        #expect(all == ByteBuffer(bytes: [UInt8](repeating: 1, count: 5000) + [UInt8](repeating: 2, count: 4006)))
        #expect(parts < 4)
        #expect(queue.count == 0)
    }

    @Test func `small parts do not keep large buffers`() {
        var queue = ByteQueue()
        let received = ByteBuffer(repeating: 2, count: 60_000)
        for start in 0..<100 { queue.append(received.getSlice(at: start * 600, length: 10) ?? ByteBuffer()) }
        var held = 0
        while let part = queue.popFirst() { held += part.storageCapacity }
        #expect(held <= 4096)
    }
}
