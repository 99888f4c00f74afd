import LatticaCore
import NIOCore

/// Makes two peers that share a raw link agree on security and then on how to multiplex (libp2p specs, connections).
///
/// With Noise four steps: agree on `/noise`, the Noise handshake, agree on `/yamux/1.0.0` inside it, done. The dialer
/// sends each step as early as it can, so that the whole takes two round trips. With TLS the link itself is secured
/// between the steps, by whoever runs the upgrade; its handshake may agree on the muxer too.
struct ConnectionUpgrade {
    /// A connection ready for yamux.
    struct Upgraded {
        /// Encrypts and decrypts; `nil` when the link does.
        var transport: NoiseTransport?
        var remotePeer: PeerID
        /// Decrypted bytes that came behind the upgrade and belong to yamux.
        var rest: ByteBuffer
    }

    private enum Stage {
        /// The handshake of Noise has begun when its first message travels with the proposal.
        case agreeingOnSecurity(MultistreamNegotiation, NoiseHandshake?)
        case securing(NoiseHandshake)
        case securingLink
        case agreeingOnMuxer(MultistreamNegotiation, NoiseTransport?, PeerID, plaintext: ByteBuffer)
    }

    static let muxer: ProtocolID = "/yamux/1.0.0"

    private let role: YamuxSession.Role
    private let keypair: Keypair
    let expectedPeer: PeerID?
    private let security: [SecurityProtocol]
    private var stage: Stage

    /// What secures the connection, once both sides have agreed on it.
    private(set) var agreedSecurity: SecurityProtocol?

    /// - Parameters:
    ///   - expectedPeer: the peer that a dialer wants to reach; `nil` takes any.
    ///   - security: what is offered, the preferred first.
    init(
        role: YamuxSession.Role,
        keypair: Keypair,
        expectedPeer: PeerID? = nil,
        security: [SecurityProtocol] = [.noise]
    ) throws(ConnectionError) {
        self.role = role
        self.keypair = keypair
        self.expectedPeer = expectedPeer
        self.security = security
        let offer = security.map(\.protocolID)
        stage = .agreeingOnSecurity(
            role == .dialer
                ? MultistreamNegotiation(proposing: offer) : MultistreamNegotiation(answering: Set(offer)),
            nil
        )
    }

    /// Both sides have agreed on TLS: the link is to be secured with the bytes that are left, and
    /// ``linkSecured(by:isMuxerAgreed:reply:)`` told.
    var awaitsSecuredLink: Bool {
        if case .securingLink = stage { true } else { false }
    }

    /// What a dialer sends first: its proposal and, where only Noise is left to propose, trusting that it is taken, the
    /// first message of Noise.
    mutating func openingFlight() throws(ConnectionError) -> ByteBuffer {
        guard role == .dialer, case .agreeingOnSecurity(let negotiation, _) = stage else { return ByteBuffer() }
        var flight = negotiation.openingFlight()
        try hurry(negotiation, &flight)
        return flight
    }

    /// Takes bytes from the other side.
    ///
    /// - Parameter reply: what is to be sent is appended here, also before an error is thrown.
    /// - Returns: the connection once it is ready, `nil` while bytes are missing or the link is to be secured.
    mutating func receive(_ input: inout ByteBuffer, reply: inout ByteBuffer) throws(ConnectionError) -> Upgraded? {
        if case .agreeingOnSecurity(var negotiation, let handshake) = stage {
            let outcome = try negotiate(&negotiation, &input, reply: &reply)
            stage = .agreeingOnSecurity(negotiation, handshake)
            switch outcome {
            case .pending:
                try hurry(negotiation, &reply)
                return nil
            case .refused:
                throw .notSupported(security.map(\.protocolID.name).joined(separator: ", "))
            case .agreed(let id):
                agreedSecurity = SecurityProtocol(id)
                if agreedSecurity == .tls { stage = .securingLink } else { try beginNoise(handshake, &reply) }
            }
        }
        if case .securing(var handshake) = stage {
            let secured: NoiseHandshake.Secured?
            do { secured = try handshake.receive(&input, reply: &reply) } catch { throw .noise(error) }
            stage = .securing(handshake)
            guard let secured else { return nil }
            try beginMuxer(secured.remotePeer, secured.transport, reply: &reply)
        }
        return try agreeOnMuxer(&input, reply: &reply)
    }

