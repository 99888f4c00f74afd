import Crypto

/// A point of P-256 in affine coordinates, not checked to be on the curve until it is used.
public struct P256Point: Hashable, Sendable, Codable {
    /// The first coordinate.
    public let x: Bytes32

    /// The second coordinate.
    public let y: Bytes32

    /// Makes a point from its coordinates.
    public init(x: Bytes32, y: Bytes32) {
        self.x = x
        self.y = y
    }

    /// The id of the key at this point.
    public var keyID: KeyID { KeyID(p256x: x, y: y) }

    /// Whether the coordinates are below the prime of the field and the point is on the curve.
    public var isOnCurve: Bool { publicKey != nil }

    var publicKey: P256.Signing.PublicKey? {
        var bytes = x.bytes
        y.append(to: &bytes)
        return try? P256.Signing.PublicKey(rawRepresentation: bytes)
    }
}

/// An ECDSA signature over P-256; `s` is not normalised (ledger specification, §3).
public struct P256Signature: Hashable, Sendable, Codable {
    /// The first half.
    public let r: Bytes32

    /// The second half.
    public let s: Bytes32

    /// Makes a signature from its halves.
    public init(r: Bytes32, s: Bytes32) {
        self.r = r
        self.s = s
    }

    /// Reads the DER form that authenticators and WebCrypto's older kin give; `nil` when it is not one.
    public init?(derRepresentation: [UInt8]) {
        guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: derRepresentation) else { return nil }
        self.init(signature)
    }

    init(_ signature: P256.Signing.ECDSASignature) {
        let raw = Array(signature.rawRepresentation)
        r = Bytes32(raw.span, at: 0)
        s = Bytes32(raw.span, at: 32)
    }

    /// Whether the key at `point` signed SHA-256 of `bytes`.
    ///
    /// False when the point is not on the curve or a half is zero or not below the order.
    public func isValid(for bytes: [UInt8], by point: P256Point) -> Bool {
        guard let key = point.publicKey else { return false }
        var raw = r.bytes
        s.append(to: &raw)
        guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: raw) else { return false }
        return key.isValidSignature(signature, for: bytes)
    }
}
