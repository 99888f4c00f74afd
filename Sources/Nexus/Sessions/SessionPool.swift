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
    /// Sessions are dropped, oldest model first, beyond this many; opening one costs a round trip.
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

    private func open(_ node: NodeView, _ offer: Offer, user: UserID, key: KeyID) async throws -> NodeSession {
        let channel = Credit.ChannelName(key: key, node: node.id)
        var request = ProtoOpenSessionRequest()
        request.key = Data(key.bytes)
        request.model = offer.model
        if let voucher = await book.newest(channel) { request.voucher = ProtoVoucher(voucher) }
        let bytes = try await rpc.call(
            NodeMethod.openSession,
            on: node.peer,
            request: [UInt8](try request.serializedData()),
            deadline: Self.openDeadline
        )
        let reply = try ProtoOpenSessionReply(serializedBytes: bytes)
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
