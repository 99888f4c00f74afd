import Foundation
import Inference
import LatticaCore
import LatticaRPC
import LatticeTesting
import Ledger
import Logging
import NodeAPI
import SwiftProtobuf
import Testing

@testable import NodeHost

/// An embedder whose vectors say how long a text is.
private struct LengthEmbedder: TextEmbedder {
    let modelName = "length"
    let dimensions = 2
    let fingerprint = String(repeating: "06", count: 32)
    let maxTokens = 8

    func embeddings(of texts: [String]) async throws(EmbeddingError) -> Embeddings {
        if texts.contains("break") { throw .unavailable("broken") }
        return Embeddings(
            vectors: texts.map { [Float($0.utf8.count), -0.5] },
            tokenCounts: texts.map { min($0.utf8.count, 8) }
        )
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Vectors of a node` {
    private func values(_ vectors: [ProtoEmbedVectors]) -> [Float] {
        let bytes = vectors.flatMap { [UInt8]($0.values) }
        return stride(from: 0, to: bytes.count, by: 4).map { place in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) })
        }
    }

    @Test func `come in order and are billed by the tokens that were read`() async throws {
        let texts = (0..<40).map { String(repeating: "a", count: $0) }
        try await EmbedRig.play(LengthEmbedder()) { rig in
            let (accepted, vectors, finished) = try await rig.embed(.with { $0.texts = texts })
            #expect(accepted >= finished.receipt.inputTokens)
            #expect(values(vectors) == texts.flatMap { [Float($0.utf8.count), -0.5] })
            #expect(finished.receipt.inputTokens == UInt64(texts.reduce(0) { $0 + min($1.utf8.count, 8) }))
            #expect(finished.receipt.outputTokens == 0)
            var hash = AnswerHash(session: Bytes32([UInt8](finished.receipt.session)) ?? .zero)
            for vector in vectors { hash.append(vector) }
            #expect([UInt8](finished.receipt.response) == hash.finalize().bytes)
        }
    }

    @Test func `are refused for none, too many or too long texts, and too little credit`() async throws {
        let long = String(repeating: "x", count: 2 << 20)
        let cases: [(String, ProtoEmbedStart)] = [
            ("input", ProtoEmbedStart()), ("input", .with { $0.texts = Array(repeating: "", count: 2049) }),
            ("input", .with { $0.texts = [long, "y"] }),
            (
                "",
                .with {
                    $0.texts = ["hello"]
                    $0.credit = 1
                }
            ),
        ]
        try await EmbedRig.play(LengthEmbedder()) { rig in
            for (field, start) in cases {
                let call = try await rig.open(start)
                defer { call.cancel() }
                guard case .refused(let refused) = try ProtoChatUpdate(wire: await call.receive() ?? []).update else {
                    throw MessageError.missing("refused")
                }
                #expect(refused.reason == .badRequest && refused.field == field)
            }
            await #expect(throws: (any Error).self) { try await rig.embed(.with { $0.texts = ["break"] }) }
        }
    }
}

/// A node's embed service beside the Nexus that it works for.
private struct EmbedRig: Sendable {
    private let rpc: RPCClient
    private let peer: PeerID
    private let session: Session

    static func play(_ embedder: any TextEmbedder, _ test: (EmbedRig) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            try await MemoryNetwork.withPair { nexus, node in
                let server = RPCServer(host: node)
                let signer = Secp256k1Key()
                let quote = Quote(
                    node: NodeID(1),
                    model: .zero,
                    inputPrice: Nano(1_000_000),
                    outputPrice: .zero,
                    validUntil: .max
                )
                let session = Session(
                    id: Bytes32(number: 9),
                    key: P256SessionKey().keyID,
                    model: "length",
                    quote: quote,
                    quoteHash: quote.structHash
                )
                let sessions = Sessions()
                sessions.add(session)
                EmbedService(
                    embedder: embedder,
                    nexus: nexus.peerID,
                    desk: PaymentDesk(
                        node: NodeID(1),
                        signer: signer,
                        domain: TypedDomain.local(clusterPublicKey: [1, 2, 3]),
                        store: try NodeStore(path: folder + "/node.sqlite"),
                        now: { 1_800_000_000 }
                    ),
                    node: NodeID(1),
                    sessions: sessions,
                    load: NodeLoad(),
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
                    now: { 1_800_000_000 }
                ).register(on: server)
                try await test(EmbedRig(rpc: RPCClient(host: nexus), peer: node.peerID, session: session))
            }
        }
    }

    func open(_ start: ProtoEmbedStart) async throws -> RPCCall {
        var command = ProtoChatCommand()
        command.embed = start
        command.embed.session = Data(session.id.bytes)
        if start.credit == 0 { command.embed.credit = Nano.lai.count }
        let call = try await rpc.open(NodeMethod.embed, on: peer, deadline: .seconds(50))
        try await call.send(command.wireBytes())
        return call
    }

    /// Reads vectors to their bill; leaves it unpaid.
    func embed(
        _ start: ProtoEmbedStart
    ) async throws -> (accepted: UInt64, vectors: [ProtoEmbedVectors], finished: ProtoChatFinished) {
        let call = try await open(start)
        defer { call.cancel() }
        var accepted: UInt64 = 0
        var vectors: [ProtoEmbedVectors] = []
        while let bytes = try await call.receive() {
            switch try ProtoChatUpdate(wire: bytes).update {
            case .accepted(let message): accepted = UInt64(message.promptTokens)
            case .vectors(let message): vectors.append(message)
            case .finished(let message): return (accepted, vectors, message)
            default: throw MessageError.badField("update")
            }
        }
        throw MessageError.missing("finished")
    }
}
