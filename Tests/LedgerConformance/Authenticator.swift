import Crypto
import Foundation
import Ledger

/// A passkey on a device, as far as a ledger sees it.
struct Authenticator: Sendable {
    let key = P256SessionKey()
    var relyingParty = "lattice.example"
    var flags: UInt8 = 0x05
    var type = "webauthn.get"
    var changesChallenge = false

    var root: KeyID { key.keyID }
    var rpIDHash: Bytes32 { Bytes32(sha256: Array(relyingParty.utf8)) }

    func sign(_ message: some TypedMessage, in domain: TypedDomain) throws -> Auth {
        var challenge = message.keccakDigest(in: domain).bytes
        if changesChallenge { challenge[0] ^= 1 }
        let text = Data(challenge).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        let rest = #","origin":"https://\#(relyingParty)"}"#
        let clientData = #"{"type":"\#(type)","challenge":"\#(text)""# + rest
        let data = rpIDHash.bytes + [flags, 0, 0, 0, 1]
        let signature = try key.sign(data + Bytes32(sha256: Array(clientData.utf8)).bytes)
        return Auth(
            r: signature.r,
            s: signature.s,
            x: key.point.x,
            y: key.point.y,
            authenticatorData: data,
            clientDataRest: Array(rest.utf8)
        )
    }

    func registration(in domain: TypedDomain) throws -> Command {
        let message = RegisterPasskey(x: key.point.x, y: key.point.y, rpIDHash: rpIDHash)
        return .registerPasskey(message, assertion: try sign(message, in: domain))
    }
}
