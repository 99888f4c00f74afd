import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

@Suite struct `RPC frames` {
    static let frames: [RPCFrame] = [
        .header(RPCHeader(method: "a/B", deadline: .milliseconds(1500), metadata: ["k": "v"])),
        .message(Array("hello".utf8), isLast: false), .message([], isLast: true), .end, .status(.ok),
        .status(RPCStatus(code: .notFound, message: "gone")),
    ]

    static func read(_ buffer: ByteBuffer, limits: RPCLimits = RPCLimits(), chunk: Int = .max) throws -> [RPCFrame] {
        var reader = RPCFrameReader()
        var buffer = buffer
        var frames: [RPCFrame] = []
        while buffer.readableBytes > 0 {
            if let part = buffer.readSlice(length: min(chunk, buffer.readableBytes)) { reader.append(part) }
            while let frame = try reader.next(limits: limits, frameLimit: limits.maximumMessage) {
                frames.append(frame)
            }
        }
        if reader.bufferedByteCount > 0 { throw RPCError.ended }
        return frames
    }

    @Test(arguments: [1, 2, 3, 7, .max]) func `read as they were written, however they arrive`(chunk: Int) throws {
        var buffer = ByteBuffer()
        for frame in Self.frames { frame.write(to: &buffer) }
        #expect(try Self.read(buffer, chunk: chunk) == Self.frames)
    }

    /// The examples of docs/protocols/rpc.md.
    @Test func `have the documented bytes`() {
        let header = RPCFrame.header(RPCHeader(method: "a/B", deadline: .milliseconds(1500)))
        #expect(
            Array(buffer: RPCFrame.encode(header)) == [
                0x0a, 0x12, 0x08, 0x0a, 0x03, 0x61, 0x2f, 0x42, 0x10, 0xdc, 0x0b,
            ]
        )
        #expect(
            Array(buffer: RPCFrame.encode(.message([0x68, 0x69], isLast: true))) == [
                0x06, 0x0a, 0x02, 0x68, 0x69, 0x20, 0x01,
            ]
        )
        #expect(Array(buffer: RPCFrame.encode(.end)) == [0x02, 0x20, 0x01])
        #expect(Array(buffer: RPCFrame.encode(.status(.ok))) == [0x02, 0x1a, 0x00])
        let status = RPCStatus(code: .notFound, message: "no")
        #expect(
            Array(buffer: RPCFrame.encode(.status(status))) == [0x08, 0x1a, 0x06, 0x08, 0x05, 0x12, 0x02, 0x6e, 0x6f]
        )
    }

    @Test func `a long message costs its length`() throws {
        let message = [UInt8](repeating: 7, count: 1 << 20)
        let buffer = RPCFrame.encode(.message(message, isLast: false))
        #expect(buffer.readableBytes - message.count < RPCFrame.overhead)
        #expect(try Self.read(buffer, chunk: 16384) == [.message(message, isLast: false)])
    }

    @Test func `a frame that announces more than the limit is refused at once`() {
        var limits = RPCLimits()
        limits.maximumMessage = 100
        #expect(throws: RPCError.messageTooLong(limit: 100)) {
            try Self.read(ByteBuffer(bytes: [0x85, 0x01]), limits: limits)
        }
        #expect(throws: RPCError.messageTooLong(limit: 100)) {
            try Self.read(
                ByteBuffer(bytes: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
                limits: limits
            )
        }
        let slightly = RPCFrame.encode(.message([UInt8](repeating: 0, count: 101), isLast: false))
        #expect(throws: RPCError.messageTooLong(limit: 100)) { try Self.read(slightly, limits: limits) }
    }

    @Test(
        arguments: [
            [0x00], [0x01, 0x08], [0x02, 0x20, 0x00], [0x04, 0x0a, 0x00, 0x0a, 0x00], [0x04, 0x1a, 0x00, 0x20, 0x01],
            [0x02, 0x12, 0x00], [0x80, 0x00], [0x04, 0x12, 0x02, 0x0a, 0x00], [0x05, 0x12, 0x03, 0x0a, 0x01, 0xff],
        ] as [[UInt8]]
    ) func `a malformed frame is refused`(bytes: [UInt8]) {
        do {
            _ = try Self.read(ByteBuffer(bytes: bytes))
            Issue.record("\(bytes) was read")
        } catch {
            guard case .protocolViolation = error as? RPCError else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test func `metadata is bounded`() throws {
        let metadata = Dictionary(uniqueKeysWithValues: (0..<65).map { ("\($0)", "") })
        let header = RPCHeader(method: "a", deadline: nil, metadata: metadata)
        let buffer = RPCFrame.encode(.header(header))
        #expect(throws: RPCError.self) { try Self.read(buffer) }
        var limits = RPCLimits()
        limits.maximumMetadataCount = 65
        #expect(try Self.read(buffer, limits: limits) == [.header(header)])
    }

    @Test func `a deadline is rounded up to whole milliseconds`() throws {
        let tiny = RPCHeader(method: "a", deadline: .microseconds(1))
        #expect(
            try Self.read(RPCFrame.encode(.header(tiny))) == [
                .header(RPCHeader(method: "a", deadline: .milliseconds(1)))
            ]
        )
        let past = RPCHeader(method: "a", deadline: .seconds(-1))
        #expect(try Self.read(RPCFrame.encode(.header(past))) == [.header(RPCHeader(method: "a", deadline: .zero))])
    }

    @Test func `a long status is cut between characters, and an unknown code is told`() throws {
        let status = RPCStatus(code: .aborted, message: String(repeating: "é", count: 1000))
        guard case .status(let read)? = try Self.read(RPCFrame.encode(.status(status))).first else {
            Issue.record("no status")
            return
        }
        #expect(read.message == String(repeating: "é", count: 512))
        #expect(
            try Self.read(ByteBuffer(bytes: [0x04, 0x1a, 0x02, 0x08, 0x63])) == [
                .status(RPCStatus(code: .unknown, message: ""))
            ]
        )
    }

    @Test func `any bytes are frames or refused`() {
        var random = SeededGenerator(seed: 11)
        for frame in Self.frames {
            let bytes = Array(buffer: RPCFrame.encode(frame))
            for length in 0..<bytes.count where length > 0 {
                #expect(throws: RPCError.self) { try Self.read(ByteBuffer(bytes: bytes.prefix(length))) }
            }
            for index in bytes.indices {
                for bit in 0..<8 {
                    var changed = bytes
                    changed[index] ^= 1 << bit
                    _ = try? Self.read(ByteBuffer(bytes: changed))
                }
            }
        }
        for _ in 0..<3000 {
            _ = try? Self.read(ByteBuffer(bytes: random.bytes(Int.random(in: 0..<40, using: &random))))
        }
    }
}
