import LatticaRPC
import NIOConcurrencyHelpers
import NIOCore

/// The methods that the real package's test node serves under the name `Echo`, for callers of either dialect.
///
/// Raw methods take bytes; the others take what Python pickles.
final class EchoService: Sendable {
    private let failures = NIOLockedValueBox<Int64>(0)

    func register(on server: RPCServer) {
        for name in ["echo", "secho"] {
            server.register(RPCMethod("Echo/\(name)")) { call in try await call.send(Self.request(of: call)) }
        }
        for name in ["size", "ssize"] {
            server.register(RPCMethod("Echo/\(name)")) { call in
                try await call.send(ByteBuffer(string: "\(Self.request(of: call).readableBytes)"))
            }
        }
        server.register("Echo/add") { call in
            guard case .list(let terms) = try await Self.argument(of: call) else { throw Self.notUnderstood }
            let sum = terms.reduce(Int64(0)) { sum, term in if case .int(let value) = term { sum &+ value } else { sum }
            }
            try await call.send(PickleValue.int(sum).pickle())
        }
        server.register("Echo/nap") { call in
            let argument = try await Self.argument(of: call)
            try await Task.sleep(for: .seconds(Self.seconds(argument)))
            try await call.send(argument.pickle())
        }
        for name in ["fail", "sfail"] {
            server.register(RPCMethod("Echo/\(name)")) { [failures] call in
                guard case .string(let text) = try await Self.argument(of: call) else { throw Self.notUnderstood }
                failures.withLockedValue { $0 += 1 }
                throw RPCFailure(code: .unknown, message: text)
            }
        }
        server.register("Echo/calls") { [failures] call in
            try await call.send(PickleValue.int(failures.withLockedValue { $0 }).pickle())
        }
        server.register("Echo/count") { call in
            var request = try await Self.request(of: call)
            guard let count = request.readInteger(as: UInt32.self) else { throw Self.notUnderstood }
            try await Self.chunks(count, of: request.readInteger(as: UInt32.self) ?? 4, on: call)
        }
        server.register("Echo/stall") { call in
            var request = try await Self.request(of: call)
            guard let count = request.readInteger(as: UInt32.self) else { throw Self.notUnderstood }
            try await Self.chunks(count, of: 4, on: call)
            throw RPCFailure(code: .aborted, message: "stalled")
        }
        server.register("Echo/icount") { call in
            guard case .list(let pair) = try await Self.argument(of: call), pair.count == 2,
                case .int(let count) = pair[0], case .int(let size) = pair[1]
            else { throw Self.notUnderstood }
            try await Self.chunks(UInt32(clamping: count), of: UInt32(clamping: size), on: call)
        }
    }

    private static let notUnderstood = RPCFailure(code: .invalidArgument, message: "the argument is not understood")

    private static func request(of call: RPCServerCall) async throws -> ByteBuffer {
        var whole = ByteBuffer()
        while var part = try await call.receiveBuffer() { whole.writeBuffer(&part) }
        return whole
    }

    private static func argument(of call: RPCServerCall) async throws -> PickleValue {
        try PickleValue(pickle: await request(of: call))
    }

    private static func seconds(_ argument: PickleValue) -> Double {
        switch argument {
        case .int(let value): Double(value)
        case .double(let value): value
        default: 0
        }
    }

    /// Chunks that begin with their number.
    private static func chunks(_ count: UInt32, of size: UInt32, on call: RPCServerCall) async throws {
        for index in 0..<count {
            var chunk = ByteBuffer(integer: index)
            chunk.writeRepeatingByte(0, count: max(0, Int(size) - 4))
            try await call.send(chunk)
        }
    }
}
