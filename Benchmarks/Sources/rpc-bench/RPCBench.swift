import Glibc
import Lattica

/// Measures calls between two processes; `Benchmarks/rpc.py` runs the cases and makes the table.
@main
struct RPCBench {
    static let usage = """
        usage: rpc-bench serve [--hosts N] [--message-limit BYTES]
                 prints {"peer": ID, "addresses": [...]} and answers until its standard input closes
               rpc-bench run --peer ADDR [--peer ADDR]... [--kind unary|stream|upload|handshake|idle]
                 [--security tls|noise] [--message-limit BYTES] [--size BYTES] [--reply echo|size]
                 [--in-flight N] [--hosts N] [--seconds S] [--pid PID]
                 prints one JSON object with what was measured
        """

    static func main() async {
        do {
            let options = try Options(CommandLine.arguments.dropFirst())
            switch options.role {
            case .serve: try await EchoServer.run(options)
            case .run: try await measure(options)
            }
        } catch {
            StandardError.print("rpc-bench: \(error)\n\(usage)")
            exit(1)
        }
    }

    private static func measure(_ options: Options) async throws {
        let report =
            switch options.kind {
            case .unary, .stream, .upload: try await CallBench(options).report()
            case .handshake: try await HandshakeBench(options).report()
            case .idle: try await IdleBench(options).report()
            }
        print(report.json)
    }
}
