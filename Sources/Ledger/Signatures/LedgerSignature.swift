/// A signature over a message by a key of either curve, in the four words of an entry of `settle`.
///
/// With `x` zero it is secp256k1 and `s` is the `vs` of EIP-2098; otherwise it is P-256 by the key at (x, y) (ledger
/// specification, §5.2 "settle").
public struct LedgerSignature: Hashable, Sendable, Codable {
    /// The first half of the signature.
    public let r: Bytes32

    /// The second half; for secp256k1 its top bit is the parity.
    public let s: Bytes32

    /// The first coordinate of the P-256 key, or zero for secp256k1.
    public let x: Bytes32

    /// The second coordinate of the P-256 key; without meaning for secp256k1.
    public let y: Bytes32

    /// Takes the four words as they come.
    public init(r: Bytes32, s: Bytes32, x: Bytes32, y: Bytes32) {
        self.r = r
        self.s = s
        self.x = x
        self.y = y
    }

    /// A secp256k1 signature in the 64 bytes of EIP-2098.
    public init(r: Bytes32, vs: Bytes32) {
        self.init(r: r, s: vs, x: .zero, y: .zero)
    }

    /// A P-256 signature by the key at `point`.
    public init(_ signature: P256Signature, by point: P256Point) {
        self.init(r: signature.r, s: signature.s, x: point.x, y: point.y)
    }

    /// The curve that the signature claims.
    public var kind: KeyKind { x == .zero ? .secp256k1 : .p256 }

    /// The key that signed `message` for the ledger of `domain`, or `nil` when the signature is not valid.
    ///
    /// Costs a recovery (secp256k1) or a verification (P-256), about 40 µs of a server's core.
    public func recoverKeyID(of message: some TypedMessage, in domain: TypedDomain) -> KeyID? {
        switch kind {
        case .secp256k1:
            return Secp256k1.recover(digest: message.keccakDigest(in: domain), r: r, vs: s)
                .map { KeyID(secp256k1: $0) }
        case .p256:
            let point = P256Point(x: x, y: y)
            let isValid = P256Signature(r: r, s: s).isValid(for: message.signingBytes(in: domain), by: point)
            return isValid ? point.keyID : nil
        }
    }
}

/// The key that signed a voucher, or `nil` when the signature is not valid; its curve is `signature.kind`.
public func recoverKeyID(voucher: Voucher, signature: LedgerSignature, domain: TypedDomain) -> KeyID? {
    signature.recoverKeyID(of: voucher, in: domain)
}
