import LatticeTesting
import Ledger
import NIOConcurrencyHelpers
import Testing

@testable import LedgerEVM

@Suite(.timeLimit(.minutes(1))) struct `An endpoint that` {
    static let quick = RPCOptions(
        deadline: .seconds(20),
        bodyLimit: 64 << 10,
        attempts: 2,
        backoff: .milliseconds(1)
    )

    /// Asks for a receipt of an endpoint that knows its chain and answers everything else so.
    private func failure(
        chain: UInt64 = 7,
        deadline: Duration = .seconds(20),
        _ answer: @escaping @Sendable (FakeEndpoint.Question) -> FakeEndpoint.Reply
    ) async throws -> RPCError? {
        var options = Self.quick
        options.deadline = deadline
        return try await FakeEndpoint.run { question in
            question.method == "eth_chainId" ? .result("\"0x7\"", id: question.id) : answer(question)
        } _: { _, url in
            let client = EthereumClient(
                transports: [try HTTPTransport(url: url, options: options)],
                chainID: chain,
                options: options
            )
            do throws(RPCError) {
                _ = try await client.receipt(Bytes32(number: 1))
                return nil
            } catch {
                #expect(!"\(error)".contains("key-in-path"))
                return error
            }
        }
    }

    @Test(arguments: [
        "", "garbage", "{", "null", "[]", "42", "{}", "\u{0}", #"{"jsonrpc":"2.0"}"#,
        #"{"jsonrpc":"1.0","id":2,"result":null}"#, #"{"jsonrpc":"2.0","id":"2","result":null}"#,
        #"{"jsonrpc":"2.0","id":2,"error":"text"}"#, #"{"jsonrpc":"2.0","id":2,"error":{"message":"no code"}}"#,
        #"{"jsonrpc":"2.0","id":2,"result":7}"#, #"{"jsonrpc":"2.0","id":2,"result":{"blockHash":"0x00"}}"#,
    ])
    func `answers something else is found out`(body: String) async throws {
        guard case .malformed = try await failure({ _ in .body(body) }) else {
            Issue.record("taken for an answer: \(body)")
            return
        }
    }

    @Test func `answers with a thousand brackets is found out`() async throws {
        let body = String(repeating: "[", count: 30_000)
        guard case .malformed = try await failure({ _ in .body(body) }) else {
            Issue.record("taken for an answer")
            return
        }
    }

    @Test func `answers to another question is found out`() async throws {
        guard case .malformed = try await failure({ .result("null", id: $0.id + 1) }) else {
            Issue.record("taken for an answer")
            return
        }
    }

    @Test func `hangs up, or cuts its answer, is away`() async throws {
        guard case .unreachable = try await failure({ _ in .hangUp }) else {
            Issue.record("taken for an answer")
            return
        }
        guard case .unreachable = try await failure({ _ in .cut("{\"jsonrpc\":") }) else {
            Issue.record("taken for an answer")
            return
        }
    }

    @Test func `says nothing is given up after the deadline`() async throws {
        #expect(try await failure(deadline: .milliseconds(300)) { _ in .silence } == .timedOut)
    }

    @Test func `never ends is cut off at the limit`() async throws {
        #expect(
            try await failure { _ in .flood(String(repeating: "[", count: 4_096)) } == .answerTooLarge(limit: 64 << 10)
        )
    }

    @Test func `is overloaded or broken says so`() async throws {
        #expect(try await failure { _ in .status(429) } == .tooManyRequests)
        #expect(try await failure { _ in .status(503) } == .http(status: 503))
        #expect(try await failure { _ in .redirect("http://127.0.0.1:1/") } == .http(status: 307))
    }

    @Test func `serves another chain is not asked anything else`() async throws {
        #expect(try await failure(chain: 8) { .result("null", id: $0.id) } == .wrongChain(expected: 8, answered: 7))
    }

    @Test func `refuses is not asked again, and its words are bounded`() async throws {
        let long = String(repeating: "x", count: 5_000)
        let answers = NIOLockedValueBox(0)
        let refused = try await failure { question in
            answers.withLockedValue { $0 += 1 }
            return .error(-32000, long + "\\n", id: question.id)
        }
        guard case .refused(let refusal) = refused else {
            Issue.record("\(String(describing: refused))")
            return
        }
        #expect(refusal.message.count == RPCRefusal.messageLimit + 1)
        #expect(answers.withLockedValue(\.self) == 1)
    }

    @Test func `fails once is asked again`() async throws {
        let calls = NIOLockedValueBox(0)
        let result = try await failure { question in
            let call = calls.withLockedValue { calls in
                calls += 1
                return calls
            }
            return call == 1 ? .status(503) : .result("null", id: question.id)
        }
        #expect(result == nil)
        #expect(calls.withLockedValue(\.self) == 2)
    }

    @Test func `fails is replaced by the second`() async throws {
        try await FakeEndpoint.run { _ in
            .hangUp
        } _: { _, first in
            try await FakeEndpoint.run {
                $0.method == "eth_chainId" ? .result("\"0x7\"", id: $0.id) : .result("\"0x2a\"", id: $0.id)
            } _: { _, second in
                let client = EthereumClient(
                    transports: try [first, second].map { try HTTPTransport(url: $0, options: Self.quick) },
                    chainID: 7,
                    options: Self.quick
                )
                #expect(try await client.estimateGas(CallMessage(to: .zero, data: [])) == 42)
            }
        }
    }

    @Test func `is sent a transaction once, whatever it answers`() async throws {
        let key = Secp256k1Key()
        let fees = Transaction.Fees.market(tip: .gwei, most: .gwei)
        let transaction = try Transaction(chainID: 7, nonce: 0, to: .zero, data: [], gasLimit: 21_000, fees: fees)
            .signed(by: key)
        for reply in [FakeEndpoint.Reply.hangUp, .status(503), .body("garbage")] {
            try await FakeEndpoint.run {
                $0.method == "eth_chainId" ? .result("\"0x7\"", id: $0.id) : reply
            } _: { endpoint, url in
                let client = EthereumClient(
                    transports: [try HTTPTransport(url: url, options: Self.quick)],
                    chainID: 7,
                    options: Self.quick
                )
                await #expect(throws: RPCError.self) { try await client.send(transaction) }
                #expect(endpoint.methods == ["eth_chainId", "eth_sendRawTransaction"])
            }
        }
    }

    @Test func `names another hash for what it was sent is not believed`() async throws {
        let key = Secp256k1Key()
        let fees = Transaction.Fees.market(tip: .gwei, most: .gwei)
        let transaction = try Transaction(chainID: 7, nonce: 0, to: .zero, data: [], gasLimit: 21_000, fees: fees)
            .signed(by: key)
        try await FakeEndpoint.run {
            $0.method == "eth_chainId" ? .result("\"0x7\"", id: $0.id) : .result("\"\(Bytes32.zero)\"", id: $0.id)
        } _: { _, url in
            let client = EthereumClient(
                transports: [try HTTPTransport(url: url, options: Self.quick)],
                chainID: 7,
                options: Self.quick
            )
            await #expect(throws: RPCError.malformed("another hash for what was sent")) {
                try await client.send(transaction)
            }
        }
    }

    @Test func `has another finalized block than the second is found out`() async throws {
        func endpoint(_ hash: Int) -> @Sendable (RPCCall) -> String {
            { call in
                call.method == "eth_chainId"
                    ? "\"0x7\"" : SimulatedHeader(number: 5, hash: Bytes32(number: UInt64(hash))).json
            }
        }
        let honest = ScriptedTransport(endpoint(1))
        let client = EthereumClient(
            transports: [honest, ScriptedTransport(endpoint(1))],
            chainID: 7,
            options: Self.quick
        )
        #expect(try await client.ends().finalized.number == 5)
        let other = EthereumClient(
            transports: [honest, ScriptedTransport(endpoint(2))],
            chainID: 7,
            options: Self.quick
        )
        await #expect(throws: RPCError.endpointsDisagree(block: 5)) { _ = try await other.ends() }
    }

    @Test func `gives logs that were not asked for is found out`() async throws {
        let token = Address(lastOf: Bytes32(number: 9))
        func logs(_ logs: [String]) async throws -> [ChainLog] {
            let transport = ScriptedTransport {
                $0.method == "eth_chainId" ? "\"0x7\"" : "[\(logs.joined(separator: ","))]"
            }
            return try await EthereumClient(transports: [transport], chainID: 7, options: Self.quick)
                .logs(10...20, of: [token])
        }
        let good = SimulatedLog(address: token, block: 12, index: 3).json
        #expect(try await logs([good]).count == 1)
        for bad in [
            [SimulatedLog(address: token, block: 9, index: 3).json],
            [SimulatedLog(address: .zero, block: 12, index: 3).json],
            [good, good],
            [SimulatedLog(address: token, block: 13, index: 0).json, good],
            [SimulatedLog(address: token, block: 12, index: 3, topics: 5).json],
            [SimulatedLog(address: token, block: 12, index: 3, removed: true).json],
        ] {
            await #expect(throws: RPCError.self) { _ = try await logs(bad) }
        }
    }
}
