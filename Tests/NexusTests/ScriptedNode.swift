import Foundation
import LatticaCore
import LatticaRPC
import LatticeTesting
import Ledger
import LedgerEmbedded
import Logging
import NodeAPI

@testable import Nexus

/// A node that does with each request what a test says, and remembers the vouchers it was shown.
actor ScriptedNode {
    /// What the test plays for each chat.
    typealias Scene = @Sendable (RPCServerCall, ProtoChatStart, ScriptedNode) async throws -> Void

    let signer = Secp256k1Key()
    let session = Bytes32(number: 77)
    let fingerprint = Bytes32(number: 5)
    let price = TokenPrice(input: Nano(1_000_000), output: Nano(2_000_000))
    private let domain: TypedDomain
    private(set) var shown: [UInt64] = []
    private(set) var payer = KeyID.zero
    private(set) var stops: [ProtoChatStop] = []

    init(domain: TypedDomain) { self.domain = domain }

    nonisolated func serve(on host: MemoryHost, _ scene: @escaping Scene) {
        let server = RPCServer(host: host)
        server.register(NodeMethod.openSession) { call in
            let request = try ProtoOpenSessionRequest(wire: try await call.receive() ?? [])
            try await call.send(try await self.open(request).wireBytes())
        }
        server.register(NodeMethod.chat) { call in
            let command = try ProtoChatCommand(wire: try await call.receive() ?? [])
            try await scene(call, command.start, self)
        }
    }

    private func open(_ request: ProtoOpenSessionRequest) throws -> ProtoOpenSessionReply {
        payer = KeyID([UInt8](request.key)) ?? .zero
        if request.hasVoucher { shown.append(request.voucher.amount) }
        let quote = Quote(
            node: NodeID(1),
            model: fingerprint,
            inputPrice: price.input,
            outputPrice: price.output,
            validUntil: 1_800_010_000
        )
        let signature = try signer.sign(quote, in: domain)
        var reply = ProtoOpenSessionReply()
        reply.session = Data(session.bytes)
        reply.quote = ProtoQuote(SignedQuote(quote: quote, r: signature.r, vs: signature.s))
        return reply
    }

    func heard(_ stop: ProtoChatStop) { stops.append(stop) }

    /// The bill for an answer on a channel that holds nothing yet.
    func bill(for start: ProtoChatStart, text: String, input: UInt64, output: UInt64) throws -> ProtoChatUpdate {
        var delta = ProtoChatDelta()
        delta.text = text
        return try bill(for: start, deltas: [delta], input: input, output: output)
    }

    /// The bill for an answer of these deltas.
    func bill(
        for start: ProtoChatStart,
        deltas: [ProtoChatDelta],
        input: UInt64,
        output: UInt64
    ) throws -> ProtoChatUpdate {
        var hash = AnswerHash(session: session)
        for delta in deltas { hash.append(delta) }
        return try bill(for: start, response: hash.finalize(), input: input, output: output)
    }

    /// The bill for an answer with this hash.
    func bill(
        for start: ProtoChatStart,
        response: Bytes32,
        input: UInt64,
        output: UInt64
    ) throws -> ProtoChatUpdate {
        var command = ProtoChatCommand()
        command.start = start
        let cost = price.cost(inputTokens: input, outputTokens: output) ?? .zero
        let receipt = Receipt(
            session: session,
            seq: 1,
            node: NodeID(1),
            key: payer,
            request: SaltedHash.of(try command.wireBytes(), session: session),
            response: response,
            quote: Quote(
                node: NodeID(1),
                model: fingerprint,
                inputPrice: price.input,
                outputPrice: price.output,
                validUntil: 1_800_010_000
            ).structHash,
            inputTokens: input,
            outputTokens: output,
            cost: cost,
            amount: cost,
            finishedAt: 1_800_000_000
        )
        let signature = try signer.sign(receipt, in: domain)
        var update = ProtoChatUpdate()
        update.finished.receipt = ProtoReceipt(SignedReceipt(receipt: receipt, r: signature.r, vs: signature.s))
        return update
    }
}

extension RPCServerCall {
    func accept(promptTokens: UInt32) async throws {
        var update = ProtoChatUpdate()
        update.accepted.promptTokens = promptTokens
        try await send(try update.wireBytes())
    }

    func write(_ text: String) async throws {
        var update = ProtoChatUpdate()
        update.delta.text = text
        update.delta.tokens = 1
        try await send(try update.wireBytes())
    }
}

