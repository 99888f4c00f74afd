import Lattica
import LatticaCore
import LatticaRPC
import NIOCore
import NIOPosix

/// The end that answers in either dialect: `echo` gives messages back, `size` tells how many bytes came.
///
/// The names are those of the real package's test node, which tells unary methods from streams by name.
enum EchoServer {
    static let echo: RPCMethod = "Echo/echo"
    static let size: RPCMethod = "Echo/size"
    static let streamEcho: RPCMethod = "Echo/secho"
    static let streamSize: RPCMethod = "Echo/ssize"

    /// Answers until standard input closes.
    static func run(_ options: Options) async throws {
        var servers: [RPCServer] = []
        var addresses: [String] = []
        var hosts: [LatticaHost] = []
        for _ in 0..<options.hosts {
            let host = try options.host(listening: true)
            let server = RPCServer(host: host, limits: options.limits)
            register(on: server)
            host.handle("/ipfs/bitswap/1.2.0", with: swallow)
            try await host.start()
            addresses += host.dialableAddresses.map { "\"\($0)\"" }
            hosts.append(host)
            servers.append(server)
        }
        tell("{\"addresses\": [\(addresses.joined(separator: ", "))]}")
        // Reading blocks, which only a thread made for that may.
        try await NIOThreadPool.singleton.runIfActive { while readLine() != nil {} }
        for host in hosts { await host.stop() }
    }

    /// The real package asks for Bitswap over and over where it is refused, which would be measured too.
    private static func swallow(_ stream: any MuxedStream) async {
        do {
            while try await stream.read() != nil {}
            try await stream.closeWrite()
        } catch {
            stream.reset()
        }
    }

    private static func register(on server: RPCServer) {
        for method in [echo, streamEcho] {
            server.register(method, on: .eventLoop) { call in
                while let message = try await call.receiveBuffer() { try await call.send(message) }
            }
        }
        for method in [size, streamSize] {
            server.register(method, on: .eventLoop) { call in
                var count = 0
                while let message = try await call.receiveBuffer() { count += message.readableBytes }
                try await call.send(ByteBuffer(string: "\(count)"))
            }
        }
        // As many chunks as the first number says, as long as the second, each beginning with its own.
        server.register("Echo/count", on: .eventLoop) { call in
            guard var request = try await call.receiveBuffer(),
                let (count, length) = request.readMultipleIntegers(as: (UInt32, UInt32).self)
            else { throw RPCFailure(code: .invalidArgument, message: "two numbers are needed") }
            let rest = ByteBuffer(repeating: 0, count: max(0, Int(length) - 4))
            for index in 0..<count {
                var chunk = ByteBuffer(integer: index)
                chunk.writeImmutableBuffer(rest)
                try await call.send(chunk)
            }
        }
    }
}
