import Foundation
import Lattica
import LatticaCore
import LatticaRPC
import Ledger
import Logging
import Multiformats
import NodeAPI
import SwiftProtobuf

/// The shortest way to a node: a peer that the node takes for its Nexus, without HTTP, accounts, holds, routing or disk.
///
/// It pays as it must, with vouchers signed by a key of its own. What the gateway adds is the difference.
actor DirectCaller {
    private let rpc: RPCClient
    private let server: RPCServer
    private let key = P256SessionKey()
    private let domain: TypedDomain
    private var node: (peer: PeerID, id: NodeID)?
    private var session: (id: Bytes32, quote: Quote)?
    private var newest: Voucher?
    private let joined: AsyncStream<PeerID>
    private let model: String

    /// Serves the registry's methods on a host, for one node.
    init(host: LatticaHost, model: String) {
        let domain = TypedDomain.local(clusterPublicKey: Array(host.peerID.bytes))
        let (joined, join) = AsyncStream.makeStream(of: PeerID.self, bufferingPolicy: .bufferingNewest(1))
        self.domain = domain
        self.joined = joined
        self.model = model
        rpc = RPCClient(host: host)
        let server = RPCServer(host: host, logger: Logger(label: "bench"))
        self.server = server
        server.register(RegistryMethod.hello) { call in
            _ = try await call.receive()
            var reply = ProtoHelloReply()
            reply.chainID = domain.chainID
            reply.verifyingContract = Data(domain.verifyingContract.bytes)
            reply.announceIntervalMs = 2000
            try await call.send(try reply.wireBytes())
        }
        server.register(RegistryMethod.register) { call in
            _ = try await call.receive()
            var reply = ProtoRegisterReply()
            reply.node = 1
            try await call.send(try reply.wireBytes())
        }
        server.register(RegistryMethod.announce) { call in
            _ = try await call.receive()
            try await call.send(try ProtoAnnounceReply().wireBytes())
            join.yield(call.peer)
        }
        server.register(RegistryMethod.leave) { call in
            _ = try await call.receive()
            try await call.send(try ProtoLeaveReply().wireBytes())
        }
    }

    /// Waits for the node and opens the session.
    func open() async throws {
        for await peer in joined {
            node = (peer, NodeID(1))
            break
        }
        guard let node else { throw MessageError.missing("node") }
        var request = ProtoOpenSessionRequest()
        request.key = Data(key.keyID.bytes)
        request.model = model
        let bytes = try await rpc.call(
            NodeMethod.openSession,
            on: node.peer,
            request: try request.wireBytes(),
            deadline: .seconds(10)
        )
        let reply = try ProtoOpenSessionReply(wire: bytes)
        guard let id = Bytes32([UInt8](reply.session)) else { throw MessageError.badField("session") }
        session = (id, try reply.quote.signedQuote(of: node.id).quote)
    }

    /// One answer, paid.
    ///
    /// - Returns: the time until the closing message, which is what a gateway's client waits for.
    func ask(_ question: String, maxTokens: Int) async throws -> Duration {
        guard let node, let session else { throw MessageError.missing("session") }
        let start = ContinuousClock.now
        var command = ProtoChatCommand()
        var request = ProtoChatStart()
        request.session = Data(session.id.bytes)
        request.model = model
        request.turns = [
            .with {
                $0.role = "user"; $0.content = question
            }
        ]
        request.maxTokens = UInt32(maxTokens)
        request.topP = 1
        request.credit = Nano.lai.count
        command.start = request
        let call = try await rpc.open(NodeMethod.chat, on: node.peer, deadline: .seconds(60))
        try await call.send(try command.wireBytes())
        while let bytes = try await call.receive() {
            guard case .finished(let finished) = try ProtoChatUpdate(wire: bytes).update else { continue }
            let time = ContinuousClock.now - start
            try await pay(finished, on: call, node.id, session.quote)
            while try await call.receive() != nil {}
            return time
        }
        throw MessageError.missing("finished")
    }

    private func pay(_ finished: ProtoChatFinished, on call: RPCCall, _ node: NodeID, _ quote: Quote) async throws {
        let receipt = try finished.receipt.signedReceipt(node: node, key: key.keyID, quote: quote.structHash).receipt
        let head = newest?.receipts ?? ReceiptChain.start(key: key.keyID, node: node)
        let voucher = Voucher(
            node: node,
            amount: receipt.amount,
            units: (newest?.units ?? 0) + receipt.inputTokens + receipt.outputTokens,
            receipts: ReceiptChain.advance(head, receipt)
        )
        newest = voucher
        var command = ProtoChatCommand()
        command.voucher = ProtoVoucher(SignedVoucher(voucher: voucher, signature: try key.sign(voucher, in: domain)))
        try await call.send(try command.wireBytes())
        try await call.finish()
    }
}
