import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

/// One side of a session; a class, since what changes a value cannot stand in an expectation.
@dynamicMemberLookup
private final class Side {
    var session: RPCSession

    init(_ role: RPCSession.Role, _ limits: RPCLimits) {
        session = RPCSession(role: role, limits: limits)
    }

    subscript<Value>(dynamicMember path: KeyPath<RPCSession, Value>) -> Value { session[keyPath: path] }

    func receive(_ bytes: ByteBuffer) throws { try session.receive(bytes) }
    func output() -> ByteBuffer? { session.allOutput() }
    func send(_ id: UInt64, _ message: ByteBuffer) -> RPCSession.Sending { session.send(id, message) }
    func read(_ id: UInt64) -> RPCSession.Reading { session.read(id) }
    func cancel(_ id: UInt64) { session.cancel(id) }
    func release(_ id: UInt64) { session.release(id) }
    func expire(at now: Duration) -> Duration? { session.expire(at: now) }
    func fail(_ error: RPCError) { session.fail(error) }
    func reply(_ id: UInt64) -> Result<ByteBuffer, RPCError>? { session.takeReply(id) }

    func answer(_ id: UInt64, message: ByteBuffer? = nil, status: RPCStatus) {
        session.answer(id, message: message, status: status)
    }

    func events() -> [RPCSession.Event] {
        var events: [RPCSession.Event] = []
        session.takeEvents(into: &events)
        return events
    }

    func message(_ id: UInt64) -> ByteBuffer? {
        if case .message(let message) = read(id) { message } else { nil }
    }

    func failure(_ id: UInt64) -> RPCError? {
        if case .failed(let error) = read(id) { error } else { nil }
    }

    func hasFinished(_ id: UInt64) -> Bool {
        if case .finished = read(id) { true } else { false }
    }
}

extension RPCSession {
    fileprivate mutating func allOutput() -> ByteBuffer? {
        var output = ByteBuffer()
        return takeOutput(into: &output) ? output : nil
    }
}

/// Two sessions whose bytes are carried by the test.
private struct SessionPair {
    let caller: Side
    let server: Side

    init(limits: RPCLimits = RPCLimits()) {
        caller = Side(.caller, limits)
        server = Side(.server, limits)
    }

    /// Carries bytes both ways until none are left.
    func exchange() throws {
        while true {
            let (there, back) = (caller.output(), server.output())
            if there == nil, back == nil { return }
            if let there { try server.receive(there) }
            if let back { try caller.receive(back) }
        }
    }

    func open(_ message: ByteBuffer? = nil, isLast: Bool = false, deadline: Duration? = nil) -> UInt64 {
        let header = RPCHeader(method: "a/B", deadline: deadline)
        return caller.session.open(header, message: message, isLast: isLast, deadline: deadline)
    }
}

private let header = RPCHeader(method: "a/B", deadline: nil)
private func message(_ count: Int, of byte: UInt8 = 1) -> ByteBuffer { ByteBuffer(repeating: byte, count: count) }

@Suite struct `RPC session` {
    private let pair = SessionPair()

    @Test func `what many calls bring at once is taken in turns`() throws {
        let ids = (0..<5).map { _ in pair.open(message(10), isLast: true) }
        let requests = try #require(pair.caller.output())
        var turns: [Int] = []
        var bytes = requests
        while true {
            let hasMore = try pair.server.session.receive(bytes, atMost: 2)
            bytes = ByteBuffer()
            turns.append(pair.server.events().count { if case .opened = $0 { true } else { false } })
            if !hasMore { break }
        }
        #expect(turns == [2, 2, 1])
        #expect(ids.allSatisfy { pair.server.message($0) == message(10) })
    }

    @Test func `a unary call is one frame each way`() throws {
        let id = pair.open(message(128), isLast: true)
        let request = try #require(pair.caller.output())
        #expect(try RPCMessageFrames.count(request) == 1)
        try pair.server.receive(request)
        #expect(pair.server.events() == [.opened(id, header), .readable(id)])
        #expect(pair.server.message(id) == message(128))
        #expect(pair.server.hasFinished(id))
        pair.server.answer(id, message: message(64), status: .ok)
        let reply = try #require(pair.server.output())
        #expect(try RPCMessageFrames.count(reply) == 1)
        try pair.caller.receive(reply)
        #expect(pair.caller.events() == [.ended(id)])
        #expect(try pair.caller.reply(id)?.get() == message(64))
        #expect(pair.caller.calls.isEmpty && pair.server.calls.isEmpty)
    }

