import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

extension ByteBuffer {
    /// The frames behind one another.
    init(frames: [RPCFrame]) {
        self.init()
        for frame in frames { frame.write(to: &self) }
    }
}

@Suite struct `RPC frames` {
    static let frames: [RPCFrame] = [
        RPCFrame(call: 1, header: RPCHeader(method: "a/B", deadline: .milliseconds(1500), metadata: ["k": "v"])),
        RPCFrame(call: 1, data: ByteBuffer(string: "hello")), RPCFrame(call: 300, data: ByteBuffer(), isLast: true),
        RPCFrame(call: 2, data: ByteBuffer(string: "hello"), length: 1 << 20), RPCFrame(call: 1, isLast: true),
        RPCFrame(call: 1, window: 65536), RPCFrame(call: 1, isCancel: true), RPCFrame(call: .max, status: .ok),
        RPCFrame(call: 1, data: ByteBuffer(string: "a"), status: RPCStatus(code: .notFound, message: "gone")),
        RPCFrame(
            call: 1,
            header: RPCHeader(method: "a/B", deadline: nil),
            data: ByteBuffer(repeating: 7, count: RPCFrame.maximumPart),
            length: 1 << 22,
            isLast: true,
            window: 1
        ),
    ]

    static func read(_ buffer: ByteBuffer, chunk: Int = .max) throws -> [RPCFrame] {
        var reader = RPCFrameReader()
        var buffer = buffer
        var frames: [RPCFrame] = []
        while buffer.readableBytes > 0 {
            if let part = buffer.readSlice(length: min(chunk, buffer.readableBytes)) { reader.append(part) }
            while let frame = try reader.next(limits: RPCLimits()) { frames.append(frame) }
        }
        if reader.bufferedByteCount > 0 { throw RPCError.ended }
        return frames
    }

    @Test(arguments: [1, 2, 3, 7, 1000, .max]) func `read as they were written, however they arrive`(
        chunk: Int
    ) throws {
        #expect(try Self.read(ByteBuffer(frames: Self.frames), chunk: chunk) == Self.frames)
    }

    @Test func `any frame reads as it was written`() throws {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<2000 {
            let frame = RPCFrame.random(&random)
            #expect(try Self.read(ByteBuffer(frames: [frame])) == [frame])
        }
    }

    /// The examples of docs/protocols/rpc.md.
    @Test func `have the documented bytes`() {
        func hex(_ frame: RPCFrame) -> String {
            ByteBuffer(frames: [frame]).readableBytesView.map {
                String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
            }
            .joined()
        }
        let header = RPCHeader(method: "a/B", deadline: .milliseconds(1500))
        #expect(
            hex(RPCFrame(call: 1, header: header, data: ByteBuffer(string: "hi"), isLast: true))
                == "1208011208" + "0a03612f4210dc0b" + "1a026869" + "2801"
        )
        #expect(hex(RPCFrame(call: 1, data: ByteBuffer(string: "ok"), status: .ok)) == "0808011a026f6b3a00")
        #expect(hex(RPCFrame(call: 1, isLast: true)) == "0408012801")
        #expect(hex(RPCFrame(call: 1, window: 32768)) == "060801" + "30808002")
        #expect(hex(RPCFrame(call: 1, isCancel: true)) == "0408014001")
        let status = RPCStatus(code: .notFound, message: "no")
        #expect(hex(RPCFrame(call: 2, status: status)) == "0a08023a06080512026e6f")
    }

    @Test(arguments: [UInt64(1) << 17 + 1, 1 << 32, .max]) func `a frame over the limit is refused before it comes`(
        length: UInt64
    ) {
        var buffer = ByteBuffer()
        buffer.writeUvarint(length)
        var reader = RPCFrameReader()
        reader.append(buffer)
        #expect(throws: RPCError.self) { try reader.next(limits: RPCLimits()) }
        #expect(reader.bufferedByteCount <= 10)
    }

    @Test func `a deadline is rounded up to whole milliseconds`() throws {
        func sent(_ deadline: Duration) throws -> Duration? {
            try Self.read(ByteBuffer(frames: [RPCFrame(call: 1, header: RPCHeader(method: "a", deadline: deadline))]))
                .first?.header?.deadline
        }
        #expect(try sent(.microseconds(1)) == .milliseconds(1))
        #expect(try sent(.seconds(-1)) == .zero)
        #expect(try sent(.seconds(3600)) == .seconds(3600))
    }

    @Test func `a long status is cut between characters, and an unknown code is told`() throws {
        let status = RPCStatus(code: .aborted, message: String(repeating: "é", count: 1000))
        #expect(status.message == String(repeating: "é", count: 512))
        let unknown = try Self.read(ByteBuffer(bytes: [0x06, 0x08, 0x01, 0x3a, 0x02, 0x08, 0x63]))
        #expect(unknown == [RPCFrame(call: 1, status: RPCStatus(code: .unknown, message: ""))])
    }

    @Test func `numbers take their shortest form`() throws {
        for shift in 0..<64 {
            for value in [UInt64(1) << UInt64(shift), UInt64(1) << UInt64(shift) - 1] {
                var buffer = ByteBuffer()
                buffer.writeUvarint(value)
                #expect(buffer.readableBytes == ByteBuffer.uvarintLength(value))
                #expect(try buffer.readUvarint() == value)
            }
        }
        var tooLong = ByteBuffer(bytes: [UInt8](repeating: 0x80, count: 10) + [1])
        #expect(throws: RPCError.self) { try tooLong.readUvarint() }
    }

    @Test func `any bytes are frames or refused`() {
        var random = SeededGenerator(seed: 11)
        for frame in Self.frames {
            let bytes = Array(buffer: ByteBuffer(frames: [frame])).prefix(200)
            for length in 1..<bytes.count {
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

extension RPCFrame {
    /// Any frame of the first calls of a session, sensible or not.
    static func random(_ random: inout SeededGenerator) -> RPCFrame {
        var frame = RPCFrame(call: UInt64.random(in: 1...6, using: &random))
        func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
        if chance(3) {
            let deadline: Duration? = chance(2) ? .milliseconds(Int.random(in: 0...5000, using: &random)) : nil
            frame.header = RPCHeader(method: "a/B", deadline: deadline, metadata: chance(2) ? ["k": "v"] : [:])
        }
        if chance(2) {
            frame.data = ByteBuffer(repeating: 1, count: Int.random(in: 0...(chance(5) ? 40000 : 50), using: &random))
            if chance(4) { frame.length = UInt64.random(in: 0...100_000, using: &random) }
        }
        if chance(4) { frame.isLast = true }
        if chance(4) { frame.window = UInt64.random(in: 0...100_000, using: &random) }
        if chance(8) { frame.status = RPCStatus(code: chance(2) ? .ok : .aborted, message: chance(2) ? "why" : "") }
        if chance(8) { frame.isCancel = true }
        return frame
    }
}
