/// The signature of a root, in whichever form the root needs (ledger specification, §5.2 "Auth").
///
/// With `x` zero it is a wallet's: `r` and `s` are EIP-2098 and the two byte strings are without meaning. Otherwise it is
/// the assertion of the passkey at (x, y).
public struct Auth: Hashable, Sendable {
    /// The first half of the signature.
    public let r: Bytes32

    /// The second half; for a wallet its top bit is the parity.
    public let s: Bytes32

    /// The first coordinate of the passkey, or zero for a wallet.
    public let x: Bytes32

    /// The second coordinate of the passkey.
    public let y: Bytes32

    /// The passkey's authenticatorData; empty for a wallet.
    public let authenticatorData: [UInt8]

    /// The part of clientDataJSON behind the challenge; empty for a wallet.
    public let clientDataRest: [UInt8]

    /// Takes the fields as they come.
    public init(
        r: Bytes32,
        s: Bytes32,
        x: Bytes32,
        y: Bytes32,
        authenticatorData: [UInt8],
        clientDataRest: [UInt8]
    ) {
        self.r = r
        self.s = s
        self.x = x
        self.y = y
        self.authenticatorData = authenticatorData
        self.clientDataRest = clientDataRest
    }

    /// The signature of a wallet, in the 64 bytes of EIP-2098.
    public init(r: Bytes32, vs: Bytes32) {
        self.init(r: r, s: vs, x: .zero, y: .zero, authenticatorData: [], clientDataRest: [])
    }

    /// The assertion of the passkey at `point`.
    public init(_ assertion: WebAuthnAssertion, by point: P256Point) {
        self.init(
            r: assertion.signature.r,
            s: assertion.signature.s,
            x: point.x,
            y: point.y,
            authenticatorData: assertion.authenticatorData,
            clientDataRest: assertion.clientDataRest
        )
    }

    /// The curve that the signature claims.
    public var kind: KeyKind { x == .zero ? .secp256k1 : .p256 }

    /// The id of the passkey that the signature claims, before any check; `nil` for a wallet.
    ///
    /// With it the hash of the relying party id is looked up.
    public var claimedPasskey: KeyID? {
        kind == .p256 ? KeyID(p256x: x, y: y) : nil
    }

    /// The root that signed `message` for the ledger of `domain`, or `nil` when the signature is not valid.
    ///
    /// - Parameter rpIDHash: what the ledger holds for `claimedPasskey`; `nil` refuses every passkey.
    public func recoverRoot(of message: some TypedMessage, in domain: TypedDomain, rpIDHash: Bytes32?) -> KeyID? {
        let digest = message.keccakDigest(in: domain)
        switch kind {
        case .secp256k1:
            return Secp256k1.recover(digest: digest, r: r, vs: s).map { KeyID(secp256k1: $0) }
        case .p256:
            guard let rpIDHash else { return nil }
            let assertion = WebAuthnAssertion(
                authenticatorData: authenticatorData,
                clientDataRest: clientDataRest,
                signature: P256Signature(r: r, s: s)
            )
            let point = P256Point(x: x, y: y)
            return assertion.isValid(challenge: digest, rpIDHash: rpIDHash, by: point) ? point.keyID : nil
        }
    }
}

extension Auth: Codable {
    private enum CodingKeys: String, CodingKey {
        case r
        case s
        case x
        case y
        case authenticatorData
        case clientDataRest
    }

    /// Reads the fields, the byte strings as hexadecimal digits.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func bytes(_ key: CodingKeys) throws -> [UInt8] {
            guard let bytes = Hex.decode(try container.decode(String.self, forKey: key)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: key,
                    in: container,
                    debugDescription: "expected 0x and hexadecimal digits"
                )
            }
            return bytes
        }
        self.init(
            r: try container.decode(Bytes32.self, forKey: .r),
            s: try container.decode(Bytes32.self, forKey: .s),
            x: try container.decode(Bytes32.self, forKey: .x),
            y: try container.decode(Bytes32.self, forKey: .y),
            authenticatorData: try bytes(.authenticatorData),
            clientDataRest: try bytes(.clientDataRest)
        )
    }

    /// Writes the fields, the byte strings as hexadecimal digits.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(r, forKey: .r)
        try container.encode(s, forKey: .s)
        try container.encode(x, forKey: .x)
        try container.encode(y, forKey: .y)
        try container.encode(Hex.encode(authenticatorData), forKey: .authenticatorData)
        try container.encode(Hex.encode(clientDataRest), forKey: .clientDataRest)
    }
}
