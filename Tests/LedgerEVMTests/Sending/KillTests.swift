import Foundation
import LatticeTesting
import Ledger
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import LedgerEVM

/// Counts requests, and kills the process before or after one of them.
final class CountingTransport: RPCTransport {
    let name = "counting"
    private let inner: HTTPTransport
    private let killsBefore: Int?
    private let killsAfter: Int?
    private let posts = NIOLockedValueBox(0)

    init(_ url: String, killsBefore: Int? = nil, killsAfter: Int? = nil) throws {
        inner = try HTTPTransport(url: url)
        self.killsBefore = killsBefore
        self.killsAfter = killsAfter
    }

    var count: Int { posts.withLockedValue(\.self) }

    func post(_ body: [UInt8]) async throws(RPCError) -> [UInt8] {
        let number = posts.withLockedValue { posts in
            posts += 1
            return posts
        }
        if number == killsBefore { kill(getpid(), SIGKILL) }
        let answer = try await inner.post(body)
        if number == killsAfter { kill(getpid(), SIGKILL) }
        return answer
    }
}

@Suite(.enabled(if: Devnet.isAvailable), .timeLimit(.minutes(5))) struct `A process that is killed` {
    @Test func `at any step of a submission has it done once after its restart`() async throws {
        try await CounterRig.run(limit: 1_000_000) { rig in
            let counting = try CountingTransport(rig.devnet.url)
            try await rig.withOutbox(transport: counting) { outbox in
                _ = try await outbox.submit(rig.bump(1, 1))
                try await outbox.progress(rig.key.address)
            }
            let steps = counting.count
            #expect(steps > 8)
            try await rig.withOutbox { outbox in _ = try await rig.settle(outbox, 1) }
            let (url, folder) = (rig.devnet.url, rig.folder)
            let (counter, secret) = (rig.counter.description, rig.key.rawRepresentation)
            for step in 1...steps {
                for isAfter in [false, true] {
                    let name = UInt64(step * 2 + (isAfter ? 1 : 0))
                    await #expect(processExitsWith: .signal(SIGKILL)) {
                        [
                            url = url as String, folder = folder as String, counter = counter as String,
                            secret = secret as [UInt8], step = step as Int, isAfter = isAfter as Bool,
                            name = name as UInt64
                        ] in
                        try await Self.bump(
                            url,
                            folder,
                            counter,
                            secret,
                            name,
                            try CountingTransport(
                                url,
                                killsBefore: isAfter ? nil : step,
                                killsAfter: isAfter ? step : nil
                            )
                        )
                    }
                    try await rig.withOutbox { outbox in
                        // Named again, as whoever handed it in does after the restart.
                        _ = try await outbox.submit(rig.bump(1, name))
                        _ = try await rig.settle(outbox, name)
                    }
                    #expect(try await rig.total() == name)
                }
            }
        }
    }

    /// In the process that is killed.
    private static func bump(
        _ url: String,
        _ folder: String,
        _ counter: String,
        _ secret: [UInt8],
        _ name: UInt64,
        _ transport: CountingTransport
    ) async throws {
        let key = try Secp256k1Key(rawRepresentation: secret)
        let contract = try #require(Address(hex: counter))
        let outbox = Outbox(
            client: EthereumClient(transports: [transport], chainID: 31_337, options: RPCOptions(attempts: 1)),
            store: try SendingStore(path: folder + "/sending.sqlite", ledger: Bytes32(number: 1)),
            keyring: Keyring([key]),
            options: Outbox.Options(),
            rules: Outbox.Rules(token: contract, pull: { _ in nil }, isAlone: { _ in false }),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            now: { 0 }
        )
        let submission = StoredSubmission(
            number: 0,
            id: SubmissionID(Bytes32(number: name)),
            caller: key.address,
            contract: contract,
            call: ABI.selector("bump(uint256)") + ABI.encode([.uint(1)]),
            isUrgent: false,
            created: 0
        )
        _ = try await outbox.submit(submission)
        try await outbox.progress(key.address)
    }
}
