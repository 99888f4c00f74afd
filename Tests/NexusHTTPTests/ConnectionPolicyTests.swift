import NIOCore
import Testing

@testable import NexusHTTP

@Suite struct `Connection policy` {
    var policy = ConnectionPolicy(limits: .init(HTTPConfiguration()))

    private func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }

    private mutating func receive(_ length: Int? = nil, at second: Int64 = 1) {
        _ = policy.handle(.opened, at: at(0))
        _ = policy.handle(.requestHead(expectsContinue: false, declaredLength: length), at: at(second))
    }

    @Test mutating func `closes a connection that sends no head`() {
        #expect(policy.handle(.opened, at: at(0)) == .none)
        #expect(policy.wakeTime == at(30))
        #expect(policy.handle(.timerFired, at: at(29)) == .none)
        #expect(policy.handle(.timerFired, at: at(30)) == .close)
    }

    @Test mutating func `closes a connection whose body does not end, however lively`() {
        receive()
        #expect(policy.handle(.requestBody(1), at: at(60)) == .none)
        #expect(policy.handle(.timerFired, at: at(60)) == .none)
        #expect(policy.handle(.timerFired, at: at(61)) == .close)
    }

    @Test mutating func `waits for an answer without a deadline of its own`() {
        receive()
        _ = policy.handle(.requestEnd, at: at(2))
        #expect(policy.wakeTime == nil)
    }

    @Test mutating func `pings a silent event stream, and only then`() {
        receive()
        _ = policy.handle(.requestEnd, at: at(2))
        _ = policy.handle(.responseHead(isEventStream: true, closes: false), at: at(3))
        _ = policy.handle(.responseBody, at: at(8))
        #expect(policy.handle(.timerFired, at: at(13)) == .none)
        #expect(policy.handle(.timerFired, at: at(18)) == .ping)
        #expect(policy.wakeTime == at(28))
        _ = policy.handle(.writable(false), at: at(20))
        #expect(policy.handle(.timerFired, at: at(28)) == .none)
        #expect(policy.handle(.timerFired, at: at(80)) == .close)
    }

    @Test mutating func `forgets a stall once the socket has room`() {
        receive()
        _ = policy.handle(.requestEnd, at: at(2))
        _ = policy.handle(.writable(false), at: at(3))
        _ = policy.handle(.writable(true), at: at(4))
        #expect(policy.wakeTime == nil)
    }

    @Test mutating func `lingers after an answer to half a request, for a second and one body`() {
        receive(50_000_000)
        _ = policy.handle(.responseHead(isEventStream: false, closes: true), at: at(2))
        #expect(policy.handle(.responseEnd, at: at(2)) == .linger)
        #expect(policy.dropsInbound)
        #expect(policy.handle(.requestBody(10_000_000), at: at(2)) == .none)
        #expect(policy.handle(.requestBody(1), at: at(2)) == .close)
        #expect(policy.handle(.timerFired, at: at(3)) == .close)
    }

    @Test mutating func `waits for the next head after an answer`() {
        receive()
        _ = policy.handle(.requestEnd, at: at(2))
        _ = policy.handle(.responseHead(isEventStream: false, closes: false), at: at(3))
        #expect(policy.handle(.responseEnd, at: at(4)) == .none)
        #expect(policy.wakeTime == at(34))
    }

    @Test mutating func `closes after an answer that said so`() {
        receive()
        _ = policy.handle(.requestEnd, at: at(2))
        _ = policy.handle(.responseHead(isEventStream: false, closes: true), at: at(3))
        #expect(policy.handle(.responseEnd, at: at(4)) == .closeAfterFlush)
    }

    @Test mutating func `asks for a body that is held back unless it is too long`() {
        _ = policy.handle(.opened, at: at(0))
        let head = ConnectionPolicy.Event.requestHead(expectsContinue: true, declaredLength: 10_000_000)
        #expect(policy.handle(head, at: at(1)) == .sayContinue)
        _ = policy.handle(.requestEnd, at: at(1))
        let long = ConnectionPolicy.Event.requestHead(expectsContinue: true, declaredLength: 10_000_001)
        #expect(policy.handle(long, at: at(2)) == .none)
    }
}
