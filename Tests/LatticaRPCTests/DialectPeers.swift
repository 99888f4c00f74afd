import LatticaCore
import LatticeTesting
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import LatticaRPC

/// Handlers for a server of Lattica's dialect: what is given is answered by what is returned, in parts.
struct Methods: LatticaMethods {
    typealias Handler = @Sendable (any RPCServerLeg) async throws -> Void

    let handlers: [RPCMethod: Handler]

    func serves(_ method: RPCMethod) -> Bool { handlers[method] != nil }

    func hasService(_ name: Substring) -> Bool { handlers.keys.contains { $0.service == name } }

    func answer(
        _ method: RPCMethod,
        peer: PeerID,
        metadata: [String: String],
        deadline: Duration?,
        leg: any RPCServerLeg
    ) async -> RPCStatus {
        guard let handler = handlers[method] else {
            return RPCStatus(code: .unimplemented, message: "no method \(method)")
        }
        do {
            try await handler(leg)
            return .ok
        } catch let failure as RPCFailure {
            return RPCStatus(code: failure.code, message: failure.message)
        } catch is CancellationError {
            return RPCStatus(code: .cancelled, message: "")
        } catch {
            return error as? RPCError == .cancelled
                ? RPCStatus(code: .cancelled, message: "") : RPCStatus(code: .internalError, message: "\(error)")
        }
    }

    /// The test service that interoperability tests use (`echo`, `size`, `secho`, `ssize`, `count`, `fail`).
    static let echo: [RPCMethod: Handler] = [
        "Echo/echo": { leg in try await leg.send(try await leg.receive() ?? ByteBuffer()) },
        "Echo/secho": { leg in try await leg.send(try await leg.receive() ?? ByteBuffer()) },
        "Echo/size": { leg in
            try await leg.send(ByteBuffer(string: "\(try await leg.receive()?.readableBytes ?? 0)"))
        },
        "Echo/count": { leg in
            var request = try await leg.receive() ?? ByteBuffer()
            let count = request.readInteger(as: UInt32.self) ?? 0
            let size = request.readInteger(as: UInt32.self) ?? 0
            for index in 0..<count {
                var item = ByteBuffer(integer: index)
                item.writeRepeatingByte(0, count: max(0, Int(size) - 4))
                try await leg.send(item)
            }
        },
        "Echo/fail": { leg in
            let text = String(buffer: try await leg.receive() ?? ByteBuffer())
            throw RPCFailure(code: .invalidArgument, message: text)
        },
    ]
}

/// Runs a test with a client and a server of Lattica's dialect.
func withLattica(
    _ handlers: [RPCMethod: Methods.Handler] = Methods.echo,
    limits: RPCLimits = RPCLimits(),
    bounds: LatticaDialect.Bounds? = nil,
    window: Int = 256 << 10,
    chunk: Int = 64 << 10,
    clock: any Clock<Duration> = ContinuousClock(),
    _ body: (LatticaDialect.Client, LatticaDialect.Server, _ dialer: MemoryHost, _ listener: MemoryHost) async throws ->
        Void
) async throws {
    try await MemoryNetwork.withPair(window: window, chunk: chunk) { dialer, listener in
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = LatticaDialect.Server(
            host: listener,
            methods: Methods(handlers: handlers),
            limits: limits,
            bounds: bounds,
            clock: clock,
            logger: quiet
        )
        let client = LatticaDialect.Client(host: dialer, limits: limits, bounds: bounds, clock: clock)
        try await body(client, server, dialer, listener)
        // Whatever a test does, nothing of it may stay behind.
        try await eventually("the end of all calls") { server.load.unary == 0 && server.load.bufferedBytes == 0 }
    }
}

/// A stream of calls as the package would use it, for bytes that no client of ours sends.
struct RawCalls {
    let stream: any MuxedStream
    private let reader = NIOLockedValueBox(StreamFrameReader())

    init(_ dialer: MemoryHost, _ peer: PeerID) async throws {
        stream = try await dialer.openStream(to: peer, protocols: [.latticaStream])
    }

    func send(_ frames: StreamFrame...) async throws {
        var writer = BincodeWriter()
        for frame in frames { frame.write(to: &writer) }
        try await stream.write(writer.buffer)
    }

    /// The next frame; `nil` once the peer has closed its side.
    func next() async throws -> StreamFrame? {
        while true {
            if let frame = try reader.withLockedValue({ (reader) throws(RPCError) in try reader.next() }) {
                return frame
            }
            guard let bytes = try await stream.read() else { return nil }
            reader.withLockedValue { $0.append(bytes) }
        }
    }
}

extension StreamFrame {
    static func request(_ id: String, _ method: String) -> StreamFrame {
        .request(id: id, method: method, data: ByteBuffer())
    }

    static func data(_ id: String, _ text: String, isLast: Bool) -> StreamFrame {
        .data(id: id, payload: ByteBuffer(string: text), isLast: isLast)
    }
}
