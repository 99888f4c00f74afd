import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

@Suite struct `Lattica's messages` {
    static let id = "11111111-2222-4333-8444-555555555555"

    /// Lattica wire, §19.
    static let unary: [(UnaryMessage, String)] = [
        (
            .request(id: id, method: "Echo.echo", data: ByteBuffer(string: "hello"), compression: .none),
            "00 24 \"11111111-2222-4333-8444-555555555555\" 09 \"Echo.echo\" 05 \"hello\" 00"
        ),
        (
            .response(id: id, data: ByteBuffer(string: "hello"), compression: .none),
            "01 24 \"11111111-2222-4333-8444-555555555555\" 05 \"hello\" 00"
        ),
        (
            .request(
                id: "x",
                method: "Echo.echo",
                data: ByteBuffer(repeating: 7, count: 300),
                compression: .none
            ),
            "00 01 78 09 4563686f2e6563686f fb2c01" + String(repeating: "07", count: 300) + "00"
        ),
        (.error(id: "e", text: "Service Nope not found"), "02 01 65 16 \"Service Nope not found\""),
        (
            .request(id: "z", method: "Echo.size", data: ByteBuffer(bytes: [1, 2]), compression: .brotli),
            "00 01 \"z\" 09 \"Echo.size\" 02 01 02 01 04"
        ),
    ]

    static let frames: [(StreamFrame, String)] = [
        (
            .request(id: "r1", method: "Echo.secho", data: ByteBuffer()),
            "00000010 00 02 7231 0a 4563686f2e736563686f 00"
        ),
        (.data(id: "r1", payload: ByteBuffer(string: "hel"), isLast: false), "00000009 01 02 7231 03 68656c 00"),
        (.data(id: "r1", payload: ByteBuffer(string: "lo"), isLast: true), "00000008 01 02 7231 02 6c6f 01"),
        (.close(id: "r1"), "00000004 03 02 7231"),
        (
            .data(id: "r2", payload: ByteBuffer(repeating: 0, count: 6), isLast: false),
            "0000000c 01 02 7232 06 000000000000 00"
        ),
        (.error(id: "r4", text: "Service Nope not found"), "0000001b 02 02 7234 16 \"Service Nope not found\""),
        (.cancel(id: id), "00000026 04 24 \"11111111-2222-4333-8444-555555555555\""),
    ]

    @Test(arguments: unary) func `of unary calls have the package's bytes`(message: UnaryMessage, bytes: String) throws
    {
        #expect(message.encode() == hex(bytes))
        var trailing = hex(bytes)
        trailing.writeInteger(9, as: UInt8.self)
        #expect(try UnaryMessage(trailing) == message)
    }

    @Test(arguments: frames) func `of streams have the package's bytes`(frame: StreamFrame, bytes: String) throws {
        var writer = BincodeWriter()
        frame.write(to: &writer)
        #expect(writer.buffer == hex(bytes))
    }

    @Test(arguments: [1, 3, 7, .max]) func `of streams are put together however they arrive`(chunk: Int) throws {
        var writer = BincodeWriter()
        for (frame, _) in Self.frames { frame.write(to: &writer) }
        var (rest, reader, read) = (writer.buffer, StreamFrameReader(), [StreamFrame]())
        while let part = rest.readSlice(length: min(chunk, rest.readableBytes)), part.readableBytes > 0 {
            reader.append(part)
            while let frame = try reader.next() { read.append(frame) }
        }
        #expect(read == Self.frames.map(\.0))
        #expect(reader.bufferedByteCount == 0)
    }

    @Test func `a long payload goes in parts, of which the last has the mark`() throws {
        let limit = LatticaDialect.maximumPayload.bytes
        var writer = BincodeWriter()
        StreamFrame.write(ByteBuffer(repeating: 1, count: limit + 5), id: "a", isLast: true, to: &writer)
        StreamFrame.write(ByteBuffer(), id: "b", isLast: true, to: &writer)
        var reader = StreamFrameReader()
        reader.append(writer.buffer)
        var seen: [(String, Int, Bool)] = []
        while case .data(let id, let payload, let isLast)? = try reader.next() {
            seen.append((id, payload.readableBytes, isLast))
        }
        #expect(seen.map(\.0) == ["a", "a", "b"])
        #expect(seen.map(\.1) == [limit, 5, 0])
        #expect(seen.map(\.2) == [false, true, true])
    }

    @Test(arguments: ["ffffffff", "01010001"]) func `a header that announces too much is refused at once`(
        header: String
    ) {
        var reader = StreamFrameReader()
        reader.append(hex(header))
        #expect(throws: RPCError.messageTooLong(limit: LatticaDialect.maximumFrame)) { try reader.next() }
    }

    @Test func `any bytes are messages or refused`() {
        var random = SeededGenerator(seed: 51)
        for bytes in Self.unary.map(\.1) {
            let whole = Array(buffer: hex(bytes))
            for length in whole.indices {
                #expect(throws: BincodeError.self) { try UnaryMessage(ByteBuffer(bytes: whole.prefix(length))) }
                for bit in 0..<8 {
                    var changed = whole
                    changed[length] ^= 1 << bit
                    _ = try? UnaryMessage(ByteBuffer(bytes: changed))
                }
            }
        }
        for bytes in Self.frames.map(\.1) {
            let whole = Array(hex(bytes).readableBytesView.dropFirst(4))
            for length in whole.indices {
                #expect(throws: BincodeError.self) { try StreamFrame(ByteBuffer(bytes: whole.prefix(length))) }
                for bit in 0..<8 {
                    var changed = whole
                    changed[length] ^= 1 << bit
                    _ = try? StreamFrame(ByteBuffer(bytes: changed))
                }
            }
        }
        for _ in 0..<3000 {
            let noise = ByteBuffer(bytes: random.bytes(Int.random(in: 0..<40, using: &random)))
            _ = try? UnaryMessage(noise)
            _ = try? StreamFrame(noise)
            var reader = StreamFrameReader()
            reader.append(noise)
            while let frame = try? reader.next() { _ = frame }
        }
    }

    @Test func `methods are named with one dot there, and one slash here`() {
        #expect(RPCMethod(latticaName: "Echo.echo") == "Echo/echo")
        #expect(RPCMethod(latticaName: "Echo.") == "Echo/")
        for name in ["nodot", "a.b.c", "", String(repeating: "x", count: 300) + ".y"] {
            #expect(RPCMethod(latticaName: name) == nil)
        }
        #expect(("Echo/echo" as RPCMethod).latticaName == "Echo.echo")
        for method in ["lattice.node.v1.Node/Chat", "noslash", "a/b/c"] as [RPCMethod] {
            #expect(method.latticaName == nil)
        }
    }
}
