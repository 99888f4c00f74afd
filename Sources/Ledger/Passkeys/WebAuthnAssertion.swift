/// A passkey's signature over a challenge (WebAuthn level 3, §7.2; ledger specification, §3).
public struct WebAuthnAssertion: Hashable, Sendable {
    /// The most bytes of `authenticatorData` and of `clientDataRest` that are looked at.
    ///
    /// An assertion without extensions has 37 and about 60; the bound keeps a stranger from having megabytes hashed.
    public static let limit = 1024

    /// The bytes up to and with the count of signatures: hash of the relying party id, flags, counter.
    static let authenticatorDataMinimum = 37

    private static let userPresent: UInt8 = 1
    private static let userVerified: UInt8 = 4
    private static let prefix = Array(#"{"type":"webauthn.get","challenge":""#.utf8)
    /// Base64url of 32 bytes without padding.
    private static let challengeLength = 43

    /// What the authenticator says of itself, as it gave it.
    public let authenticatorData: [UInt8]

    /// The part of clientDataJSON behind the quote that closes the challenge.
    public let clientDataRest: [UInt8]

    /// The signature over `authenticatorData | sha256(clientDataJSON)`.
    public let signature: P256Signature

    /// Makes an assertion from the parts that a ledger is given.
    public init(authenticatorData: [UInt8], clientDataRest: [UInt8], signature: P256Signature) {
        self.authenticatorData = authenticatorData
        self.clientDataRest = clientDataRest
        self.signature = signature
    }

    /// Makes an assertion from what a browser returns.
    ///
    /// - Returns: `nil` when clientDataJSON does not begin as that of an assertion over a challenge of 32 bytes.
    public init?(authenticatorData: [UInt8], clientDataJSON: [UInt8], signature: P256Signature) {
        let head = Self.prefix.count + Self.challengeLength
        guard clientDataJSON.count > head, clientDataJSON.starts(with: Self.prefix),
            clientDataJSON[head] == UInt8(ascii: "\"")
        else { return nil }
        self.init(
            authenticatorData: authenticatorData,
            clientDataRest: Array(clientDataJSON[(head + 1)...]),
            signature: signature
        )
    }

    /// Whether the passkey at `point` signed `challenge` for the relying party, with its user present and verified.
    public func isValid(challenge: Bytes32, rpIDHash: Bytes32, by point: P256Point) -> Bool {
        guard (Self.authenticatorDataMinimum...Self.limit).contains(authenticatorData.count),
            clientDataRest.count <= Self.limit,
            Bytes32(authenticatorData.span, at: 0) == rpIDHash
        else { return false }
        let required = Self.userPresent | Self.userVerified
        guard authenticatorData[32] & required == required else { return false }
        let clientDataJSON =
            Self.prefix + Self.base64URL(challenge.bytes) + [UInt8(ascii: "\"")] + clientDataRest
        return signature.isValid(for: authenticatorData + Bytes32(sha256: clientDataJSON).bytes, by: point)
    }

    /// Base64 with `-` and `_`, without padding (RFC 4648, §5).
    private static func base64URL(_ bytes: [UInt8]) -> [UInt8] {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count)) & 63])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count)) & 63]) }
        return text
    }
}