    /// The link has been secured, and has proven who is at the other end.
    ///
    /// - Returns: the connection, if the handshake has agreed on the muxer too.
    mutating func linkSecured(
        by peer: PeerID,
        isMuxerAgreed: Bool,
        reply: inout ByteBuffer
    ) throws(ConnectionError) -> Upgraded? {
        if isMuxerAgreed { return Upgraded(transport: nil, remotePeer: peer, rest: ByteBuffer()) }
        try beginMuxer(peer, nil, reply: &reply)
        return nil
    }

    // MARK: - Noise

    /// Sends the first message of Noise behind the proposal when nothing else is left to propose.
    ///
    /// If the peer refuses, nothing is lost: the connection could not be made anyway.
    private mutating func hurry(_ negotiation: MultistreamNegotiation, _ flight: inout ByteBuffer)
        throws(ConnectionError)
    {
        guard role == .dialer, negotiation.lastProposal == SecurityProtocol.noise.protocolID,
            case .agreeingOnSecurity(_, nil) = stage
        else { return }
        let handshake = try openNoise(&flight)
        stage = .agreeingOnSecurity(negotiation, handshake)
    }

    private mutating func beginNoise(_ begun: NoiseHandshake?, _ reply: inout ByteBuffer) throws(ConnectionError) {
        if let begun {
            stage = .securing(begun)
        } else {
            stage = .securing(try openNoise(&reply))
        }
    }

    private func openNoise(_ flight: inout ByteBuffer) throws(ConnectionError) -> NoiseHandshake {
        do {
            var handshake = try NoiseHandshake(
                role: role == .dialer ? .initiator : .responder,
                keypair: keypair,
                expectedPeer: expectedPeer
            )
            if role == .dialer { flight.writeImmutableBuffer(try handshake.openingFlight()) }
            return handshake
        } catch {
            throw .noise(error)
        }
    }

    // MARK: - The muxer

    private mutating func beginMuxer(
        _ peer: PeerID,
        _ transport: NoiseTransport?,
        reply: inout ByteBuffer
    ) throws(ConnectionError) {
        let negotiation =
            role == .dialer
            ? MultistreamNegotiation(proposing: [Self.muxer]) : MultistreamNegotiation(answering: [Self.muxer])
        var transport = transport
        var flight = negotiation.openingFlight()
        try Self.seal(&flight, with: &transport, into: &reply)
        stage = .agreeingOnMuxer(negotiation, transport, peer, plaintext: ByteBuffer())
    }

    private mutating func agreeOnMuxer(
        _ input: inout ByteBuffer,
        reply: inout ByteBuffer
    ) throws(ConnectionError) -> Upgraded? {
        guard case .agreeingOnMuxer(var negotiation, var transport, let peer, var plaintext) = stage else { return nil }
        if transport == nil {
            plaintext.writeBuffer(&input)
        } else {
            do { try transport?.open(&input, into: &plaintext) } catch { throw .noise(error) }
        }
        var answer = ByteBuffer()
        let outcome = Result { () throws(ConnectionError) in
            try negotiate(&negotiation, &plaintext, reply: &answer)
        }
        try Self.seal(&answer, with: &transport, into: &reply)
        stage = .agreeingOnMuxer(negotiation, transport, peer, plaintext: plaintext)
        switch try outcome.get() {
        case .pending: return nil
        case .agreed: return Upgraded(transport: transport, remotePeer: peer, rest: plaintext)
        case .refused: throw .notSupported(Self.muxer.name)
        }
    }

    private static func seal(
        _ plaintext: inout ByteBuffer,
        with transport: inout NoiseTransport?,
        into output: inout ByteBuffer
    ) throws(ConnectionError) {
        guard transport != nil else {
            output.writeBuffer(&plaintext)
            return
        }
        do { try transport?.seal(&plaintext, into: &output) } catch { throw .noise(error) }
    }

    private func negotiate(
        _ negotiation: inout MultistreamNegotiation,
        _ input: inout ByteBuffer,
        reply: inout ByteBuffer
    ) throws(ConnectionError) -> MultistreamNegotiation.Outcome {
        do { return try negotiation.receive(&input, reply: &reply) } catch { throw .multistream(error) }
    }
}
