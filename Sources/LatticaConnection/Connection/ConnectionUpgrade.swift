import LatticaCore
import NIOCore

/// Makes of fresh bytes a secured connection that both sides will multiplex with yamux (libp2p specs, connections).
///
/// Four steps: agree on `/noise`, the Noise handshake, agree on `/yamux/1.0.0` inside it, done. The dialer sends each
/// step as early as it can, so that the whole takes two round trips.
struct ConnectionUpgrade {
    /// A connection ready for yamux.
    struct Upgraded {
        var transport: NoiseTransport
        var remotePeer: PeerID
        /// Decrypted bytes that came behind the upgrade and belong to yamux.
        var rest: ByteBuffer
    }

    private enum Stage {
        case agreeingOnSecurity(MultistreamNegotiation, NoiseHandshake)
        case securing(NoiseHandshake)
        case agreeingOnMuxer(MultistreamNegotiation, NoiseTransport, PeerID, plaintext: ByteBuffer)
    }

    static let security: ProtocolID = "/noise"
    static let muxer: ProtocolID = "/yamux/1.0.0"

    private let role: YamuxSession.Role
    private var stage: Stage

    /// - Parameter expectedPeer: the peer that a dialer wants to reach; `nil` takes any.
    init(role: YamuxSession.Role, keypair: Keypair, expectedPeer: PeerID? = nil) throws(ConnectionError) {
        self.role = role
        do {
            let handshake = try NoiseHandshake(
                role: role == .dialer ? .initiator : .responder,
                keypair: keypair,
                expectedPeer: expectedPeer
            )
            stage = .agreeingOnSecurity(Self.negotiation(on: Self.security, role: role), handshake)
        } catch {
            throw .noise(error)
        }
    }

    /// What a dialer sends first: its proposal and, trusting that it is taken, the first message of Noise.
    mutating func openingFlight() throws(ConnectionError) -> ByteBuffer {
        guard role == .dialer, case .agreeingOnSecurity(let negotiation, var handshake) = stage else {
            return ByteBuffer()
        }
        var flight = negotiation.openingFlight()
        do {
            var message = try handshake.openingFlight()
            flight.writeBuffer(&message)
        } catch {
            throw .noise(error)
        }
        stage = .agreeingOnSecurity(negotiation, handshake)
        return flight
    }

    /// Takes bytes from the other side.
    ///
    /// - Parameter reply: what is to be sent is appended here, also before an error is thrown.
    /// - Returns: the connection once it is ready, `nil` while bytes are missing.
    mutating func receive(
        _ input: inout ByteBuffer,
        reply: inout ByteBuffer
    ) throws(ConnectionError) -> Upgraded? {
        do {
            if case .agreeingOnSecurity(var negotiation, let handshake) = stage {
                let outcome = try negotiation.receive(&input, reply: &reply)
                stage = .agreeingOnSecurity(negotiation, handshake)
                guard try Self.isAgreed(outcome, on: Self.security) else { return nil }
                stage = .securing(handshake)
            }
            if case .securing(var handshake) = stage {
                let secured = try handshake.receive(&input, reply: &reply)
                stage = .securing(handshake)
                guard let secured else { return nil }
                try beginMuxer(secured, reply: &reply)
            }
            return try agreeOnMuxer(&input, reply: &reply)
        } catch let error as MultistreamError {
            throw .multistream(error)
        } catch let error as NoiseError {
            throw .noise(error)
        } catch let error as ConnectionError {
            throw error
        } catch {
            throw .transport(String(describing: error))
        }
    }

    private mutating func beginMuxer(_ secured: NoiseHandshake.Secured, reply: inout ByteBuffer) throws(NoiseError) {
        let negotiation = Self.negotiation(on: Self.muxer, role: role)
        var transport = secured.transport
        var flight = negotiation.openingFlight()
        try transport.seal(&flight, into: &reply)
        stage = .agreeingOnMuxer(negotiation, transport, secured.remotePeer, plaintext: ByteBuffer())
    }

    private mutating func agreeOnMuxer(_ input: inout ByteBuffer, reply: inout ByteBuffer) throws -> Upgraded? {
        guard case .agreeingOnMuxer(var negotiation, var transport, let peer, var plaintext) = stage else { return nil }
        try transport.open(&input, into: &plaintext)
        var answer = ByteBuffer()
        defer { stage = .agreeingOnMuxer(negotiation, transport, peer, plaintext: plaintext) }
        let outcome = Result { () throws(MultistreamError) in try negotiation.receive(&plaintext, reply: &answer) }
        try transport.seal(&answer, into: &reply)
        guard try Self.isAgreed(outcome.get(), on: Self.muxer) else { return nil }
        return Upgraded(transport: transport, remotePeer: peer, rest: plaintext)
    }

    private static func negotiation(on id: ProtocolID, role: YamuxSession.Role) -> MultistreamNegotiation {
        role == .dialer ? MultistreamNegotiation(proposing: [id]) : MultistreamNegotiation(answering: [id])
    }

    private static func isAgreed(
        _ outcome: MultistreamNegotiation.Outcome,
        on id: ProtocolID
    ) throws(ConnectionError) -> Bool {
        switch outcome {
        case .pending: return false
        case .agreed: return true
        case .refused: throw .notSupported(id.name)
        }
    }
}
