import LatticaCore
import LatticaProtocols
import LatticeTesting
import Multiformats
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct `Message stream` {
    @Test(arguments: [1, 3, 64 << 10]) func `messages come whole, however the bytes are cut`(chunk: Int) async throws {
        let (dialer, listener) = PipeStream.pair(chunk: chunk)
        var random = SeededGenerator(seed: 7)
        let messages = (0..<50).map { _ in random.bytes(Int.random(in: 0..<300, using: &random)) }
        async let sent: Void = {
            let writer = MessageStream(dialer, limit: .kibibytes(1))
            for message in messages { try await writer.write(message) }
            try await dialer.closeWrite()
        }()
        var reader = MessageStream(listener, limit: .kibibytes(1))
        var received: [[UInt8]] = []
        while let message = try await reader.read() { received.append(Array(message.readableBytesView)) }
        try await sent
        #expect(received == messages)
    }

    @Test func `a message over the limit is refused before it comes`() async throws {
        for length in [1024, 1 << 32, UInt64.max >> 1] {
            let (dialer, listener) = PipeStream.pair()
            try await dialer.write(ByteBuffer(bytes: Varint.encode(length)))
            var reader = MessageStream(listener, limit: .kibibytes(1))
            do {
                _ = try await reader.read()
                Issue.record("\(length) bytes were awaited")
            } catch {
                #expect(error == .tooLong(limit: .kibibytes(1)))
            }
        }
    }

    @Test func `every prefix of a message is told as cut short`() async throws {
        let message = Varint.encode(200) + [UInt8](repeating: 1, count: 200)
        for length in 1..<message.count {
            let (dialer, listener) = PipeStream.pair()
            try await dialer.write(ByteBuffer(bytes: message.prefix(length)))
            try await dialer.closeWrite()
            var reader = MessageStream(listener, limit: .kibibytes(1))
            do {
                _ = try await reader.read()
                Issue.record("\(length) bytes were a message")
            } catch {
                #expect(error == .truncated)
            }
        }
    }

    @Test func `any bytes give messages or errors`() async throws {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<300 {
            let (dialer, listener) = PipeStream.pair()
            try await dialer.write(ByteBuffer(bytes: random.bytes(Int.random(in: 1..<100, using: &random))))
            try await dialer.closeWrite()
            var reader = MessageStream(listener, limit: .kibibytes(1))
            do throws(MessageError) {
                while try await reader.read() != nil {}
            } catch {}
        }
    }
}
