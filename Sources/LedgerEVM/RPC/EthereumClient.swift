public import Ledger

import Foundation

/// Asks one or two endpoints about one chain (ledger specification, §9 "EVM implementation").
///
/// Reads are tried again, with growing waits of random length, then at the second endpoint. A transaction is sent once: what
/// became of it is looked for before it is sent again. What both endpoints call finalized must be the same.
public final class EthereumClient: Sendable {
    /// The chain.
    public let chainID: UInt64

    let endpoints: [RPCEndpoint]
    private let options: RPCOptions
    private let clock: any Clock<Duration>

    /// Asks the endpoints behind these transports; the first is preferred.
    ///
    /// - Parameter clock: on which the waits between two tries pass.
    public init(
        transports: [any RPCTransport],
        chainID: UInt64,
        options: RPCOptions = RPCOptions(),
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        precondition((1...2).contains(transports.count), "one endpoint, or two that check each other")
        self.chainID = chainID
        self.options = options
        self.clock = clock
        endpoints = transports.map { RPCEndpoint(transport: $0, chainID: chainID, options: options) }
    }

    // MARK: Blocks

    /// A block, or `nil` where the chain is not that long.
    public func header(_ tag: BlockTag) async throws(RPCError) -> BlockHeader? {
        let call = RPCCall("eth_getBlockByNumber", [tag.json, .bool(false)])
        return try Self.check(try await read(call, as: BlockHeader?.self), tag)
    }

    /// Several blocks by number, `nil` for those beyond the end.
    func headers(_ numbers: [UInt64]) async throws(RPCError) -> [BlockHeader?] {
        let calls = numbers.map { RPCCall("eth_getBlockByNumber", [.quantity($0), .bool(false)]) }
        let answers = try await readAll(calls, as: BlockHeader?.self)
        return try zip(numbers, answers).map { number, header throws(RPCError) in
            try Self.check(header, .number(number))
        }
    }

    private static func check(_ header: BlockHeader?, _ tag: BlockTag) throws(RPCError) -> BlockHeader? {
        if case .number(let number) = tag, let header, header.number != number {
            throw .malformed("block \(header.number) instead of \(number)")
        }
        return header
    }

    /// The newest block, and the newest that cannot be taken back.
    ///
    /// With two endpoints a block is final when both say so and name the same hash; where one of them does not answer,
    /// nothing becomes final.
    func ends() async throws(RPCError) -> ChainEnds {
        let tags: [BlockTag] = [.latest, .finalized]
        let calls = tags.map { RPCCall("eth_getBlockByNumber", [$0.json, .bool(false)]) }
        let answers = try await readAll(calls, as: BlockHeader?.self)
        guard let latest = answers[0] else { throw .malformed("no newest block") }
        // A chain that is young has no finalized block; then only its first cannot be taken back.
        guard var finalized = answers[1] else {
            guard let first = try await header(.number(0)) else { throw .malformed("no first block") }
            return ChainEnds(latest: latest, finalized: first)
        }
        guard finalized.number <= latest.number else { throw .malformed("a finalized block beyond the newest") }
        if endpoints.count == 2 {
            finalized = try await agreed(on: finalized)
        }
        return ChainEnds(latest: latest, finalized: finalized)
    }

    private func agreed(on finalized: BlockHeader) async throws(RPCError) -> BlockHeader {
        var ends: [BlockHeader] = []
        for endpoint in endpoints {
            let call = RPCCall("eth_getBlockByNumber", [BlockTag.finalized.json, .bool(false)])
            guard
                let header = try await retrying(
                    [endpoint],
                    { endpoint throws(RPCError) in
                        try await endpoint.ask(call, as: BlockHeader?.self)
                    }
                )
            else { throw .malformed("no finalized block") }
            ends.append(header)
        }
        let number = min(ends[0].number, ends[1].number)
        var hashes: Set<Bytes32> = []
        var agreed: BlockHeader?
        for endpoint in endpoints {
            let call = RPCCall("eth_getBlockByNumber", [.quantity(number), .bool(false)])
            agreed = try await retrying([endpoint]) { endpoint throws(RPCError) in
                try await endpoint.ask(call, as: BlockHeader?.self)
            }
            if let agreed { hashes.insert(agreed.hash) }
        }
        guard let agreed, hashes.count == 1, agreed.number == number else { throw .endpointsDisagree(block: number) }
        return agreed
    }

    // MARK: Contracts

    /// What a call of a contract answers, without a transaction; a revert is ``RPCError/refused(_:)``.
    public func call(_ message: CallMessage, at tag: BlockTag = .latest) async throws(RPCError) -> [UInt8] {
        try await read(RPCCall("eth_call", [message.json, tag.json]), as: HexData.self).bytes
    }

    /// What several calls answer at one block.
    func call(_ messages: [CallMessage], at tag: BlockTag) async throws(RPCError) -> [Result<[UInt8], RPCRefusal>] {
        let calls = messages.map { RPCCall("eth_call", [$0.json, tag.json]) }
        return try await readBatch(calls, as: HexData.self).map { $0.map(\.bytes) }
    }

    /// The gas that a call needs in the newest block; a revert is ``RPCError/refused(_:)``.
    public func estimateGas(_ message: CallMessage) async throws(RPCError) -> UInt64 {
        try await read(RPCCall("eth_estimateGas", [message.json]), as: HexNumber64.self).value
    }

    /// The code at an address; empty where there is no contract.
    public func code(_ address: Address) async throws(RPCError) -> [UInt8] {
        try await read(RPCCall("eth_getCode", [.address(address), BlockTag.latest.json]), as: HexData.self).bytes
    }

