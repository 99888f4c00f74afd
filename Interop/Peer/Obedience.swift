import Foundation
import Lattica
import LatticaConnection
import LatticaCore
import LatticaProtocols
import LatticaRPC
import Multiformats
import NIOCore

/// Carries out commands, side by side.
struct Obedience: Sendable {
    let host: LatticaHost
    /// The same, for calls.
    let counted: CountedHost
    let client: RPCClient
    /// The only way in which connections are secured.
    let security: SecurityProtocol

    func obey(_ line: String) async {
        guard let command = try? JSONDecoder().decode(Command.self, from: Data(line.utf8)) else {
            return Output.say(["error": .text("not a command: \(line)")])
        }
        var answer: [String: JSON]
        do {
            answer = try await result(of: command)
        } catch {
            answer = ["error": .text("\(error)")]
        }
        answer["id"] = .whole(command.id)
        Output.say(answer)
    }

    private func result(of command: Command) async throws -> [String: JSON] {
        switch command.op {
        case "dial": try await dial(command)
        case "identify": try await identify(command)
        case "push": try await push(command)
        case "ping": try await ping(command)
        case "stream": try await stream(command)
        case "call": try await call(command)
        case "call_stream": try await callStream(command)
        case "iter": try await iterate(command)
        default: throw Command.Fault.unknownOperation(command.op)
        }
    }

    private func dial(_ command: Command) async throws -> [String: JSON] {
        let start = ContinuousClock.now
        let peer = try await host.connect(to: Multiaddr(command.required(\.address, "address")))
        return [
            "peer": .text("\(peer)"), "secured_by": .text(security.rawValue),
            "ms": .number(milliseconds(ContinuousClock.now - start)),
        ]
    }

    /// What the peer has said of itself; waits until it has.
    private func identify(_ command: Command) async throws -> [String: JSON] {
        let peer = try command.target
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            if let identity = host.identity(of: peer) {
                return [
                    "agent": .text(identity.agentVersion ?? ""), "version": .text(identity.protocolVersion ?? ""),
                    "protocols": .list(identity.protocols.map { .text($0.name) }),
                    "listen": .list(identity.listenAddresses.map { .text("\($0)") }),
                    "observed": .text(identity.observedAddress.map { "\($0)" } ?? ""),
                ]
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Command.Fault.unexpected("the peer has not said who it is")
    }

    private func push(_ command: Command) async throws -> [String: JSON] {
        host.handle(ProtocolID(try command.required(\.protocol, "protocol"))) { $0.reset() }
        return [:]
    }

    private func ping(_ command: Command) async throws -> [String: JSON] {
        var times: [JSON] = []
        for _ in 0..<(command.count ?? 1) {
            times.append(.number(milliseconds(try await host.ping(command.target))))
        }
        return ["ms": .list(times)]
    }

    /// Sends text, or a number of bytes, and reads as much back while it sends.
    private func stream(_ command: Command) async throws -> [String: JSON] {
        let protocols = try command.required(\.protocols, "protocols").map { ProtocolID($0) }
        let stream = try await host.openStream(to: command.target, protocols: protocols)
        let sent = try command.text.map { [UInt8]($0.utf8) } ?? command.payload
        async let writing: Void = stream.write(ByteBuffer(bytes: sent))
        var received = ByteBuffer()
        while received.readableBytes < sent.count, var part = try await stream.read() { received.writeBuffer(&part) }
        try await writing
        try await stream.closeWrite()
        guard received == ByteBuffer(bytes: sent) else { throw Command.Fault.unexpected("the echo differs") }
        return ["size": .whole(received.readableBytes), "text": .text(command.text ?? "")]
    }

    private func milliseconds(_ duration: Duration) -> Double {
        (duration / .microseconds(1)).rounded() / 1000
    }
}
