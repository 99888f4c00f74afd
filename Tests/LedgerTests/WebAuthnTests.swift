import Foundation
import Ledger
import Testing

@Suite struct `Passkey assertions` {
    @Test func `are valid with the user present and verified, and not otherwise`() throws {
        for vectors in try EthVectors.all() {
            for vector in vectors.webauthn {
                let assertion = try #require(parsed(vector))
                #expect(isValid(assertion, vector) == vector.flagsAcceptable)
            }
        }
    }

    @Test func `for another party, challenge or passkey are not valid`() throws {
        let vector = try good()
        let assertion = try #require(parsed(vector))
        let point = P256Point(x: vector.x, y: vector.y)
        #expect(!assertion.isValid(challenge: vector.challenge, rpIDHash: .zero, by: point))
        #expect(!assertion.isValid(challenge: .zero, rpIDHash: vector.rpIdHash, by: point))
        #expect(
            !assertion.isValid(
                challenge: vector.challenge,
                rpIDHash: vector.rpIdHash,
                by: P256Point(x: vector.y, y: vector.x)
            )
        )
    }

    @Test func `with a byte changed or missing are not valid`() throws {
        let vector = try good()
        let whole = try #require(parsed(vector))
        for index in whole.authenticatorData.indices {
            var changed = whole.authenticatorData
            changed[index] ^= 8
            #expect(!isValid(WebAuthnAssertion(changed, whole.clientDataRest, whole.signature), vector))
            let short = Array(whole.authenticatorData.prefix(index))
            #expect(!isValid(WebAuthnAssertion(short, whole.clientDataRest, whole.signature), vector))
        }
        for index in whole.clientDataRest.indices {
            var changed = whole.clientDataRest
            changed[index] ^= 8
            #expect(!isValid(WebAuthnAssertion(whole.authenticatorData, changed, whole.signature), vector))
            let short = Array(whole.clientDataRest.prefix(index))
            #expect(!isValid(WebAuthnAssertion(whole.authenticatorData, short, whole.signature), vector))
        }
    }

    @Test func `of a registration or without a challenge of 32 bytes are not taken`() throws {
        let vector = try good()
        let json = vector.clientDataJSON
        let others = [
            json.replacingOccurrences(of: "webauthn.get", with: "webauthn.create"),
            json.replacingOccurrences(of: #"","origin"#, with: #"A","origin"#),
            " " + json, "", "{}",
        ]
        for other in others {
            #expect(
                WebAuthnAssertion(
                    authenticatorData: vector.authenticatorData.bytes,
                    clientDataJSON: Array(other.utf8),
                    signature: P256Signature(r: vector.r, s: vector.s)
                ) == nil
            )
        }
        for count in 0..<80 {
            #expect(
                WebAuthnAssertion(
                    authenticatorData: [],
                    clientDataJSON: Array(json.utf8.prefix(count)),
                    signature: P256Signature(r: vector.r, s: vector.s)
                ) == nil
            )
        }
    }

    @Test func `larger than the limit are not looked at`() throws {
        let device = P256SessionKey()
        let rpIDHash = Bytes32(sha256: Array("lattice.example".utf8))
        let challenge = Bytes32(number: 7)
        for (extra, isTaken) in [(0, true), (WebAuthnAssertion.limit, false)] {
            let assertion = try device.assertion(challenge, rpIDHash, padding: extra)
            #expect(assertion.isValid(challenge: challenge, rpIDHash: rpIDHash, by: device.point) == isTaken)
        }
    }

    @Test func `come with signatures in DER`() throws {
        let vector = try good()
        let signature = P256Signature(r: vector.r, s: vector.s)
        let der = try #require(
            Hex.decode("0x3045022100" + vector.r.description.dropFirst(2) + "0220" + vector.s.description.dropFirst(2))
        )
        #expect(P256Signature(derRepresentation: der) == signature)
        for count in 0..<der.count { #expect(P256Signature(derRepresentation: Array(der.prefix(count))) == nil) }
    }

    @Test func `prove a passkey root, and wallets prove theirs`() throws {
        let domain = TypedDomain.local(clusterPublicKey: [1])
        let rpIDHash = Bytes32(sha256: Array("lattice.example".utf8))
        let message = BumpGeneration(user: UserID(4), nonce: 2)
        let device = P256SessionKey()
        let digest = message.keccakDigest(in: domain)
        let passkey = Auth(try device.assertion(digest, rpIDHash), by: device.point)
        #expect(passkey.claimedPasskey == device.keyID)
        #expect(passkey.recoverRoot(of: message, in: domain, rpIDHash: rpIDHash) == device.keyID)
        #expect(passkey.recoverRoot(of: message, in: domain, rpIDHash: nil) == nil)
        #expect(passkey.recoverRoot(of: message, in: domain, rpIDHash: digest) == nil)
        let next = BumpGeneration(user: UserID(4), nonce: 3)
        #expect(passkey.recoverRoot(of: next, in: domain, rpIDHash: rpIDHash) == nil)

        // A session key's signature is not an assertion, so that a key can never act as a root.
        let bare = try device.sign(message, in: domain)
        let posing = Auth(
            r: bare.r,
            s: bare.s,
            x: bare.x,
            y: bare.y,
            authenticatorData: rpIDHash.bytes + [5, 0, 0, 0, 0],
            clientDataRest: []
        )
        #expect(posing.recoverRoot(of: message, in: domain, rpIDHash: rpIDHash) == nil)

        let wallet = Secp256k1Key()
        let (r, vs) = try wallet.sign(digest: digest)
        let auth = Auth(r: r, vs: vs)
        #expect(auth.claimedPasskey == nil)
        #expect(auth.recoverRoot(of: message, in: domain, rpIDHash: nil) == wallet.keyID)
        #expect(auth.recoverRoot(of: next, in: domain, rpIDHash: nil) != wallet.keyID)

        for auth in [passkey, auth] {
            #expect(try JSONDecoder().decode(Auth.self, from: JSONEncoder().encode(auth)) == auth)
        }
    }

    private func good() throws -> EthVectors.Assertion {
        try #require(try EthVectors.copy.get().webauthn.first { $0.flagsAcceptable })
    }

    private func parsed(_ vector: EthVectors.Assertion) -> WebAuthnAssertion? {
        WebAuthnAssertion(
            authenticatorData: vector.authenticatorData.bytes,
            clientDataJSON: Array(vector.clientDataJSON.utf8),
            signature: P256Signature(r: vector.r, s: vector.s)
        )
    }

    private func isValid(_ assertion: WebAuthnAssertion, _ vector: EthVectors.Assertion) -> Bool {
        let point = P256Point(x: vector.x, y: vector.y)
        return assertion.isValid(challenge: vector.challenge, rpIDHash: vector.rpIdHash, by: point)
    }
}

extension WebAuthnAssertion {
    fileprivate init(_ authenticatorData: [UInt8], _ clientDataRest: [UInt8], _ signature: P256Signature) {
        self.init(authenticatorData: authenticatorData, clientDataRest: clientDataRest, signature: signature)
    }
}

extension P256SessionKey {
    /// What an authenticator with this key answers to `challenge`.
    func assertion(_ challenge: Bytes32, _ rpIDHash: Bytes32, padding: Int = 0) throws -> WebAuthnAssertion {
        let text = Data(challenge.bytes).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
        let spaces = String(repeating: " ", count: padding)
        let json = Array(
            #"{"type":"webauthn.get","challenge":"\#(text)","origin":"https://lattice.example"\#(spaces)}"#.utf8
        )
        let data = rpIDHash.bytes + [5, 0, 0, 0, 9]
        let signature = try sign(data + Bytes32(sha256: json).bytes)
        return try #require(
            WebAuthnAssertion(authenticatorData: data, clientDataJSON: json, signature: signature)
        )
    }
}
