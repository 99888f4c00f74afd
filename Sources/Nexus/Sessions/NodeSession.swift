import LatticaCore
import Ledger
import NodeAPI

/// An agreement with one node: who pays with which key, at which price.
struct NodeSession: Sendable {
    /// Chosen by the node; salts the hashes in receipts.
    let id: Bytes32
    let node: NodeID
    let peer: PeerID
    /// The address that signs the node's receipts.
    let signer: Address
    let key: KeyID
    let user: UserID
    let model: String
    let quote: Quote
    let quoteHash: Bytes32

    /// A session is opened anew this long before its quote ends, so that no answer outlives it.
    static let margin: UInt64 = 300

    /// Whether a request may still begin, by the clock's Unix seconds.
    func isFresh(at now: UInt64) -> Bool {
        now + Self.margin < quote.validUntil
    }

    var channel: Credit.ChannelName { Credit.ChannelName(key: key, node: node) }
}

/// What Nexus knows of an answer when the node presents the bill.
struct DeliveredAnswer: Sendable {
    /// The hash of the request as it was sent, salted.
    var request: Bytes32
    /// The hash of the text as it was received, salted.
    var response: Bytes32
    /// The most tokens that the prompt can have.
    var promptTokenLimit: Int
    /// Tokens received.
    var completionTokens: Int
    /// The worst-case cost that was held.
    var hold: Nano
    /// What interim vouchers have paid.
    var advanced = Nano.zero
}

extension DeliveredAnswer {
    /// What is due of an answer that has cost so much so far, beyond what was paid of it.
    func part(of cost: Nano, at price: TokenPrice) throws(ReceiptFault) -> Nano {
        let due = price.cost(inputTokens: UInt64(promptTokenLimit), outputTokens: UInt64(completionTokens))
        guard let due, cost <= due else { throw .overcharged(claimed: cost, due: due ?? .zero) }
        guard cost <= hold else { throw .moreThanHeld(claimed: cost, held: hold) }
        guard let part = cost.subtracting(advanced), part != .zero else {
            throw .brokenChain(expected: advanced, claimed: cost)
        }
        return part
    }
}

/// Why a node's receipt is not paid.
enum ReceiptFault: Error, Hashable, Sendable {
    case foreignSignature
    case wrongField(String)
    case overcharged(claimed: Nano, due: Nano)
    case moreThanHeld(claimed: Nano, held: Nano)
    case tooManyTokens(claimed: UInt64, limit: Int)
    case brokenChain(expected: Nano, claimed: Nano)
}

extension SignedReceipt {
    /// Checks the receipt against the agreement, the delivery and the channel (ledger specification, §4 step 4).
    ///
    /// - Parameter base: what the channel's newest voucher promises already.
    func check(
        session: NodeSession,
        delivered: DeliveredAnswer,
        base: Nano,
        domain: TypedDomain
    ) throws(ReceiptFault) {
        guard receipt.session == session.id else { throw .wrongField("session") }
        guard receipt.request == delivered.request else { throw .wrongField("request") }
        guard receipt.response == delivered.response else { throw .wrongField("response") }
        guard receipt.inputTokens <= UInt64(delivered.promptTokenLimit) else {
            throw .tooManyTokens(claimed: receipt.inputTokens, limit: delivered.promptTokenLimit)
        }
        guard receipt.outputTokens <= UInt64(delivered.completionTokens) else {
            throw .tooManyTokens(claimed: receipt.outputTokens, limit: delivered.completionTokens)
        }
        let due = session.quote.price.cost(inputTokens: receipt.inputTokens, outputTokens: receipt.outputTokens)
        guard let due, receipt.cost <= due else { throw .overcharged(claimed: receipt.cost, due: due ?? .zero) }
        guard receipt.cost <= delivered.hold else {
            throw .moreThanHeld(claimed: receipt.cost, held: delivered.hold)
        }
        let rest = receipt.cost.clampedSubtracting(delivered.advanced)
        guard let amount = base.adding(rest), receipt.amount == amount else {
            throw .brokenChain(expected: base.clampedAdding(rest), claimed: receipt.amount)
        }
        guard signer(in: domain) == session.signer else { throw .foreignSignature }
    }
}
