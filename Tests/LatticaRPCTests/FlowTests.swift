import LatticaCore
import LatticaRPC
import LatticeTesting
import NIOConcurrencyHelpers
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Many RPC calls at once` {
    @Test func `64 stream calls at once never stall`() async throws {
        try await withServer { client, server, peer, host in
            server.register("test/Mirror") { call in
                while let message = try await call.receiveBuffer() { try await call.send(message) }
            }
            try await withThrowingTaskGroup { group in
                for number in 0..<64 {
                    group.addTask {
                        let call = try await client.open("test/Mirror", on: peer, deadline: .seconds(50))
                        async let sent: Void = {
                            for round in 0..<50 {
                                try await call.send(ByteBuffer(repeating: UInt8(number), count: 100 * round))
                            }
                            try await call.finish()
                        }()
                        for round in 0..<50 {
                            let message = try await call.receiveBuffer()
                            #expect(message == ByteBuffer(repeating: UInt8(number), count: 100 * round))
                        }
                        #expect(try await call.receiveBuffer() == nil)
                        try await sent
                    }
                }
                try await group.waitForAll()
            }
            #expect(host.answeredStreamCount == 1)
        }
    }

    @Test func `a thousand iterators at once finish`() async throws {
        try await withServer { client, server, peer, _ in
            let method = RPCServerStreamMethod<String, String>("test/Count")
            server.register(method) { text, _ in
                AsyncStream { continuation in
                    for number in 0..<10 { continuation.yield("\(text) \(number)") }
                    continuation.finish()
                }
            }
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        var count = 0
                        for try await text in try await client.stream(
                            method,
                            "\(number)",
                            on: peer,
                            deadline: .seconds(50)
                        ) {
                            #expect(text == "\(number) \(count)")
                            count += 1
                        }
                        return count
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts == Array(repeating: 10, count: 1000))
        }
    }

    @Test func `a reader of one chunk per 5 ms gets all of 5,000 while the sender is held back`() async throws {
        let clock = ManualClock()
        try await withServer { client, server, peer, _ in
            let sent = NIOLockedValueBox(0)
            server.register("test/Flood") { call in
                for number in 0..<5000 as Range<UInt32> {
                    var chunk = ByteBuffer(integer: number)
                    chunk.writeRepeatingByte(0, count: 1000)
                    try await call.send(chunk)
                    sent.withLockedValue { $0 += 1 }
                }
            }
            let call = try await client.open("test/Flood", on: peer, deadline: nil)
            let read = NIOLockedValueBox(0)
            let reader = Task {
                for number in 0..<5000 as Range<UInt32> {
                    try await clock.sleep(for: .milliseconds(5))
                    let message = try await call.receiveBuffer()
                    #expect(message?.getInteger(at: 0) == number)
                    // What is on its way is never more than the largest window, and the message that waits for it.
                    let count = read.withLockedValue { count in
                        count += 1
                        return count
                    }
                    #expect(sent.withLockedValue { $0 } - count <= (1 << 20) / 1036 + 1)
                }
                return try await call.receiveBuffer() == nil
            }
            try await eventually("the sender is held back") { sent.withLockedValue { $0 >= 60 } }
            let isAnswered = try await client.isAnswered(by: server, on: peer)
            #expect(isAnswered)
            for number in 0..<5000 {
                // The reader is slower than the sender, however this machine shares its time between them.
                while sent.withLockedValue({ $0 }) < min(5000, number + 31) { await Task.yield() }
                while clock.sleeperCount == 0 { await Task.yield() }
                clock.advance(by: .milliseconds(5))
                while read.withLockedValue({ $0 }) <= number { await Task.yield() }
            }
            let hasAll = try await reader.value
            #expect(hasAll)
            #expect(sent.withLockedValue { $0 } == 5000)
        }
    }

    @Test func `a caller is held back by a handler that does not read, and no other`() async throws {
        try await withServer { client, server, peer, _ in
            let mayRead = NIOLockedValueBox(false)
            server.register("test/Late") { call in
                try await eventually { mayRead.withLockedValue { $0 } }
                var count = 0
                while try await call.receive() != nil { count += 1 }
                try await call.send([UInt8(count)])
            }
            let call = try await client.open("test/Late", on: peer, deadline: .seconds(50))
            let sent = NIOLockedValueBox(0)
            async let done: Void = {
                for _ in 0..<200 {
                    try await call.send([UInt8](repeating: 0, count: 1000))
                    sent.withLockedValue { $0 += 1 }
                }
                try await call.finish()
            }()
            try await eventually { sent.withLockedValue { $0 >= 60 } }
            #expect(try await client.isAnswered(by: server, on: peer))
            #expect(sent.withLockedValue { $0 } < 70)
            mayRead.withLockedValue { $0 = true }
            #expect(try await call.receive() == [200])
            #expect(try await call.receive() == nil)
            try await done
        }
    }

    @Test func `a handler that takes three seconds delays nobody`() async throws {
        let clock = ManualClock()
        try await withServer { client, server, peer, _ in
            server.register("test/Slow") { call in
                try await clock.sleep(for: .seconds(3))
                try await call.send([3])
            }
            let slow = Task { try await client.call("test/Slow", on: peer, request: [], deadline: .seconds(50)) }
            try await clock.sleepers(atLeast: 1)
            for _ in 0..<100 { #expect(try await client.isAnswered(by: server, on: peer)) }
            clock.advance(by: .seconds(3))
            #expect(try await slow.value == [3])
        }
    }

    @Test func `long messages and short ones arrive together`() async throws {
        try await withServer { client, server, peer, _ in
            let echo = RPCUnaryMethod<ByteBuffer, ByteBuffer>("test/Echo")
            server.register(echo, on: .eventLoop) { message, _ in message }
            try await withThrowingTaskGroup { group in
                for number in 0..<32 {
                    group.addTask {
                        let length = number % 4 == 0 ? 3 << 20 : number * 1000
                        let message = ByteBuffer(repeating: UInt8(number), count: length)
                        let reply = try await client.call(echo, message, on: peer, deadline: .seconds(50))
                        #expect(reply == message)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `calls that are cancelled at random leave nothing behind`() async throws {
        try await withServer { client, server, peer, _ in
            let echo = RPCUnaryMethod<ByteBuffer, ByteBuffer>("test/Echo")
            server.register(echo) { message, _ in
                await Task.yield()
                return message
            }
            await withTaskGroup { group in
                for number in 0..<300 {
                    group.addTask {
                        let message = ByteBuffer(repeating: 1, count: number % 5 == 0 ? 200_000 : 10)
                        let call = Task { try await client.call(echo, message, on: peer, deadline: .seconds(50)) }
                        for _ in 0..<number % 7 { await Task.yield() }
                        call.cancel()
                        do {
                            #expect(try await call.value == message)
                        } catch {
                            #expect(error as? RPCError == .cancelled)
                        }
                    }
                }
            }
            let isAnswered = try await client.isAnswered(by: server, on: peer)
            #expect(isAnswered)
        }
    }
}

extension RPCClient {
    /// Whether a call of another method is answered meanwhile.
    fileprivate func isAnswered(by server: RPCServer, on peer: PeerID) async throws -> Bool {
        let method = RPCUnaryMethod<String, String>("test/Other")
        server.register(method) { text, _ in text }
        return try await call(method, "here", on: peer, deadline: .seconds(20)) == "here"
    }
}
