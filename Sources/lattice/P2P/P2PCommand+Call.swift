import ArgumentParser
import Foundation
import Lattica
import LatticaCore
import LatticaRPC

extension P2PCommand {
    /// A call of a method.
    struct Call: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "call",
            abstract: "Call a method of a peer.",
            discussion: """
                The request is the text of --data, the bytes of --file, or nothing. The answer goes to standard \
                output as it is; with --stream each message of it on a line of its own, as it comes.
                """
        )

        @Argument(help: "The peer's address: /ip4/…/tcp/…")
        var address: String

        @Argument(help: "The method: Service/method.")
        var method: String

        @Option(help: "The request as text; with --stream it may be given several times.")
        var data: [String] = []

        @Option(help: "The file that is the request; - is standard input.")
        var file: String?

        @Flag(help: "Send and receive any number of messages.")
        var stream = false

        @Option(help: "How long the answer may take, in seconds; with --stream, the whole exchange.")
        var deadline = 30.0

        @Option(help: "Compress a long request for a peer that speaks Lattica's dialect: gzip, zstd, lz4 or brotli.")
        var compress: String?

        @OptionGroup var options: P2POptions

        func validate() throws {
            guard method.contains("/") else {
                throw ValidationError("'\(method)' is no method. Name service and method, such as Echo/echo.")
            }
            guard (0.001...86_400).contains(deadline) else {
                throw ValidationError("--deadline must be from 0.001 to 86400 seconds.")
            }
            guard file == nil || data.isEmpty else { throw ValidationError("Give --data or --file, not both.") }
            guard compress == nil || compression != nil else {
                throw ValidationError("--compress must be gzip, zstd, lz4 or brotli.")
            }
            guard !stream || compress == nil else {
                throw ValidationError("--compress does not go with --stream: the dialect compresses no streams.")
            }
            guard stream || data.count <= 1 else { throw ValidationError("Several --data need --stream.") }
        }

        private var compression: Compression? { compress.flatMap { Compression($0) } }

        func run() async throws {
            let requests = try file.map { [try Self.contents(of: $0)] } ?? data.map { Array($0.utf8) }
            let (method, isStream, isJSON) = (RPCMethod(method), stream, options.json)
            let compression = compression ?? .none
            let deadline = Duration.seconds(deadline)
            let found = try await options.withPeer(at: address) { host, peer in
                let start = ContinuousClock.now
                var answers: [[UInt8]] = []
                do throws(RPCError) {
                    var client = RPCClient(host: host)
                    client.compression = compression
                    if isStream {
                        let call = try await client.open(method, on: peer, deadline: deadline)
                        for request in requests { try await call.send(request) }
                        try await call.finish()
                        while let answer = try await call.receive() {
                            if isJSON { answers.append(answer) } else { Self.write(answer + [UInt8(ascii: "\n")]) }
                        }
                    } else {
                        let answer = try await client.call(
                            method,
                            on: peer,
                            request: requests.first ?? [],
                            deadline: deadline
                        )
                        if isJSON { answers = [answer] } else { Self.write(answer) }
                    }
                } catch {
                    throw Settings.Fault(description: "\(method) failed: \(error). \(Self.advice(for: error))")
                }
                return CallAnswer(peer: peer, method: method, answers, ContinuousClock.now - start)
            }
            if isJSON { try options.show(found) }
        }

        private static func contents(of path: String) throws -> [UInt8] {
            do {
                if path == "-" { return [UInt8](try FileHandle.standardInput.readToEnd() ?? Data()) }
                return [UInt8](try Data(contentsOf: URL(filePath: path)))
            } catch {
                throw Settings.Fault(
                    description:
                        "cannot read \(path): \((error as NSError).localizedDescription). Name another with --file."
                )
            }
        }

        private static func write(_ bytes: [UInt8]) {
            FileHandle.standardOutput.write(Data(bytes))
        }

        private static func advice(for error: RPCError) -> String {
            switch error {
            case .deadlineExceeded: "Give it longer with --deadline."
            case .failed(code: .unimplemented, _): "Is the method spelled right, and is it this peer that offers it?"
            case .failed(code: .invalidArgument, _): "The request is not what the method takes."
            case .unavailable: "Does the peer speak Lattice's RPC? 'lattice p2p identify' tells."
            default: "--log-level debug tells more."
            }
        }
    }
}

/// What a call gave.
struct CallAnswer: Encodable, CustomStringConvertible {
    let peer: String
    let method: String
    let milliseconds: Double
    /// As text where it is text, else as base64.
    let answers: [Answer]

    struct Answer: Encodable {
        let text: String?
        let base64: String?

        init(_ bytes: [UInt8]) {
            text = String(validating: bytes, as: UTF8.self)
            base64 = text == nil ? Data(bytes).base64EncodedString() : nil
        }
    }

    enum CodingKeys: String, CodingKey {
        case peer
        case method
        case milliseconds = "ms"
        case answers
    }

    init(peer: PeerID, method: RPCMethod, _ answers: [[UInt8]], _ time: Duration) {
        self.peer = "\(peer)"
        self.method = method.name
        self.answers = answers.map(Answer.init)
        milliseconds = time.inMilliseconds
    }

    var description: String { answers.map { $0.text ?? $0.base64 ?? "" }.joined(separator: "\n") }
}
