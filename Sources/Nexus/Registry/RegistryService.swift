import Foundation
import LatticaCore
import LatticaRPC
import Ledger
import Logging
import NIOConcurrencyHelpers
import NodeAPI
import SwiftProtobuf

/// Answers the nodes that join this Nexus: registration on the ledger, announcements, goodbyes.
///
/// A peer may announce a node only after it has shown, by the owner's signature over its own peer id, that it speaks for
/// it. The proof lasts as long as this process.
final class RegistryService: Sendable {
    private let ledger: any Ledger
    private let registry: NodeRegistry
    private let sponsor: Sponsor
    private let announceInterval: Duration
    private let logger: Logger
    private let entitled = NIOLockedValueBox<[PeerID: Entitlement]>([:])

    /// The node that a peer has proven to speak for, and the address whose signature counts for it on the ledger.
    private struct Entitlement: Equatable {
        let node: NodeID
        let signer: Address
    }

    init(
        ledger: any Ledger,
        registry: NodeRegistry,
        sponsor: Sponsor,
        announceInterval: Duration,
        logger: Logger
    ) {
        self.ledger = ledger
        self.registry = registry
        self.sponsor = sponsor
        self.announceInterval = announceInterval
        self.logger = logger
    }

    /// Puts the methods on a server.
    func register(on server: RPCServer) {
        server.register(RegistryMethod.hello) { [self] call in
            _ = try await call.request(ProtoHelloRequest.self)
            try await call.reply(hello())
        }
        server.register(RegistryMethod.register) { [self] call in
            let request = try await call.request(ProtoRegisterRequest.self)
            try await call.reply(register(request, peer: call.peer))
        }
        server.register(RegistryMethod.announce) { [self] call in
            let request = try await call.request(ProtoAnnounceRequest.self)
            try await call.reply(announce(request, peer: call.peer))
        }
        server.register(RegistryMethod.leave) { [self] call in
            _ = try await call.request(ProtoLeaveRequest.self)
            registry.left(call.peer)
            entitled.withLockedValue { $0[call.peer] = nil }
            logger.info("a node left", metadata: ["peer": "\(call.peer)"])
            try await call.reply(ProtoLeaveReply())
        }
    }

    private func hello() -> ProtoHelloReply {
        var reply = ProtoHelloReply()
        reply.chainID = ledger.domain.chainID
        reply.verifyingContract = Data(ledger.domain.verifyingContract.bytes)
        reply.announceIntervalMs = UInt32(clamping: Int(announceInterval / .milliseconds(1)))
        return reply
    }

    private func register(_ request: ProtoRegisterRequest, peer: PeerID) async throws -> ProtoRegisterReply {
        let signed = try request.registration()
        guard signed.registration.metadata == Keccak256.hash(peer.bytes) else {
            throw RPCFailure(code: .permissionDenied, message: "the registration was signed for another peer")
        }
        guard
            let owner = Secp256k1.recover(
                digest: signed.registration.keccakDigest(in: ledger.domain),
                r: signed.r,
                vs: signed.vs
            )
        else {
            throw RPCFailure(code: .permissionDenied, message: "the registration is signed by nobody")
        }
        // Before anything is written to the ledger.
        guard hasRoom(for: peer) else {
            throw RPCFailure(code: .resourceExhausted, message: "this Nexus has as many nodes as it takes")
        }
        let node = try await number(of: signed.registration, owner: owner)
        entitled.withLockedValue { $0[peer] = Entitlement(node: node, signer: signed.registration.signer) }
        var reply = ProtoRegisterReply()
        reply.node = node.number
        return reply
    }

    /// The node's number: the one its signing address has, or a fresh one.
    private func number(of registration: NodeRegistration, owner: Address) async throws -> NodeID {
        if let known = try await ledger.node(signer: registration.signer) {
            guard let record = try await ledger.node(known), record.owner == owner, record.signer == registration.signer
            else {
                throw RPCFailure(code: .permissionDenied, message: "the signing address belongs to another owner")
            }
            return known
        }
        guard let kind = NodeKind(rawValue: registration.kind) else {
            throw RPCFailure(code: .invalidArgument, message: "kind: unknown")
        }
        do {
            return try await sponsor.register(registration, kind: kind, owner: owner)
        } catch CommandFault.refused(let reason) {
            throw RPCFailure(code: .failedPrecondition, message: "the ledger refused: \(reason)")
        }
    }

    /// Whether one more peer may speak for a node.
    ///
    /// At the limit peers whose node gets no work give way.
    private func hasRoom(for peer: PeerID) -> Bool {
        let isFull: @Sendable ([PeerID: Entitlement]) -> Bool = { entitled in
            entitled[peer] == nil && entitled.count >= NodeRegistry.nodeLimit
        }
        guard entitled.withLockedValue({ isFull($0) }) else { return true }
        let live = Set(registry.snapshot.nodes.filter { $0.state == .live }.map(\.peer))
        return entitled.withLockedValue { entitled in
            entitled = entitled.filter { live.contains($0.key) }
            return !isFull(entitled)
        }
    }

    private func announce(_ request: ProtoAnnounceRequest, peer: PeerID) throws -> ProtoAnnounceReply {
        let record: NodeAnnouncement
        do {
            record = try NodeAnnouncement(envelope: [UInt8](request.envelope))
        } catch {
            throw RPCFailure(code: .invalidArgument, message: "the announcement is not usable: \(error)")
        }
        // Receipts under another address than the ledger's would prove nothing against the node.
        let claim = Entitlement(node: record.node, signer: record.signer)
        guard record.peer == peer, entitled.withLockedValue({ $0[peer] }) == claim else {
            throw RPCFailure(code: .permissionDenied, message: "register first: this peer does not speak for the node")
        }
        let load = Int(request.load.active) + Int(request.load.queued)
        let isNew = !registry.snapshot.nodes.contains { $0.id == record.node && $0.state == .live }
        guard registry.announce(record, load: load, unixTime: Int(Date().timeIntervalSince1970)) else {
            throw RPCFailure(code: .resourceExhausted, message: "this Nexus has as many nodes as it takes")
        }
        if isNew {
            logger.info(
                "a node joined",
                metadata: ["node": "\(record.node)", "peer": "\(peer)", "name": "\(record.name)"]
            )
        }
        return ProtoAnnounceReply()
    }
}

extension ProtoRegisterRequest {
    fileprivate func registration() throws -> (registration: NodeRegistration, r: Bytes32, vs: Bytes32) {
        guard let model = Bytes32([UInt8](model)), let metadata = Bytes32([UInt8](metadata)),
            let payout = Address([UInt8](payout)), let signer = Address([UInt8](signer)),
            let r = Bytes32([UInt8](r)), let vs = Bytes32([UInt8](vs)), let kind = UInt8(exactly: kind)
        else { throw RPCFailure(code: .invalidArgument, message: "a field has the wrong length") }
        let registration = NodeRegistration(
            kind: kind,
            model: model,
            metadata: metadata,
            payout: payout,
            signer: signer,
            commission: UInt64(commission)
        )
        return (registration, r, vs)
    }
}

extension RPCServerCall {
    /// The one message of a unary request.
    fileprivate func request<Request: Message>(_ type: Request.Type) async throws -> Request {
        guard let bytes = try await receive() else {
            throw RPCFailure(code: .invalidArgument, message: "the request is missing")
        }
        do {
            return try Request(wire: bytes)
        } catch {
            throw RPCFailure(code: .invalidArgument, message: "the request cannot be decoded")
        }
    }

    fileprivate func reply(_ message: some Message) async throws {
        try await send(try message.wireBytes())
    }
}
