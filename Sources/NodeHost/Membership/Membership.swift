import Foundation
import Lattica
import LatticaCore
import LatticaRPC
import Ledger
import Logging
import Multiformats
import NodeAPI
import SwiftProtobuf

/// Joins a Nexus: learns which ledger it keeps, registers the node there, and announces it until the end.
struct Membership: Sendable {
    let host: LatticaHost
    let rpc: RPCClient
    let nexus: Multiaddr
    let logger: Logger

    /// The longest a call to Nexus may take; registering waits for the ledger's disk.
    private static let callDeadline: Duration = .seconds(15)

    /// What Nexus says of the ledger.
    struct Terms: Sendable {
        let nexus: PeerID
        let domain: TypedDomain
        let announceInterval: Duration
    }

    /// Connects and asks for the terms.
    func hello() async throws -> Terms {
        let peer = try await host.connect(to: nexus)
        let reply = try await call(RegistryMethod.hello, ProtoHelloRequest(), on: peer, as: ProtoHelloReply.self)
        guard let contract = Address([UInt8](reply.verifyingContract)), reply.chainID > 0 else {
            throw MessageError.badField("verifying_contract")
        }
        return Terms(
            nexus: peer,
            domain: TypedDomain(chainID: reply.chainID, verifyingContract: contract),
            announceInterval: .milliseconds(Int(min(max(reply.announceIntervalMs, 100), 60_000)))
        )
    }

    /// Has the node put on the ledger, and returns its number there: the same each time for the same signing key.
    func register(model: Bytes32, signer: Secp256k1Key, commission: UInt64, with terms: Terms) async throws -> NodeID {
        let registration = NodeRegistration(
            kind: NodeKind.llm.rawValue,
            model: model,
            metadata: Keccak256.hash(host.peerID.bytes),
            payout: signer.address,
            signer: signer.address,
            commission: commission
        )
        let signature = try signer.sign(registration, in: terms.domain)
        var request = ProtoRegisterRequest()
        request.kind = UInt32(registration.kind)
        request.model = Data(registration.model.bytes)
        request.metadata = Data(registration.metadata.bytes)
        request.payout = Data(registration.payout.bytes)
        request.signer = Data(registration.signer.bytes)
        request.commission = UInt32(clamping: commission)
        request.r = Data(signature.r.bytes)
        request.vs = Data(signature.s.bytes)
        let reply = try await call(RegistryMethod.register, request, on: terms.nexus, as: ProtoRegisterReply.self)
        guard reply.node > 0 else { throw MessageError.missing("node") }
        return NodeID(reply.node)
    }

    /// Shows the node to Nexus once.
    func announce(_ announcement: NodeAnnouncement, keypair: Keypair, active: Int, to nexus: PeerID) async throws {
        var request = ProtoAnnounceRequest()
        request.envelope = Data(try announcement.sealed(with: keypair))
        request.load.active = UInt32(clamping: active)
        _ = try await call(RegistryMethod.announce, request, on: nexus, as: ProtoAnnounceReply.self)
    }

    /// Says goodbye, so that no request comes any more.
    func leave(_ nexus: PeerID) async {
        do {
            _ = try await call(RegistryMethod.leave, ProtoLeaveRequest(), on: nexus, as: ProtoLeaveReply.self)
        } catch {
            logger.debug("nobody heard the goodbye", metadata: ["error": "\(error)"])
        }
    }

    private func call<Reply: Message>(
        _ method: RPCMethod,
        _ request: some Message,
        on peer: PeerID,
        as type: Reply.Type
    ) async throws -> Reply {
        let bytes = try await rpc.call(
            method,
            on: peer,
            request: try request.wireBytes(),
            deadline: Self.callDeadline
        )
        return try Reply(wire: bytes)
    }
}
