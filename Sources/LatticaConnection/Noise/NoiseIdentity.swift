import LatticaCore

/// The message by which a side proves its identity inside the handshake: its public key, and its signature over the
/// static key of this connection (libp2p specs, noise, "The libp2p Handshake Payload").
enum NoiseIdentity {
    private static let signedPrefix = Array("noise-libp2p-static-key:".utf8)

    /// - Parameter staticKey: this side's key in the handshake.
    static func make(for staticKey: [UInt8], signedBy keypair: Keypair) throws(NoiseError) -> [UInt8] {
        let signature: [UInt8]
        do { signature = try keypair.sign(signedPrefix + staticKey) } catch { throw .cannotSign }
        var writer = ProtobufWriter()
        writer.bytes(keypair.publicKey.protobuf, field: 1)
        writer.bytes(signature, field: 2)
        return writer.bytes
    }

    /// Checks the other side's message; extensions in it are passed over.
    ///
    /// - Parameter staticKey: the key that the other side used in the handshake.
    /// - Returns: the peer that the message proves.
    static func verify(_ message: [UInt8], of staticKey: [UInt8]) throws(NoiseError) -> PeerID {
        var key: PublicKey?
        var signature: [UInt8]?
        var reader = ProtobufReader(message)
        do {
            while let field = try reader.next() {
                switch field.number {
                case 1: key = try PublicKey(protobuf: field.slice())
                case 2: signature = try field.bytes()
                default: break
                }
            }
        } catch {
            throw .malformedIdentity
        }
        guard let key, let signature else { throw .malformedIdentity }
        guard key.isValidSignature(signature, for: signedPrefix + staticKey) else { throw .invalidSignature }
        return PeerID(publicKey: key)
    }
}
