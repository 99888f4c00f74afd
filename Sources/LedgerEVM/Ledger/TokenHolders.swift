import Ledger
import NIOConcurrencyHelpers

/// Every address that ever held tokens, as the token's transfers name them.
///
/// Only blocks that cannot be taken back are read, each once.
final class TokenHolders: Sendable {
    private static let topic = ABI.eventTopic("Transfer(address,address,uint256)")

    private let client: EthereumClient
    private let token: Address
    private let state: NIOLockedValueBox<State>

    private struct State {
        var next: UInt64
        var holders: Set<Address> = []
        var scan = LogScan()
    }

    init(client: EthereumClient, token: Address, firstBlock: UInt64) {
        self.client = client
        self.token = token
        state = NIOLockedValueBox(State(next: firstBlock))
    }

    /// The holders up to a finalized block.
    func upTo(_ block: UInt64) async throws(RPCError) -> Set<Address> {
        var state = state.withLockedValue(\.self)
        while let range = state.scan.range(from: state.next, to: block) {
            do throws(RPCError) {
                for log in try await client.logs(range, of: [token])
                where log.topics.first == Self.topic && log.topics.count == 3 {
                    state.holders.insert(Address(lastOf: log.topics[1]))
                    state.holders.insert(Address(lastOf: log.topics[2]))
                }
                state.next = range.upperBound + 1
                state.scan.succeeded()
            } catch {
                guard error.mayBeTooMuch, state.scan.failed() else { throw error }
            }
        }
        let read = state
        // Two readers at once read the same blocks; whoever came further is kept.
        return self.state.withLockedValue { state in
            if read.next > state.next { state = read }
            return read.holders
        }
    }
}