    @Test func `messages that nobody reads stop their sender, and no other`() throws {
        let slow = pair.open()
        var sent = 0
        while pair.caller.send(slow, message(1000)) == .sent {
            sent += 1
            try pair.exchange()
        }
        #expect(sent == RPCReceiveWindow.initialSize / (1000 + RPCReceiveWindow.messageCost))
        let other = pair.open(message(1000), isLast: true)
        try pair.exchange()
        #expect(pair.server.message(other) == message(1000))
        // Reading lets the sender go on.
        _ = pair.caller.events()
        for _ in 0..<sent { #expect(pair.server.message(slow) != nil) }
        try pair.exchange()
        #expect(pair.caller.events().contains(.writable(slow)))
    }

    @Test func `empty messages use up the window as well`() throws {
        let id = pair.open()
        var sent = 0
        while pair.caller.send(id, ByteBuffer()) == .sent {
            sent += 1
            try pair.exchange()
        }
        #expect(sent == RPCReceiveWindow.initialSize / RPCReceiveWindow.messageCost)
    }

    @Test(arguments: [0, 1, 65503, 65504, 65505, 65536, 70000, 1 << 20, 4 << 20])
    func `a message of any length arrives`(
        length: Int
    ) throws {
        let id = pair.open(message(length), isLast: true)
        try pair.exchange()
        #expect(pair.server.message(id) == message(length))
        pair.server.answer(id, message: message(length, of: 2), status: .ok)
        try pair.exchange()
        #expect(try pair.caller.reply(id)?.get() == message(length, of: 2))
        #expect(pair.server.calls.isEmpty && pair.server.budget == pair.caller.budget)
        #expect(pair.caller.budget == RPCLimits().sessionBudget.bytes)
    }

    @Test func `a short call does not wait for a long one`() throws {
        let long = pair.open()
        _ = pair.caller.send(long, message(4 << 20))
        // Credit for all of it.
        try pair.server.receive(try #require(pair.caller.output()))
        try pair.caller.receive(try #require(pair.server.output()))
        let short = pair.open(message(100), isLast: true)
        var before = 0
        while pair.server.calls[short]?.inbox.isEmpty != false {
            let bytes = try #require(pair.caller.output())
            before += bytes.readableBytes
            try pair.server.receive(bytes)
        }
        #expect(before <= 2 * (RPCSession.highWater + RPCFrame.maximumPart) + 1000)
        #expect(pair.server.message(short) == message(100))
        try pair.exchange()
        #expect(pair.server.message(long)?.readableBytes == 4 << 20)
    }

    @Test func `long messages wait for the budget in turn`() throws {
        var limits = RPCLimits()
        limits.maximumMessage = .mebibytes(1)
        limits.sessionBudget = .mebibytes(1)
        let pair = SessionPair(limits: limits)
        let ids = (0..<5).map { _ in pair.open(message(1 << 20), isLast: true) }
        for _ in ids {
            try pair.exchange()
            let whole = ids.filter { pair.server.calls[$0]?.inbox.isEmpty == false }
            #expect(whole.count == 1)
            let id = try #require(whole.first)
            #expect(pair.server.message(id)?.readableBytes == 1 << 20)
            pair.server.answer(id, status: .ok)
        }
        #expect(pair.server.budget == 1 << 20)
    }

    @Test func `the window grows for a reader that is fast`() throws {
        let id = pair.open()
        for _ in 0..<1000 {
            guard pair.caller.send(id, message(4000)) == .sent else { break }
            try pair.exchange()
            #expect(pair.server.message(id) != nil)
            try pair.exchange()
        }
        #expect(pair.server.calls[id]?.window.size == RPCReceiveWindow.maximumSize)
        pair.caller.cancel(id)
        try pair.exchange()
        #expect(pair.server.budget == RPCLimits().sessionBudget.bytes)
    }

    @Test func `giving a call up reaches the server, and what was on its way is passed over`() throws {
        let id = pair.open(message(10))
        try pair.exchange()
        _ = pair.server.events()
        #expect(pair.server.send(id, message(10)) == .sent)
        pair.caller.cancel(id)
        try pair.exchange()
        #expect(pair.server.events() == [.ended(id)])
        #expect(pair.caller.failure(id) == .cancelled)
        #expect(pair.server.send(id, message(1)) == .refused(.cancelled))
        pair.caller.release(id)
        #expect(pair.caller.calls.isEmpty && pair.server.calls.isEmpty)
    }

    @Test func `a deadline ends the call on both sides`() throws {
        let id = pair.open(message(10), deadline: .seconds(5))
        try pair.exchange()
        #expect(pair.server.expire(at: .seconds(4)) == .seconds(5))
        #expect(pair.caller.expire(at: .seconds(4)) == .seconds(5))
        #expect(pair.caller.expire(at: .seconds(5)) == nil)
        #expect(pair.caller.failure(id) == .deadlineExceeded)
        let other = pair.open(message(10), deadline: .seconds(5))
        try pair.exchange()
        #expect(pair.server.expire(at: .seconds(5)) == nil)
        try pair.exchange()
        #expect(pair.caller.failure(other) == .failed(code: .deadlineExceeded, message: "the deadline passed"))
    }

    @Test func `what came before a failure can be read`() throws {
        let id = pair.open(isLast: true)
        try pair.exchange()
        #expect(pair.server.send(id, message(3)) == .sent)
        pair.server.answer(id, status: RPCStatus(code: .aborted, message: "no"))
        try pair.exchange()
        #expect(pair.caller.message(id) == message(3))
        #expect(pair.caller.failure(id) == .failed(code: .aborted, message: "no"))
    }

    @Test func `the end of the session ends every call`() throws {
        let ids = (0..<3).map { _ in pair.open(message(10)) }
        try pair.exchange()
        pair.caller.fail(.unavailable("gone"))
        pair.server.fail(.unavailable("gone"))
        for id in ids {
            #expect(pair.caller.failure(id) == .unavailable("gone"))
            #expect(pair.server.failure(id) == .cancelled)
        }
        #expect(pair.caller.output() == nil)
    }

    @Test(arguments: [
        [RPCFrame(call: 1, data: message(1))], [RPCFrame(call: 2, header: header), RPCFrame(call: 1, header: header)],
        [RPCFrame(call: 1, header: header), RPCFrame(call: 1, header: header)],
        [RPCFrame(call: 1, header: header, isLast: true), RPCFrame(call: 1, data: message(1))],
        [RPCFrame(call: 1, header: header, status: .ok)],
        [RPCFrame(call: 1, header: header, data: message(10), length: 5)],
        [RPCFrame(call: 1, header: header, data: message(10), length: 20, isLast: true)],
        [RPCFrame(call: 1, header: header, data: message(10), length: 20), RPCFrame(call: 1, data: message(11))],
        [RPCFrame(call: 1, header: header, data: message(10), length: 20), RPCFrame(call: 1, data: message(0))],
        [RPCFrame(call: 1, header: header, window: .max), RPCFrame(call: 1, window: .max)],
        [RPCFrame(call: 1, header: header, data: message(65000)), RPCFrame(call: 1, data: message(1000))],
    ]) func `a caller that breaks the rules ends the session`(frames: [RPCFrame]) {
        var server = RPCSession(role: .server)
        #expect(throws: RPCError.self) { try server.receive(ByteBuffer(frames: frames)) }
        guard case .protocolViolation = server.end else {
            return #expect(Bool(false), "\(String(describing: server.end))")
        }
        #expect(server.calls.isEmpty)
    }

    @Test(arguments: [
        RPCFrame(call: 2, status: .ok), RPCFrame(call: 1, header: header), RPCFrame(call: 1, isLast: true),
        RPCFrame(call: 1, isCancel: true),
    ]) func `a server that breaks the rules ends the session`(frame: RPCFrame) {
        let id = pair.open(message(1))
        #expect(throws: RPCError.self) { try pair.caller.receive(ByteBuffer(frames: [frame])) }
        #expect(pair.caller.failure(id)?.isViolation == true)
    }

    @Test func `a peer that asks and does not read the answers loses the session`() throws {
        var isOver = false
        for _ in 0..<200_000 where !isOver {
            let id = pair.open()
            if let bytes = pair.caller.output() {
                do { try pair.server.receive(bytes) } catch { isOver = true }
            }
            pair.server.answer(id, status: RPCStatus(code: .unimplemented, message: "no method a/B"))
            pair.caller.release(id)
            _ = pair.caller.output()
        }
        #expect(isOver)
        #expect(pair.server.output() == nil)
    }

    @Test(arguments: 0..<300 as Range<UInt64>) func `any frames leave a session within its bounds`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for role in [RPCSession.Role.server, .caller] {
            var session = RPCSession(role: role)
            if role == .caller {
                for _ in 0..<4 { _ = session.open(header, message: message(10), isLast: false) }
            }
            for _ in 0..<60 where session.end == nil {
                var bytes = ByteBuffer(frames: [RPCFrame.random(&random)])
                if Int.random(in: 0..<40, using: &random) == 0 { bytes = ByteBuffer(bytes: random.bytes(30)) }
                _ = try? session.receive(bytes, at: .seconds(1))
                let id = UInt64.random(in: 1...6, using: &random)
                switch Int.random(in: 0..<8, using: &random) {
                case 0: _ = session.read(id)
                case 1: _ = session.send(id, message(Int.random(in: 0...100_000, using: &random)))
                case 2: _ = session.allOutput()
                case 3: _ = session.expire(at: .seconds(Int.random(in: 0...6, using: &random)))
                case 4 where role == .server: session.answer(id, message: message(100), status: .ok)
                case 5 where role == .caller: session.release(id)
                case 6: _ = session.withdraw(id)
                default: break
                }
                let held = session.calls.values.map(\.window.held).reduce(0, +)
                let lent = session.calls.values.map { $0.loan + $0.growth }.reduce(0, +)
                #expect(held <= session.calls.count * RPCReceiveWindow.initialSize + lent)
                #expect(session.end != nil || session.budget + lent == session.limits.sessionBudget.bytes)
            }
        }
    }
}

/// Counts the frames in bytes.
private enum RPCMessageFrames {
    static func count(_ bytes: ByteBuffer) throws -> Int {
        var reader = RPCFrameReader()
        reader.append(bytes)
        var count = 0
        while try reader.next(limits: RPCLimits()) != nil { count += 1 }
        return count
    }
}

extension RPCError {
    fileprivate var isViolation: Bool {
        if case .protocolViolation = self { true } else { false }
    }
}
