import Foundation
import Lattica
import LatticaCore
import LatticaRPC
import NIOCore

/// Calls, in the words and with the answers of the real package's test node.
extension Obedience {
    private static let deadline: Duration = .seconds(15)

    func call(_ command: Command) async throws -> [String: JSON] {
        var client = client
        if let name = command.compression {
            guard let compression = Compression(name) else { throw Command.Fault.invalid("compression") }
            client.compression = compression
        }
        let before = counted.sentByteCount
        let reply = try await client.call(
            command.rpcMethod,
            on: command.target,
            request: command.request,
            deadline: Self.deadline
        )
        return try answer(command, reply).merging(["sent": .whole(counted.sentByteCount - before)]) { $1 }
    }

    func callStream(_ command: Command) async throws -> [String: JSON] {
        let call = try await client.open(command.rpcMethod, on: command.target, deadline: Self.deadline)
        try await call.send(command.request)
        try await call.finish()
        var whole = ByteBuffer()
        while var part = try await call.receiveBuffer() { whole.writeBuffer(&part) }
        return try answer(command, whole)
    }

    /// Reads items, at most as many as `stop` says.
    func iterate(_ command: Command) async throws -> [String: JSON] {
        let call = try await client.open(command.rpcMethod, on: command.target, deadline: Self.deadline)
        try await call.send(command.request)
        try await call.finish()
        var (items, bytes, last) = (0, 0, ByteBuffer())
        while let item = try await call.receiveBuffer() {
            items += 1
            bytes += item.readableBytes
            last = item
            if let stop = command.stop, items >= stop {
                call.cancel()
                break
            }
        }
        return [
            "items": .whole(items), "bytes": .whole(bytes),
            "last": .text(Data(last.readableBytesView.prefix(64)).base64EncodedString()),
        ]
    }

    private func answer(_ command: Command, _ reply: ByteBuffer) throws -> [String: JSON] {
        if command.quiet == true { return ["size": .whole(reply.readableBytes)] }
        if command.args != nil {
            return ["result": reply.readableBytes > 0 ? try JSON(PickleValue(payload: reply)) : .null]
        }
        return [
            "data": .text(Data(reply.readableBytesView).base64EncodedString()), "size": .whole(reply.readableBytes),
        ]
    }
}

extension Command {
    /// `Echo.echo` is `Echo/echo` here.
    fileprivate var rpcMethod: RPCMethod {
        get throws { RPCMethod(try required(\.method, "method").replacing(".", with: "/")) }
    }

    fileprivate var request: ByteBuffer {
        get throws {
            if let args { return try args.pickleValue.pickle() }
            return ByteBuffer(bytes: try payload)
        }
    }
}

extension JSON {
    fileprivate var pickleValue: PickleValue {
        switch self {
        case .null: .none
        case .flag(let value): .bool(value)
        case .whole(let value): .int(Int64(value))
        case .number(let value): .double(value)
        case .text(let value): .string(value)
        case .list(let values): .list(values.map(\.pickleValue))
        case .object(let fields):
            .dict(Dictionary(fields.map { (.string($0), $1.pickleValue) }, uniquingKeysWith: { $1 }))
        }
    }

    fileprivate init(_ value: PickleValue) {
        switch value {
        case .none: self = .null
        case .bool(let value): self = .flag(value)
        case .int(let value): self = .whole(Int(value))
        case .double(let value): self = .number(value)
        case .string(let value): self = .text(value)
        case .bytes(let bytes): self = .text(Data(bytes).base64EncodedString())
        case .list(let values), .tuple(let values): self = .list(values.map { JSON($0) })
        case .set(let values): self = .list(values.map { JSON($0) })
        case .dict(let pairs): self = .list(pairs.map { .list([JSON($0.key), JSON($0.value)]) })
        }
    }
}
