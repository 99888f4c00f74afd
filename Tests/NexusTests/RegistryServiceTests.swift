import Foundation
import LatticaCore
import LatticaRPC
import LatticeTesting
import Ledger
import LedgerEmbedded
import Logging
import NodeAPI
import Testing

@testable import Nexus

@Suite(.timeLimit(.minutes(1))) struct `Joining a Nexus` {
    let peer = Keypair()
    let signer = Secp256k1Key()

    @Test func `takes a node that announces what it registered`() async throws {
        try await play { rpc, nexus, ledger, registry in
            let node = try await register(rpc, nexus, ledger)
            try await announce(rpc, nexus, node: node, signer: signer.address)
            #expect(registry.snapshot.nodes.map(\.id) == [node])
            #expect(try await register(rpc, nexus, ledger) == node)
        }
    }

    @Test func `refuses announcements for others, and under an address that the ledger does not know`() async throws {
        try await play { rpc, nexus, ledger, registry in
            await #expect(throws: RPCError.self) {
                try await announce(rpc, nexus, node: NodeID(1), signer: signer.address)
            }
            let node = try await register(rpc, nexus, ledger)
            await #expect(throws: RPCError.self) {
                try await announce(rpc, nexus, node: NodeID(node.number + 1), signer: signer.address)
            }
            await #expect(throws: RPCError.self) {
                try await announce(rpc, nexus, node: node, signer: Secp256k1Key().address)
            }
            #expect(registry.snapshot.nodes.isEmpty)
        }
    }

    @Test func `refuses a registration that was signed for another peer`() async throws {
        try await play { rpc, nexus, ledger, _ in
            await #expect(throws: RPCError.self) {
                try await register(rpc, nexus, ledger, for: Keypair().peerID)
            }
        }
    }

    private func play(
        _ body: (RPCClient, PeerID, EmbeddedLedger, NodeRegistry) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            try await TestLedger.open(in: folder) { ledger in
                let network = MemoryNetwork()
                let (nexus, node) = (network.host(), network.host(peer))
                let registry = NodeRegistry(announceInterval: .seconds(60))
                let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
                RegistryService(
                    ledger: ledger,
                    registry: registry,
                    sponsor: Sponsor(commands: TestLedger.commands(ledger), roles: TestLedger.roles, ownsNodes: false),
                    announceInterval: .seconds(60),
                    logger: silent
                ).register(on: RPCServer(host: nexus, logger: silent))
                do { try await body(RPCClient(host: node), nexus.peerID, ledger, registry) } catch {
                    await network.stop()
                    throw error
                }
                await network.stop()
            }
        }
    }

    private func register(
        _ rpc: RPCClient,
        _ nexus: PeerID,
        _ ledger: EmbeddedLedger,
        for other: PeerID? = nil
    ) async throws -> NodeID {
        let registration = NodeRegistration(
            kind: NodeKind.llm.rawValue,
            model: .zero,
            metadata: Keccak256.hash((other ?? peer.peerID).bytes),
            payout: signer.address,
            signer: signer.address,
            commission: 0
        )
        let signature = try signer.sign(registration, in: ledger.domain)
        var request = ProtoRegisterRequest()
        request.kind = UInt32(registration.kind)
        request.model = Data(registration.model.bytes)
        request.metadata = Data(registration.metadata.bytes)
        request.payout = Data(registration.payout.bytes)
        request.signer = Data(registration.signer.bytes)
        request.r = Data(signature.r.bytes)
        request.vs = Data(signature.s.bytes)
        let reply = try await rpc.call(
            RegistryMethod.register,
            on: nexus,
            request: try request.wireBytes(),
            deadline: .seconds(20)
        )
        return NodeID(try ProtoRegisterReply(wire: reply).node)
    }

    private func announce(_ rpc: RPCClient, _ nexus: PeerID, node: NodeID, signer: Address) async throws {
        let record = NodeAnnouncement(
            sequence: 1,
            peer: peer.peerID,
            addresses: [],
            node: node,
            signer: signer,
            name: "node",
            models: [],
            capacity: 1
        )
        var request = ProtoAnnounceRequest()
        request.envelope = Data(try record.sealed(with: peer))
        _ = try await rpc.call(
            RegistryMethod.announce,
            on: nexus,
            request: try request.wireBytes(),
            deadline: .seconds(20)
        )
    }
}
