internal import Foundation
public import Ledger
internal import SwiftProtobuf

/// Why a message does not mean anything, although it could be decoded.
public enum MessageError: Error, Hashable, Sendable {
    /// A field has the wrong length or a value outside its range.
    case badField(String)
    /// Something that must be there is not.
    case missing(String)
    /// The bytes are not the message at all.
    case undecodable(String)
}

/// A voucher with the payer's signature.
public struct SignedVoucher: Hashable, Sendable {
    /// What is promised.
    public var voucher: Voucher
    /// The promise.
    public var signature: LedgerSignature

    /// Puts the two together.
    public init(voucher: Voucher, signature: LedgerSignature) {
        self.voucher = voucher
        self.signature = signature
    }

    /// The key that signed, or `nil` when the signature is nobody's.
    public func key(in domain: TypedDomain) -> KeyID? {
        recoverKeyID(voucher: voucher, signature: signature, domain: domain)
    }
}

/// A quote with the node's signature.
public struct SignedQuote: Hashable, Sendable {
    /// The price.
    public var quote: Quote
    /// First half of the signature.
    public var r: Bytes32
    /// Second half with the parity bit (EIP-2098).
    public var vs: Bytes32

    /// Puts the two together.
    public init(quote: Quote, r: Bytes32, vs: Bytes32) {
        self.quote = quote
        self.r = r
        self.vs = vs
    }

    /// The address that signed, or `nil` when the signature is nobody's.
    public func signer(in domain: TypedDomain) -> Address? {
        Secp256k1.recover(digest: quote.keccakDigest(in: domain), r: r, vs: vs)
    }
}

/// A receipt with the node's signature.
public struct SignedReceipt: Hashable, Sendable {
    /// What was delivered and what it costs.
    public var receipt: Receipt
    /// First half of the signature.
    public var r: Bytes32
    /// Second half with the parity bit (EIP-2098).
    public var vs: Bytes32

    /// Puts the two together.
    public init(receipt: Receipt, r: Bytes32, vs: Bytes32) {
        self.receipt = receipt
        self.r = r
        self.vs = vs
    }

    /// The address that signed, or `nil` when the signature is nobody's.
    public func signer(in domain: TypedDomain) -> Address? {
        Secp256k1.recover(digest: receipt.keccakDigest(in: domain), r: r, vs: vs)
    }
}

extension ProtoVoucher {
    /// The message for a voucher; the node is known from the session.
    public init(_ signed: SignedVoucher) {
        self.init()
        amount = signed.voucher.amount.count
        units = signed.voucher.units
        receipts = Data(signed.voucher.receipts.bytes)
        r = Data(signed.signature.r.bytes)
        s = Data(signed.signature.s.bytes)
        x = Data(signed.signature.x.bytes)
        y = Data(signed.signature.y.bytes)
    }

    /// The voucher for a node.
    public func signedVoucher(for node: NodeID) throws(MessageError) -> SignedVoucher {
        SignedVoucher(
            voucher: Voucher(
                node: node,
                amount: Nano(amount),
                units: units,
                receipts: try bytes32(receipts, "voucher.receipts")
            ),
            signature: LedgerSignature(
                r: try bytes32(r, "voucher.r"),
                s: try bytes32(s, "voucher.s"),
                x: try bytes32(x, "voucher.x"),
                y: try bytes32(y, "voucher.y")
            )
        )
    }
}

extension ProtoQuote {
    /// The message for a quote.
    public init(_ signed: SignedQuote) {
        self.init()
        model = Data(signed.quote.model.bytes)
        inputPrice = signed.quote.inputPrice.count
        outputPrice = signed.quote.outputPrice.count
        validUntil = signed.quote.validUntil
        r = Data(signed.r.bytes)
        vs = Data(signed.vs.bytes)
    }

    /// The quote of a node.
    public func signedQuote(of node: NodeID) throws(MessageError) -> SignedQuote {
        SignedQuote(
            quote: Quote(
                node: node,
                model: try bytes32(model, "quote.model"),
                inputPrice: Nano(inputPrice),
                outputPrice: Nano(outputPrice),
                validUntil: validUntil
            ),
            r: try bytes32(r, "quote.r"),
            vs: try bytes32(vs, "quote.vs")
        )
    }
}

extension ProtoReceipt {
    /// The message for a receipt.
    public init(_ signed: SignedReceipt) {
        self.init()
        session = Data(signed.receipt.session.bytes)
        sequence = signed.receipt.seq
        request = Data(signed.receipt.request.bytes)
        response = Data(signed.receipt.response.bytes)
        inputTokens = signed.receipt.inputTokens
        outputTokens = signed.receipt.outputTokens
        cost = signed.receipt.cost.count
        amount = signed.receipt.amount.count
        finishedAt = signed.receipt.finishedAt
        r = Data(signed.r.bytes)
        vs = Data(signed.vs.bytes)
    }

    /// The receipt of a node to a key under a quote.
    public func signedReceipt(node: NodeID, key: KeyID, quote: Bytes32) throws(MessageError) -> SignedReceipt {
        SignedReceipt(
            receipt: Receipt(
                session: try bytes32(session, "receipt.session"),
                seq: sequence,
                node: node,
                key: key,
                request: try bytes32(request, "receipt.request"),
                response: try bytes32(response, "receipt.response"),
                quote: quote,
                inputTokens: inputTokens,
                outputTokens: outputTokens,
                cost: Nano(cost),
                amount: Nano(amount),
                finishedAt: finishedAt
            ),
            r: try bytes32(r, "receipt.r"),
            vs: try bytes32(vs, "receipt.vs")
        )
    }
}

/// Reads a field of exactly 32 bytes.
func bytes32(_ data: Data, _ field: String) throws(MessageError) -> Bytes32 {
    guard let value = Bytes32([UInt8](data)) else { throw .badField(field) }
    return value
}
