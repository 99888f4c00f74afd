import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaRPC

@Suite(.timeLimit(.minutes(30))) struct `Fuzzing calls` {
    private static func bytes(of frames: [RPCFrame]) -> [UInt8] {
        var buffer = ByteBuffer()
        for frame in frames { frame.write(to: &buffer) }
        return Array(buffer: buffer)
    }

    @Test func frame() throws {
        let header = RPCHeader(method: "a/B", deadline: .seconds(1), metadata: ["k": "v"])
        let seeds = [
            RPCFrame(call: 1, header: header, data: ByteBuffer(string: "hi"), isLast: true),
            RPCFrame(call: .max, status: RPCStatus(code: .notFound, message: "none")),
            RPCFrame(call: 300, data: ByteBuffer(), length: 1 << 30), RPCFrame(call: 2, window: 9, isCancel: true),
        ]
        // Behind their length, which here is one byte.
        var fuzzer = Fuzzer("rpc-frame", seeds: seeds.map { Array(Self.bytes(of: [$0]).dropFirst()) })
        try fuzzer.run { input, _ in
            let frame = try RPCFrame(reading: ByteBuffer(bytes: input), limits: RPCLimits())
            let written = Self.bytes(of: [frame])
            var reader = RPCFrameReader()
            reader.append(ByteBuffer(bytes: written))
            let again = try reader.next(limits: RPCLimits())
            #expect(again.map { Self.bytes(of: [$0]) } == written)
            return "\(frame.header != nil) \(frame.data != nil) \(frame.status != nil) \(frame.isCancel)"
        }
    }

    @Test(arguments: [RPCSession.Role.caller, .server]) func session(role: RPCSession.Role) throws {
        let header = RPCHeader(method: "a/B", deadline: .seconds(1))
        let calls = Self.bytes(of: [
            RPCFrame(call: 1, header: header, data: ByteBuffer(string: "hi"), isLast: true),
            RPCFrame(call: 2, header: header), RPCFrame(call: 2, data: ByteBuffer(string: "part"), length: 100),
            RPCFrame(call: 2, data: ByteBuffer(repeating: 1, count: 96)), RPCFrame(call: 2, window: 1000),
            RPCFrame(call: 1, isCancel: true),
        ])
        let answers = Self.bytes(of: [
            RPCFrame(call: 1, data: ByteBuffer(string: "ok")), RPCFrame(call: 1, status: .ok),
            RPCFrame(call: 2, data: ByteBuffer(string: "x"), length: 3), RPCFrame(call: 2, window: 5),
            RPCFrame(call: 2, status: RPCStatus(code: .aborted, message: "stop")),
        ])
        var limits = RPCLimits()
        limits.maximumMessage = 4096
        var fuzzer = Fuzzer(role == .caller ? "rpc-caller" : "rpc-server", seeds: [calls, answers])
        try fuzzer.run { input, random in
            var session = RPCSession(role: role, limits: limits)
            var ids: Set<RPCSession.CallID> = []
            if role == .caller {
                for _ in 0..<2 { ids.insert(session.open(header)) }
            }
            var rest = input[...]
            var events: [RPCSession.Event] = []
            var count = 0
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...rest.count, using: &random))
                rest = rest.dropFirst(piece.count)
                try session.receive(ByteBuffer(bytes: piece), at: .zero)
                session.takeEvents(into: &events)
                for event in events {
                    count += 1
                    if case .opened(let id, _) = event { ids.insert(id) }
                }
                guard let id = ids.randomElement(using: &random) else { continue }
                switch Int.random(in: 0..<5, using: &random) {
                case 0: _ = session.read(id)
                case 1: _ = session.send(id, ByteBuffer(repeating: 0, count: 100))
                case 2 where role == .caller: session.cancel(id)
                case 3 where role == .server: session.answer(id, status: .ok)
                default:
                    var output = ByteBuffer()
                    _ = session.takeOutput(into: &output)
                }
                // What is unread is bounded by the windows that were given.
                let held = session.calls.values.reduce(0) { $0 + $1.window.held }
                #expect(held <= session.calls.count * RPCReceiveWindow.maximumSize)
            }
            return "\(count) \(session.calls.count)"
        }
    }

    @Test func latticaUnary() throws {
        // Lattica wire, §19.
        let request =
            "002431313131313131312d323232322d343333332d383434342d353535353535353535353535"
            + "094563686f2e6563686f0568656c6c6f00"
        var fuzzer = Fuzzer(
            "lattica-unary",
            seeds: [Fuzzer.bytes(hex: request), Fuzzer.bytes(hex: "0201651653657276")]
        )
        try fuzzer.run { input, _ in
            let message = try UnaryMessage(ByteBuffer(bytes: input))
            let again = try UnaryMessage(message.encode())
            #expect(again == message)
            return String("\(message)".prefix(4))
        }
    }

    @Test func latticaStream() throws {
        let frames = [
            "000272310a4563686f2e736563686f00", "0102723105" + "68656c6c6f01", "03027231", "0202723402" + "4e6f",
        ]
        var fuzzer = Fuzzer("lattica-stream", seeds: frames.map(Fuzzer.bytes(hex:)))
        try fuzzer.run { input, _ in
            let frame = try StreamFrame(ByteBuffer(bytes: input))
            var writer = BincodeWriter()
            frame.write(to: &writer)
            var written = writer.buffer
            written.moveReaderIndex(forwardBy: 4)
            #expect(try StreamFrame(written) == frame)
            return String("\(frame)".prefix(4))
        }
    }

    @Test func pickle() throws {
        let values: [PickleValue] = [
            .none, true, 7, -1, 2.5, "text", [1, [2, "x"], .none], ["k": 1, "l": [0.5]], .bytes([1, 2]),
        ]
        let python = ["80049509000000000000005d94284b014b02652e", "80049505000000000000008c0176942e"].map(
            Fuzzer.bytes(hex:)
        )
        var fuzzer = Fuzzer("pickle", seeds: try values.map { Array(buffer: try $0.pickle()) } + python)
        try fuzzer.run { input, _ in
            let value = try PickleValue(pickle: ByteBuffer(bytes: input))
            let again = try PickleValue(pickle: try value.pickle())
            // A number that is none is not equal to itself, and sets say what they hold in any order.
            #expect(again == value || "\(again)".sorted() == "\(value)".sorted())
            return String("\(value)".prefix(3))
        }
    }

    @Test(arguments: [Compression.gzip, .zstd, .lz4, .brotli]) func compression(_ method: Compression) throws {
        let texts = [ByteBuffer(), ByteBuffer(string: "hello"), ByteBuffer(repeating: 7, count: 3000)]
        var fuzzer = Fuzzer("\(method)", seeds: try texts.map { Array(buffer: try method.compress($0)) })
        try fuzzer.run { input, _ in
            let restored = try method.decompress(ByteBuffer(bytes: input), limit: 10_000)
            #expect(restored.readableBytes <= 10_000)
            #expect(try method.decompress(method.compress(restored), limit: 10_000) == restored)
            return "\(restored.readableBytes)"
        }
    }
}
