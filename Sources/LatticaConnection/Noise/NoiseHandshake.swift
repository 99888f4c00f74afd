import Crypto
import LatticaCore
import NIOCore

/// The handshake of libp2p over Noise XX: besides the keys of the connection each side proves its identity
/// (libp2p specs, noise).
///
/// Early choice of the muxer is not offered: rust-libp2p as Lattica's other peers use it ignores it.
struct NoiseHandshake {
    /// What a finished handshake gives.
    struct Secured {
        var transport: NoiseTransport
        var remotePeer: PeerID
    }

    private var pattern: NoiseXX
    private let identity: [UInt8]
    private let expectedPeer: PeerID?
    private var remotePeer: PeerID?

    /// - Parameter expectedPeer: the peer that must be at the other end; `nil` takes any.
    init(
        role: NoiseXX.Role,
        keypair: Keypair,
        expectedPeer: PeerID? = nil
    ) throws(NoiseError) {
        let staticKey = Curve25519.KeyAgreement.PrivateKey()
        pattern = NoiseXX(role: role, staticKey: staticKey)
        identity = try NoiseIdentity.make(for: Array(staticKey.publicKey.rawRepresentation), signedBy: keypair)
        self.expectedPeer = expectedPeer
    }

    /// What an initiator sends first.
    mutating func openingFlight() throws(NoiseError) -> ByteBuffer {
        var flight = ByteBuffer()
        Self.frame(try pattern.write(payload: []), into: &flight)
        return flight
    }

    /// Takes messages of the handshake off the input; bytes behind the last stay there.
    ///
    /// - Returns: the secured connection once the handshake is complete, `nil` while bytes are missing.
    mutating func receive(_ input: inout ByteBuffer, reply: inout ByteBuffer) throws(NoiseError) -> Secured? {
        while !pattern.isComplete {
            guard let message = Self.unframe(&input) else { return nil }
            let payload = try pattern.read(message)
            if let remoteStatic = pattern.remoteStatic {
                let peer = try NoiseIdentity.verify(payload, of: Array(remoteStatic.rawRepresentation))
                if let expectedPeer, expectedPeer != peer {
                    throw .wrongPeer(expected: expectedPeer.description, actual: peer.description)
                }
                remotePeer = peer
            }
            if pattern.isWriting {
                Self.frame(try pattern.write(payload: identity), into: &reply)
            }
        }
        guard let remotePeer else { throw .outOfOrder }
        let (sending, receiving) = pattern.split()
        return Secured(transport: NoiseTransport(sending: sending, receiving: receiving), remotePeer: remotePeer)
    }

    private static func frame(_ message: [UInt8], into output: inout ByteBuffer) {
        output.writeInteger(UInt16(clamping: message.count))
        output.writeBytes(message)
    }

    private static func unframe(_ input: inout ByteBuffer) -> [UInt8]? {
        guard let length = input.getInteger(at: input.readerIndex, as: UInt16.self).map(Int.init),
            let message = input.getBytes(at: input.readerIndex + 2, length: length)
        else { return nil }
        input.moveReaderIndex(forwardBy: 2 + length)
        return message
    }
}
