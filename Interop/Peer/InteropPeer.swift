import Foundation
import Lattica
import LatticaCore
import LatticaRPC
import Logging
import Multiformats

/// A peer of ours for tests against other implementations.
///
/// It first says who it is, `{"peer": ID, "listen": [ADDR…]}`, then obeys commands, one JSON object per line, and answers
/// each by its `id`; the words are those of the real package's test node, so that a test can give either the same. It
/// leaves when standard input closes.
@main
struct InteropPeer {
    static func main() async {
        do {
            try await run(Options(CommandLine.arguments.dropFirst()))
        } catch {
            Output.say(["error": .text("\(error)")])
            exit(1)
        }
    }

    private static func run(_ options: Options) async throws {
        let host = LatticaHost(configuration: try options.configuration)
        host.handle("/echo/1") { stream in
            Output.say(["stream_from": .text("\(stream.remotePeer)")])
            do {
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                try await stream.closeWrite()
            } catch {
                Output.say(["echo_ended": .text("\(error)")])
            }
        }
        let server = RPCServer(host: host)
        EchoService().register(on: server)
        let counted = CountedHost(host)
        let obedience = Obedience(
            host: host,
            counted: counted,
            client: RPCClient(host: counted),
            security: options.security
        )
        let events = host.events()
        try await host.start()
        Output.say([
            "peer": .text("\(host.peerID)"), "listen": .list(host.dialableAddresses.map { .text("\($0)") }),
        ])
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await event in events {
                    if case .connected(let peer) = event { Output.say(["connected": .text("\(peer)")]) }
                    if case .disconnected(let peer) = event { Output.say(["disconnected": .text("\(peer)")]) }
                }
            }
            for await line in Self.lines() {
                group.addTask { await obedience.obey(line) }
            }
            await host.stop()
        }
    }

    /// The lines of standard input.
    ///
    /// Reading blocks, so it has a thread of its own, which ends with the input.
    private static func lines() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream<String>.makeStream()
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
        return stream
    }
}