/// The part of Nexus that has answers written and paid, beside a scripted node.
struct AnswerRig: Sendable {
    let node: ScriptedNode
    let credit = Credit()
    let registry = NodeRegistry(announceInterval: .seconds(60))
    private let book: VoucherBook
    private let sessions: SessionPool
    private let starter: CallStarter
    private let jobs: BackgroundJobs
    private let key: KeyID
    private let view: NodeView
    private static let user = UserID(1)
    private static let held = Nano(1_000_000)

    /// Plays a test with a node that answers as `scene` says.
    static func play(_ scene: @escaping ScriptedNode.Scene, _ test: (AnswerRig) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            try await MemoryNetwork.withPair { nexus, peer in
                try await TestLedger.open(in: folder) { ledger in
                    let jobs = BackgroundJobs()
                    async let running: Void = jobs.run()
                    let rig = try await AnswerRig(nexus, peer, ledger, jobs, folder: folder)
                    rig.node.serve(on: peer, scene)
                    do { try await test(rig) } catch {
                        jobs.finish()
                        throw error
                    }
                    jobs.finish()
                    await running
                }
            }
        }
    }

    private init(
        _ nexus: MemoryHost,
        _ peer: MemoryHost,
        _ ledger: EmbeddedLedger,
        _ jobs: BackgroundJobs,
        folder: String
    ) async throws {
        let store = try NexusStore(path: folder + "/nexus.sqlite")
        let keys = KeyRing(store: store, vault: try Vault(secret: Vault.newSecret()))
        key = try await keys.create(for: Self.user)
        node = ScriptedNode(domain: ledger.domain)
        let rpc = RPCClient(host: nexus)
        book = VoucherBook(store: store, keys: keys, credit: credit, ledger: ledger, now: { 1_800_000_000 })
        sessions = SessionPool(rpc: rpc, book: book, domain: ledger.domain, now: { 1_800_000_000 })
        starter = CallStarter(rpc: rpc)
        self.jobs = jobs
        view = NodeView(
            id: NodeID(1),
            peer: peer.peerID,
            name: "scripted",
            signer: node.signer.address,
            offers: [Offer(model: "tiny", fingerprint: node.fingerprint, contextLength: 64, price: node.price)],
            capacity: 1,
            state: .live
        )
    }

    var reserved: Nano { credit.standing(of: Self.user).reserved }
    var unsettled: Nano { credit.standing(of: Self.user).unsettled }

    /// Starts an answer with everything held for it.
    func start() async throws -> NodeAnswer {
        let session = try await sessions.session(with: view, offer: view.offers[0], user: Self.user, key: key)
        let hold = try await credit.hold(Self.held, for: Self.user) { Self.held }
        let request = ChatRequest(model: "tiny", messages: [ChatMessage(role: "user", content: "Hello")])
        let started = try await starter.start(
            ProtoChatStart(request, session: session.id, credit: hold.amount, seed: 1),
            session: session,
            promptTokenLimit: 50
        )
        let listing = NodeListing(
            id: view.id,
            peer: "\(view.peer)",
            name: view.name,
            state: .live,
            models: ["tiny"],
            active: 0,
            capacity: 1,
            latencyMilliseconds: nil,
            tokensPerSecond: nil,
            earned: .zero
        )
        return NodeAnswer(
            node: listing,
            started: started,
            session: session,
            hold: hold,
            services: AnswerServices(
                book: book,
                credit: credit,
                registry: registry,
                sessions: sessions,
                jobs: jobs,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                tokenLimit: 8
            )
        )
    }
}

/// A ledger of its own for a test.
enum TestLedger {
    static let roles = NexusRoles(
        administrator: address(1),
        registrar: address(2),
        faucetSigner: address(3),
        settler: address(4)
    )

    static func open(
        in folder: String,
        now: @escaping @Sendable () -> UInt64 = { 1_800_000_000 },
        _ body: (EmbeddedLedger) async throws -> Void
    ) async throws {
        let ledger = try await EmbeddedLedger.open(
            path: folder + "/ledger.sqlite",
            clusterKey: ClusterKey(),
            genesis: Genesis(
                administrator: roles.administrator,
                faucetSupply: TokenAmount(Nano(1_000_000_000_000)),
                roles: Roles(
                    owner: roles.administrator,
                    registrar: roles.registrar,
                    reporter: roles.administrator,
                    faucetSigner: roles.faucetSigner
                )
            ),
            now: now
        )
        do { try await body(ledger) } catch {
            await ledger.close()
            throw error
        }
        await ledger.close()
    }

    static func commands(_ ledger: EmbeddedLedger) -> LedgerCommands {
        LedgerCommands(ledger: ledger) {
            var generator = SystemRandomNumberGenerator()
            return SubmissionID(.random(using: &generator))
        }
    }

    private static func address(_ number: UInt8) -> Address { Address(lastOf: Keccak256.hash([0xaa, number])) }
}
