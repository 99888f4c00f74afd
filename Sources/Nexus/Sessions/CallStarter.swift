import Foundation
import LatticaCore
import LatticaRPC
import Ledger
import NodeAPI
import SwiftProtobuf

/// A call to a node that has accepted the request.
struct StartedCall: Sendable {
    let call: RPCCall
    let requestHash: Bytes32
    /// What the node counted before it began; it cannot bill more.
    let promptTokens: Int
}

/// A node did not answer in time.
struct DeadlineExceeded: Error, Hashable, Sendable {}

/// Why a node did not begin an answer.
enum StartFault: Error {
    /// The request cannot be answered by any node that serves the model.
    case refusedForGood(NexusError)
    /// This node cannot; another may.
    case nodeUnfit(String)
    /// Its engine cannot work; another node may.
    case nodeBroken(String)
    /// The node has forgotten the session, or misses a voucher that opening another one shows it.
    case sessionUnusable
}

/// Asks a node to begin.
struct CallStarter: Sendable {
    let rpc: RPCClient
    private let clock = ContinuousClock()

    /// Characters of a node's own words that are passed on to callers.
    private static let detailLimit = 300
    private static let fieldLimit = 80
    /// The most bytes of a request; a node refuses longer messages.
    private static let requestLimit = RPCLimits().maximumMessage.bytes
    /// The longest a whole answer may take.
    static let answerDeadline: Duration = .seconds(3600)
    /// A node that does not accept by then is passed over.
    static let acceptDeadline: Duration = .seconds(20)

    /// Sends the request and waits until the node accepts it.
    func start(_ request: ProtoChatStart, session: NodeSession, promptTokenLimit: Int) async throws -> StartedCall {
        var command = ProtoChatCommand()
        command.start = request
        return try await start(command, NodeMethod.chat, session: session, promptTokenLimit: promptTokenLimit)
    }

    /// Sends the texts and waits until the node accepts them.
    func start(_ request: ProtoEmbedStart, session: NodeSession, promptTokenLimit: Int) async throws -> StartedCall {
        var command = ProtoChatCommand()
        command.embed = request
        return try await start(command, NodeMethod.embed, session: session, promptTokenLimit: promptTokenLimit)
    }

    private func start(
        _ command: ProtoChatCommand,
        _ method: RPCMethod,
        session: NodeSession,
        promptTokenLimit: Int
    ) async throws -> StartedCall {
        let bytes = try command.wireBytes()
        guard bytes.count <= Self.requestLimit else {
            throw StartFault.refusedForGood(
                .invalidRequest(field: "", problem: "the request has more than \(Self.requestLimit >> 20) MB")
            )
        }
        let call = try await rpc.open(method, on: session.peer, deadline: Self.answerDeadline)
        do {
            let reply = try await clock.withDeadline(Self.acceptDeadline) { () async throws -> [UInt8]? in
                try await call.send(bytes)
                return try await call.receive()
            }
            guard let reply else { throw DeadlineExceeded() }
            guard let update = reply else { throw MessageError.missing("accepted") }
            switch try ProtoChatUpdate(wire: update).update {
            case .accepted(let accepted):
                guard Int(accepted.promptTokens) <= promptTokenLimit else {
                    throw StartFault.nodeUnfit("it counts more prompt tokens than the prompt can have")
                }
                return StartedCall(
                    call: call,
                    requestHash: SaltedHash.of(bytes, session: session.id),
                    promptTokens: Int(accepted.promptTokens)
                )
            case .refused(let refused):
                throw fault(refused)
            case .delta, .finished, .voucherAccepted, .vectors, .interim, nil:
                throw MessageError.badField("update: out of order")
            }
        } catch {
            call.cancel()
            throw error
        }
    }

    private func fault(_ refused: ProtoChatRefused) -> StartFault {
        switch refused.reason {
        case .contextExceeded:
            .refusedForGood(
                .contextLengthExceeded(limit: Int(refused.contextLength), prompt: Int(refused.promptTokens))
            )
        case .badRequest:
            .refusedForGood(
                .invalidRequest(
                    field: String(refused.field.prefix(Self.fieldLimit)),
                    problem: String(refused.detail.prefix(Self.detailLimit))
                )
            )
        case .sessionUnknown, .unpaid: .sessionUnusable
        case .busy: .nodeUnfit("it is busy")
        case .unspecified, .UNRECOGNIZED: .nodeBroken("it refused: \(refused.detail.prefix(Self.detailLimit))")
        }
    }
}
