import AsyncHTTPClient
import Foundation
import Inference
import Lattica
import LatticaCore
import Ledger
import Logging
import Multiformats
import NIOCore
import NIOHTTP1
import NexusHTTP
import NodeHost
import ServiceLifecycle

/// What the gateway costs: the same one-token answer of the same engine over HTTP through Nexus, and by a direct call to a
/// node, in turns.
struct GatewayBench {
    let requests: Int
    let inFlight: Int
    let logger: Logger

    private static let question = "What is Lattice?"

    func rows() async throws -> [BenchRow] {
        let path = FileManager.default.temporaryDirectory.appending(path: "lattice-bench-\(UUID().uuidString)").path
        let folder = try DataFolder(path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let settings = try await Settings(
            flags: ["port": "0", "p2p.listen": "/ip4/127.0.0.1/tcp/0", "slots": "64", "name": "bench"],
            file: nil
        )
        let parts = try await NexusParts(
            settings: settings,
            folder: folder,
            metrics: PrometheusRegistry(),
            logger: logger
        )
        guard let join = parts.joinAddress else { throw Settings.Fault(description: "no address to join") }
        let node = try await NodeParts(settings: settings, folder: folder, nexus: join, logger: logger) { _ in }
        let direct = try await DirectParts(folder: folder, engine: node.engine, model: node.model, logger: logger)
        let group = ServiceGroup(services: parts.services(with: node.services + direct.services), logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            guard let port = await parts.listening.port() else { throw Settings.Fault(description: "the server ended") }
            let credentials = try await parts.credentials(in: folder, baseURL: "http://127.0.0.1:\(port)/v1")
            let http = HTTPClient(eventLoopGroupProvider: .singleton)
            let gateway = GatewayCaller(http: http, credentials: credentials, model: node.model)
            try await gateway.waitUntilServed()
            try await direct.caller.open()
            let rows = try await measure(gateway, direct.caller)
            try await http.shutdown()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return rows
        }
    }

    private func measure(_ gateway: GatewayCaller, _ direct: DirectCaller) async throws -> [BenchRow] {
        var through = Sample()
        var straight = Sample()
        for _ in 0..<20 {
            _ = try await gateway.ask(Self.question)
            _ = try await direct.ask(Self.question, maxTokens: 1)
        }
        for _ in 0..<requests {
            through.add(try await gateway.ask(Self.question))
            straight.add(try await direct.ask(Self.question, maxTokens: 1))
        }
        let rate = try await rate { _ = try await gateway.ask(Self.question) }
        let name = "direct call to the node"
        return [
            BenchRow(
                "one token, one in flight, p50",
                unit: "ms",
                ours: through.median,
                peer: straight.median,
                named: name,
                lessIsBetter: true
            ),
            BenchRow(
                "one token, one in flight, p99",
                unit: "ms",
                ours: through.quantile(0.99),
                peer: straight.quantile(0.99),
                named: name,
                lessIsBetter: true
            ),
            BenchRow("added by the gateway, p50", unit: "ms", ours: through.median - straight.median),
            BenchRow("one token, \(inFlight) in flight", unit: "requests/s", ours: rate),
        ]
    }

    /// Requests a second with some in flight at once.
    private func rate(_ work: @escaping @Sendable () async throws -> Void) async throws -> Double {
        let start = ContinuousClock.now
        let share = max(1, requests / inFlight)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<inFlight {
                group.addTask { for _ in 0..<share { try await work() } }
            }
            try await group.waitForAll()
        }
        return Double(share * inFlight) / ((ContinuousClock.now - start) / .seconds(1))
    }
}

/// A node beside the network's own that answers a caller without a gateway.
private struct DirectParts {
    let caller: DirectCaller
    let services: [any Service]

    init(folder: DataFolder, engine: any ChatEngine, model: String, logger: Logger) async throws {
        func host(_ keypair: Keypair) throws -> LatticaHost {
            LatticaHost(
                configuration: LatticaConfiguration(
                    keypair: keypair,
                    listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")],
                    logger: logger
                )
            )
        }
        let front = try host(Keypair())
        let startedFront = try await StartedHost(front)
        guard let address = front.dialableAddresses.first else {
            throw Settings.Fault(description: "no address to join")
        }
        caller = DirectCaller(host: front, model: model)
        let keypair = Keypair()
        let back = try host(keypair)
        let node = NodeService(
            host: back,
            keypair: keypair,
            engine: engine,
            signer: Secp256k1Key(),
            store: try NodeStore(path: folder.file("direct.sqlite")),
            configuration: NodeConfiguration(
                nexus: address,
                name: "direct",
                model: model
            ),
            logger: logger
        )
        services = [startedFront, try await StartedHost(back), node]
    }
}

/// Asks over HTTP as any client does.
private struct GatewayCaller: Sendable {
    let http: HTTPClient
    let credentials: Credentials
    let model: String

    /// Waits until the node has joined.
    func waitUntilServed() async throws {
        let client = APIClient(credentials: credentials, http: http)
        let deadline = ContinuousClock.now + .seconds(20)
        while try await client.models().isEmpty {
            guard ContinuousClock.now < deadline else { throw Settings.Fault(description: "the node did not join") }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func ask(_ question: String) async throws -> Duration {
        let start = ContinuousClock.now
        var request = HTTPClientRequest(url: credentials.baseURL + "/chat/completions")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(credentials.apiKey)")
        let body =
            #"{"model":"\#(model)","messages":[{"role":"user","content":"\#(question)"}],"max_tokens":1,"temperature":0}"#
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await http.execute(request, timeout: .seconds(60))
        let reply = try await response.body.collect(upTo: 1 << 20)
        guard response.status == .ok else {
            throw APIClient.Refusal(code: "\(response.status.code)", description: String(buffer: reply))
        }
        return ContinuousClock.now - start
    }
}
