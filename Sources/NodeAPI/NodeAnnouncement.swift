internal import Foundation
public import LatticaCore
public import Ledger
public import Multiformats
internal import SwiftProtobuf

/// What a node says of itself, proven by its peer key.
///
/// Records merge: of two with the same peer the one with the higher sequence holds.
public struct NodeAnnouncement: Hashable, Sendable {
    /// A model and what it costs.
    public struct ModelOffer: Hashable, Sendable {
        /// The name that callers ask for.
        public var name: String
        /// The hash over the model file.
        public var fingerprint: Bytes32
        /// The longest prompt and answer together, in tokens.
        public var contextLength: Int
        /// Nano per million tokens.
        public var price: TokenPrice
        /// The program that answers; empty where the node does not say.
        public var engine: String
        /// What the engine can do.
        public var capabilities: ModelCapabilities
        /// The dimensions of its vectors, where it turns texts into vectors; else 0.
        public var dimensions: Int

        /// Makes an offer.
        public init(
            name: String,
            fingerprint: Bytes32,
            contextLength: Int,
            price: TokenPrice,
            engine: String = "",
            capabilities: ModelCapabilities = [],
            dimensions: Int = 0
        ) {
            self.name = name
            self.fingerprint = fingerprint
            self.contextLength = contextLength
            self.price = price
            self.engine = engine
            self.capabilities = capabilities
            self.dimensions = dimensions
        }
    }

    /// Unix milliseconds at which the record was made.
    public var sequence: UInt64
    /// The node's identity; must be the signer of the envelope.
    public var peer: PeerID
    /// Where it listens.
    public var addresses: [Multiaddr]
    /// Its number on the ledger.
    public var node: NodeID
    /// The address that signs its quotes and receipts.
    public var signer: Address
    /// The operator's name for it.
    public var name: String
    /// What it serves.
    public var models: [ModelOffer]
    /// Requests it answers at once.
    public var capacity: Int

    /// Keeps the envelope from being taken for anything else (libp2p signed envelope, RFC 0002).
    public static let envelopeDomain = "lattice-node-announcement"
    /// Names the content of the envelope.
    public static let payloadType = Array("/lattice/node-announcement".utf8)
    /// A record with more bytes is refused before it is decoded.
    public static let byteLimit = 16 * 1024
    /// Models, addresses and bytes of a name beyond these are refused.
    public static let limits = (models: 64, addresses: 32, name: 64, modelName: 128, engine: 32, dimensions: 8192)

    /// Makes a record.
    public init(
        sequence: UInt64,
        peer: PeerID,
        addresses: [Multiaddr],
        node: NodeID,
        signer: Address,
        name: String,
        models: [ModelOffer],
        capacity: Int
    ) {
        self.sequence = sequence
        self.peer = peer
        self.addresses = addresses
        self.node = node
        self.signer = signer
        self.name = name
        self.models = models
        self.capacity = capacity
    }

    /// The envelope that travels.
    public func sealed(with keypair: Keypair) throws -> [UInt8] {
        try SignedEnvelope.seal(
            payload: encoded(),
            payloadType: Self.payloadType,
            domain: Self.envelopeDomain,
            with: keypair
        ).protobuf
    }

    /// Opens an envelope and checks that the node speaks for itself.
    public init(envelope bytes: [UInt8]) throws(MessageError) {
        guard bytes.count <= Self.byteLimit else { throw .badField("envelope: \(bytes.count) bytes") }
        let signer: PeerID
        let payload: [UInt8]
        do {
            let envelope = try SignedEnvelope(protobuf: bytes)
            (signer, payload) = try envelope.open(domain: Self.envelopeDomain, payloadType: Self.payloadType)
        } catch {
            throw .undecodable("envelope: \(error)")
        }
        try self.init(payload: payload)
        guard peer == signer else { throw .badField("peer: the record speaks for another peer than its signer") }
    }

    private func encoded() throws -> [UInt8] {
        var proto = ProtoNodeAnnouncement()
        proto.sequence = sequence
        proto.peer = Data(peer.bytes)
        proto.addresses = addresses.map { Data($0.bytes) }
        proto.node = node.number
        proto.signer = Data(signer.bytes)
        proto.name = name
        proto.capacity = UInt32(clamping: capacity)
        proto.models = models.map { model in
            var offer = ProtoModelOffer()
            offer.name = model.name
            offer.fingerprint = Data(model.fingerprint.bytes)
            offer.contextLength = UInt32(clamping: model.contextLength)
            offer.inputPrice = model.price.input.count
            offer.outputPrice = model.price.output.count
            offer.engine = model.engine
            offer.capabilities = model.capabilities.rawValue
            offer.dimensions = UInt32(clamping: model.dimensions)
            return offer
        }
        return [UInt8](try proto.serializedData())
    }

    private init(payload: [UInt8]) throws(MessageError) {
        let proto: ProtoNodeAnnouncement
        do { proto = try ProtoNodeAnnouncement(serializedBytes: payload) } catch { throw .undecodable("record") }
        guard proto.models.count <= Self.limits.models else { throw .badField("models: \(proto.models.count)") }
        guard proto.addresses.count <= Self.limits.addresses else { throw .badField("addresses") }
        guard proto.name.utf8.count <= Self.limits.name else { throw .badField("name") }
        guard proto.node > 0 else { throw .missing("node") }
        guard (1...4096).contains(proto.capacity) else { throw .badField("capacity") }
        guard let signer = Address([UInt8](proto.signer)) else { throw .badField("signer") }
        self.signer = signer
        sequence = proto.sequence
        node = NodeID(proto.node)
        name = proto.name
        capacity = Int(proto.capacity)
        do {
            peer = try PeerID(bytes: [UInt8](proto.peer))
        } catch {
            throw .badField("peer")
        }
        addresses = []
        for bytes in proto.addresses {
            do { addresses.append(try Multiaddr(bytes: [UInt8](bytes))) } catch { throw .badField("addresses") }
        }
        models = []
        for offer in proto.models {
            guard !offer.name.isEmpty, offer.name.utf8.count <= Self.limits.modelName else {
                throw .badField("models.name")
            }
            guard offer.engine.utf8.count <= Self.limits.engine else { throw .badField("models.engine") }
            guard offer.dimensions <= Self.limits.dimensions else { throw .badField("models.dimensions") }
            guard (1...16_777_216).contains(offer.contextLength) else { throw .badField("models.context_length") }
            models.append(
                ModelOffer(
                    name: offer.name,
                    fingerprint: try bytes32(offer.fingerprint, "models.fingerprint"),
                    contextLength: Int(offer.contextLength),
                    price: TokenPrice(input: Nano(offer.inputPrice), output: Nano(offer.outputPrice)),
                    engine: offer.engine,
                    capabilities: ModelCapabilities(rawValue: offer.capabilities),
                    dimensions: Int(offer.dimensions)
                )
            )
        }
    }
}