    /// The coins of an account.
    public func balance(_ address: Address) async throws(RPCError) -> Wei {
        Wei(
            try await read(RPCCall("eth_getBalance", [.address(address), BlockTag.latest.json]), as: HexNumber.self)
                .value
        )
    }

    // MARK: Transactions

    /// How many transactions an account sent up to a block: the nonce of its next.
    public func transactionCount(_ address: Address, at tag: BlockTag) async throws(RPCError) -> UInt64 {
        try await read(RPCCall("eth_getTransactionCount", [.address(address), tag.json]), as: HexNumber64.self).value
    }

    /// The tip that the endpoint suggests.
    public func suggestedTip() async throws(RPCError) -> Wei {
        Wei(try await read(RPCCall("eth_maxPriorityFeePerGas"), as: HexNumber.self).value)
    }

    /// Sends a transaction, once, to the first endpoint that can be reached.
    ///
    /// - Throws: after any error but a refusal the transaction may have arrived.
    public func send(_ transaction: SignedTransaction) async throws(RPCError) {
        let call = RPCCall("eth_sendRawTransaction", [.data(transaction.raw)])
        var last = RPCError.timedOut
        for endpoint in endpoints {
            do throws(RPCError) {
                let hash = try await endpoint.ask(call, as: Bytes32.self)
                guard hash == transaction.hash else { throw RPCError.malformed("another hash for what was sent") }
                return
            } catch {
                if case .refused = error { throw error }
                last = error
            }
        }
        throw last
    }

    /// What became of a transaction, or `nil` while no block holds it.
    public func receipt(_ hash: Bytes32) async throws(RPCError) -> Receipt? {
        let receipt = try await read(RPCCall("eth_getTransactionReceipt", [.word(hash)]), as: Receipt?.self)
        guard receipt == nil || receipt?.transaction == hash else {
            throw .malformed("the receipt of another transaction")
        }
        return receipt
    }

    /// Whether the endpoint has the transaction, in a block or waiting for one.
    public func knows(_ hash: Bytes32) async throws(RPCError) -> Bool {
        struct Known: Decodable { var hash: Bytes32 }
        let known = try await read(RPCCall("eth_getTransactionByHash", [.word(hash)]), as: Known?.self)
        guard known == nil || known?.hash == hash else { throw .malformed("another transaction") }
        return known != nil
    }

    // MARK: Logs

    /// What contracts logged in a range of blocks, in order.
    public func logs(_ blocks: ClosedRange<UInt64>, of contracts: Set<Address>) async throws(RPCError) -> [ChainLog] {
        let filter = JSON.object([
            "fromBlock": .quantity(blocks.lowerBound), "toBlock": .quantity(blocks.upperBound),
            "address": .array(contracts.sorted().map { .address($0) }),
        ])
        let logs = try await read(RPCCall("eth_getLogs", [filter]), as: [ChainLog].self)
        let areWanted = logs.allSatisfy { blocks.contains($0.block) && contracts.contains($0.address) }
        let areOrdered = zip(logs, logs.dropFirst()).allSatisfy { ($0.block, $0.index) < ($1.block, $1.index) }
        guard areWanted, areOrdered else { throw .malformed("logs that were not asked for, or in disorder") }
        return logs
    }

    // MARK: Asking

    private func read<Value: Decodable>(_ call: RPCCall, as type: Value.Type) async throws(RPCError) -> Value {
        try await retrying(endpoints) { endpoint throws(RPCError) in try await endpoint.ask(call, as: type) }
    }

    private func readBatch<Value: Decodable>(
        _ calls: [RPCCall],
        as type: Value.Type
    ) async throws(RPCError) -> [Result<Value, RPCRefusal>] {
        try await retrying(endpoints) { endpoint throws(RPCError) in
            let answers = try await endpoint.ask(calls, as: type)
            for case .failure(let refusal) in answers where refusal.isInternal { throw .tooManyRequests }
            return answers
        }
    }

    private func readAll<Value: Decodable>(_ calls: [RPCCall], as type: Value.Type) async throws(RPCError) -> [Value] {
        try await readBatch(calls, as: type).map { answer throws(RPCError) in
            do throws(RPCRefusal) { return try answer.get() } catch { throw .refused(error) }
        }
    }

    /// Asks one endpoint after the other, each several times.
    private func retrying<Value>(
        _ endpoints: [RPCEndpoint],
        _ body: (RPCEndpoint) async throws(RPCError) -> Value
    ) async throws(RPCError) -> Value {
        var last = RPCError.timedOut
        for endpoint in endpoints {
            var wait = options.backoff
            for attempt in 1...max(1, options.attempts) {
                do { return try await body(endpoint) } catch {
                    guard error.isTransient, !Task.isCancelled else { throw error }
                    last = error
                    // A longer answer does not get shorter.
                    if case .answerTooLarge = error { throw error }
                }
                guard attempt < options.attempts else { break }
                do {
                    try await clock.sleep(for: wait * Int.random(in: 50...100) / 100)
                } catch {
                    throw last
                }
                wait *= 2
            }
        }
        throw last
    }
}

/// The two ends of what a chain may still change.
struct ChainEnds: Hashable, Sendable {
    var latest: BlockHeader
    var finalized: BlockHeader
}

/// A call of a contract that is only tried.
public struct CallMessage: Hashable, Sendable {
    /// Who calls.
    public var from: Address?
    /// The contract.
    public var to: Address
    /// The function and its arguments.
    public var data: [UInt8]

    /// Makes a call.
    public init(from: Address? = nil, to: Address, data: [UInt8]) {
        self.from = from
        self.to = to
        self.data = data
    }

    var json: JSON {
        var fields: [String: JSON] = ["to": .address(to), "data": .data(data)]
        if let from { fields["from"] = .address(from) }
        return .object(fields)
    }
}
