import Ledger
import NIOConcurrencyHelpers

@testable import LedgerEVM

/// A chain in memory whose blocks hold logs, and may be taken back above the finalized one.
final class SimulatedChain: Sendable {
    struct Block: Sendable {
        var hash: Bytes32
        var logs: Int
    }

    struct State: Sendable {
        var blocks: [Block] = [Block(hash: Keccak256.hash([0]), logs: 0)]
        var made: UInt64 = 0
        /// The most blocks of one question.
        var widest: UInt64 = .max
        var questions = 0
        var ranges: [UInt64] = []
    }

    static let contract = Address(lastOf: Bytes32(number: 77))

    let state = NIOLockedValueBox(State())
    let depth: UInt64

    init(depth: UInt64) { self.depth = depth }

    var client: EthereumClient {
        let transport = ScriptedTransport { call throws(RPCError) in try self.answer(call) }
        return EthereumClient(transports: [transport], chainID: 7, options: RPCOptions(attempts: 1))
    }

    func append(logs: Int) {
        state.withLockedValue { state in
            state.made += 1
            var keccak = Keccak256()
            keccak.update(state.blocks[state.blocks.count - 1].hash)
            keccak.update(Bytes32(number: state.made))
            state.blocks.append(Block(hash: keccak.finalize(), logs: logs))
        }
    }

    func remove(_ count: Int) { state.withLockedValue { $0.blocks.removeLast(count) } }

    var head: UInt64 { state.withLockedValue { UInt64($0.blocks.count - 1) } }
    var finalized: UInt64 { head < depth ? 0 : head - depth }

    /// What a reader must have in the end: the block's hash and the number of each log.
    var everything: [String] {
        state.withLockedValue { state in
            state.blocks.flatMap { block in (0..<block.logs).map { "\(block.hash) \($0)" } }
        }
    }

    private func answer(_ call: RPCCall) throws(RPCError) -> String {
        switch call.method {
        case "eth_chainId": return "\"0x7\""
        case "eth_getBlockByNumber":
            let number: UInt64
            switch call.parameters.first?.text {
            case "latest": number = head
            case "finalized": number = finalized
            default: number = call.parameters.first?.quantity ?? 0
            }
            let blocks = state.withLockedValue(\.blocks)
            guard number < blocks.count else { return "null" }
            return SimulatedHeader(number: number, hash: blocks[Int(number)].hash).json
        case "eth_getLogs":
            guard let filter = call.parameters.first, let from = filter["fromBlock"]?.quantity,
                let to = filter["toBlock"]?.quantity
            else { throw .malformed("no range") }
            let (blocks, widest) = state.withLockedValue { state in
                state.questions += 1
                state.ranges.append(to - from + 1)
                return (state.blocks, state.widest)
            }
            guard to - from < widest else {
                return #"error:{"code":-32000,"message":"query returned too many results"}"#
            }
            var logs: [String] = []
            for number in from...to where number < blocks.count {
                for index in 0..<blocks[Int(number)].logs {
                    logs.append(
                        SimulatedLog(
                            address: Self.contract,
                            block: number,
                            index: UInt64(index) * 3,
                            blockHash: blocks[Int(number)].hash
                        ).json
                    )
                }
            }
            return "[\(logs.joined(separator: ","))]"
        default: throw .malformed("an unknown question")
        }
    }
}

/// Someone who reads events and takes back what was taken back.
struct Follower {
    var cursor: Cursor?
    var seen: [(cursor: Cursor, what: String)] = []
    var rollbacks = 0

    /// - Returns: whether anything came.
    mutating func read(_ reader: LogReader, limit: Int) async throws -> Bool {
        let page = try await reader.page(after: cursor, limit: limit) { _ in true }
        if let place = page.rolledBackTo {
            seen.removeAll { $0.cursor > place }
            rollbacks += 1
        }
        for log in page.logs { seen.append((log.cursor, "\(log.log.blockHash) \(log.log.index / 3)")) }
        cursor = page.next
        return !page.logs.isEmpty || page.rolledBackTo != nil
    }

    mutating func catchUp(_ reader: LogReader) async throws {
        for _ in 0..<10_000 {
            guard try await read(reader, limit: 50) else { return }
        }
    }
}
