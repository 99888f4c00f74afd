public import LatticaCore
public import Multiformats

/// What a peer says of itself (libp2p specs, identify).
///
/// In a push, what is absent or empty has not changed.
public struct IdentifyMessage: Hashable, Sendable {
    /// The longest message taken, its length included; the peers of the network take no more either.
    public static let maximumByteCount: ByteCount = .kibibytes(4)

    /// The peer's key; `nil` if absent or of a kind that is not understood.
    ///
    /// The handshake has proven the key already.
    public var publicKey: PublicKey?
    /// Where the peer listens, the best first.
    ///
    /// Addresses that are not understood are left out on receipt.
    public var listenAddresses: [Multiaddr]
    /// What the peer speaks.
    public var protocols: [ProtocolID]
    /// Where the receiver of this message is seen by its sender.
    public var observedAddress: Multiaddr?
    /// The network that the peer belongs to; see ``ProtocolVersion``.
    public var protocolVersion: String?
    /// The peer's software.
    public var agentVersion: String?

    private enum Field {
        static let publicKey = 1
        static let listenAddress = 2
        static let protocolID = 3
        static let observedAddress = 4
        static let protocolVersion = 5
        static let agentVersion = 6
    }

    /// The longest version text taken or sent.
    private static let maximumVersionLength = 256

    /// Makes a message.
    public init(
        publicKey: PublicKey? = nil,
        listenAddresses: [Multiaddr] = [],
        protocols: [ProtocolID] = [],
        observedAddress: Multiaddr? = nil,
        protocolVersion: String? = nil,
        agentVersion: String? = nil
    ) {
        self.publicKey = publicKey
        self.listenAddresses = listenAddresses
        self.protocols = protocols
        self.observedAddress = observedAddress
        self.protocolVersion = protocolVersion
        self.agentVersion = agentVersion
    }

    /// Reads a message without its length.
    public init(protobuf bytes: some Collection<UInt8>) throws(IdentifyError) {
        self.init()
        guard bytes.count <= Self.maximumByteCount.bytes else { throw .tooLong(limit: Self.maximumByteCount) }
        var reader = ProtobufReader(Array(bytes))
        do throws(ProtobufError) {
            while let field = try reader.next() {
                switch field.number {
                case Field.publicKey: publicKey = try? PublicKey(protobuf: try field.slice())
                case Field.listenAddress:
                    if let address = try? Multiaddr(bytes: try field.slice()) { listenAddresses.append(address) }
                case Field.protocolID: protocols.append(ProtocolID(try field.text()))
                case Field.observedAddress: observedAddress = try? Multiaddr(bytes: try field.slice())
                case Field.protocolVersion: protocolVersion = try Self.version(field)
                case Field.agentVersion: agentVersion = try Self.version(field)
                default: break
                }
            }
        } catch {
            throw .malformed(error)
        }
    }

    private static func version(_ field: ProtobufField) throws(ProtobufError) -> String {
        let text = try field.text()
        guard text.utf8.count <= maximumVersionLength else { throw .tooMany(field: field.number) }
        return text
    }

    /// The message, of such a length that with its prefix it has at most ``maximumByteCount``.
    ///
    /// The other fields go first; then as many addresses as there is room for, so that of many the best are told.
    public var protobuf: [UInt8] {
        var writer = ProtobufWriter()
        if let publicKey { writer.bytes(publicKey.protobuf, field: Field.publicKey) }
        if let protocolVersion { writer.text(protocolVersion, field: Field.protocolVersion) }
        if let agentVersion { writer.text(agentVersion, field: Field.agentVersion) }
        if let observedAddress { writer.bytes(observedAddress.bytes, field: Field.observedAddress) }
        // Two bytes hold the length of up to 16383.
        let limit = Self.maximumByteCount.bytes - 2
        func add(_ bytes: [UInt8], field: Int) -> Bool {
            var longer = writer
            longer.bytes(bytes, field: field)
            guard longer.bytes.count <= limit else { return false }
            writer = longer
            return true
        }
        for id in protocols where !add(Array(id.name.utf8), field: Field.protocolID) { break }
        for address in listenAddresses where !add(address.bytes, field: Field.listenAddress) { break }
        return writer.bytes
    }

    /// This message with what a push says put over it.
    public func updated(by push: IdentifyMessage) -> IdentifyMessage {
        IdentifyMessage(
            publicKey: push.publicKey ?? publicKey,
            listenAddresses: push.listenAddresses.isEmpty ? listenAddresses : push.listenAddresses,
            protocols: push.protocols.isEmpty ? protocols : push.protocols,
            observedAddress: push.observedAddress ?? observedAddress,
            protocolVersion: push.protocolVersion ?? protocolVersion,
            agentVersion: push.agentVersion ?? agentVersion
        )
    }
}

/// Why a peer could not be identified.
public enum IdentifyError: Error, Hashable {
    /// No stream to the peer could be opened.
    case notReached(DialError)
    /// The stream ended.
    case stream(StreamError)
    /// The message is longer than such messages are.
    case tooLong(limit: ByteCount)
    /// The bytes are not such a message.
    case malformed(ProtobufError)
    /// The peer stopped in the middle of the message.
    case truncated
    /// The message speaks for another peer than the one that sent it.
    case wrongPeer
    /// The message did not arrive in time.
    case timedOut
}
