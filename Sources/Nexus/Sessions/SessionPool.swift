import Foundation
import LatticaCore
import LatticaRPC
import Ledger
import NodeAPI
import SwiftProtobuf

/// Keeps the agreements with nodes and makes new ones.
actor SessionPool {
    private struct Name: Hashable {
        let node: NodeID
        let peer: PeerID
        let model: String
        let key: KeyID
    }

    private let rpc: RPCClient
    private let book: VoucherBook
    private let domain: TypedDomain
    private let now: @Sendable () -> UInt64
    private var sessions: [Name: NodeSession] = [:]

    /// A node that takes longer to name its price is skipped.
    private static let openDeadline: Duration = .seconds(5)
    /// Beyond this many all are dropped; opening one anew costs a round trip.
    private static let sessionLimit = 10_000

    init(rpc: RPCClient, book: VoucherBook, domain: TypedDomain, now: @escaping @Sendable () -> UInt64) {
        self.rpc = rpc
        self.book = book
        self.domain = domain
        self.now = now
    }

    /// The agreement under which a user's key pays a node for a model.
    func session(with node: NodeView, offer: Offer, user: UserID, key: KeyID) async throws -> NodeSession {
        let name = Name(node: node.id, peer: node.peer, model: offer.model, key: key)
        if let session = sessions[name], session.isFresh(at: now()) { return session }
        let session = try await open(node, offer, user: user, key: key)
        if sessions.count >= Self.sessionLimit { sessions.removeAll() }
        sessions[name] = session
        return session
    }

    /// Forgets the agreements with a node, so that the next request makes new ones.
    func forget(_ node: NodeID) {
        sessions = sessions.filter { $0.key.node != node }
    }

    /// Shows a node the newest voucher of a channel after one was lost on its way: without it the node's next bill would
    /// be over another sum than ours.
    ///
    /// Should it fail, the next request opens a session and shows the voucher then.
    func resynchronize(_ session: NodeSession) async throws {
        sessions = sessions.filter { $0.key.node != session.node || $0.key.key != session.key }
        _ = try await ask(session.node, at: session.peer, model: session.model, key: session.key)
    }

    private func ask(_ node: NodeID, at peer: PeerID, model: String, key: KeyID) async throws -> ProtoOpenSessionReply {
        var request = ProtoOpenSessionRequest()
        request.key = Data(key.bytes)
        request.model = model
        if let voucher = await book.newest(Credit.ChannelName(key: key, node: node)) {
            request.voucher = ProtoVoucher(voucher)
        }
        let bytes = try await rpc.call(
            NodeMethod.openSession,
            on: peer,
            request: try request.wireBytes(),
            deadline: Self.openDeadline
        )
        return try ProtoOpenSessionReply(wire: bytes)
    }

    private func open(_ node: NodeView, _ offer: Offer, user: UserID, key: KeyID) async throws -> NodeSession {
        let reply = try await ask(node.id, at: node.peer, model: offer.model, key: key)
        let quote = try reply.quote.signedQuote(of: node.id)
        try check(quote, against: offer, signer: node.signer)
        if reply.hasVoucher {
            // Only our own signature makes the node's memory count (ledger specification, §4 step 2).
            try await book.adopt(try reply.voucher.signedVoucher(for: node.id), key: key, user: user)
        }
        guard let id = Bytes32([UInt8](reply.session)) else { throw MessageError.badField("session") }
        return NodeSession(
            id: id,
            node: node.id,
            peer: node.peer,
            signer: node.signer,
            key: key,
            user: user,
            model: offer.model,
            quote: quote.quote,
            quoteHash: quote.quote.structHash
        )
    }

    /// A quote may be lower than what the node announced, never higher: routing compared announced prices.
    private func check(_ signed: SignedQuote, against offer: Offer, signer: Address) throws(MessageError) {
        guard signed.quote.model == offer.fingerprint else { throw .badField("quote.model: another model") }
        guard signed.quote.inputPrice <= offer.price.input, signed.quote.outputPrice <= offer.price.output else {
            throw .badField("quote: above the announced price")
        }
        guard signed.quote.validUntil > now() + NodeSession.margin else { throw .badField("quote: already ending") }
        guard signed.signer(in: domain) == signer else { throw .badField("quote: not signed by the node") }
    }
}
