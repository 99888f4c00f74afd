public import Ledger

extension Stage {
    /// A day that just began, as the time of the next command; the day before it is over.
    ///
    /// - Returns: the epoch that is over.
    public func nextDay(_ days: UInt64 = 1) async throws -> UInt64 {
        let today = try await today() + days
        try await setTime(today * .day + 60)
        return today - 1
    }

    /// A receipt of a node, finished a moment ago.
    public func receipt(
        _ host: HostedNode,
        session: UInt64 = 1,
        seq: UInt64 = 1,
        response: UInt64 = 0,
        quote: Quote? = nil,
        cost: Nano = Nano(10),
        finishedAt: UInt64? = nil
    ) async throws -> SignedMessage<Receipt> {
        let time: UInt64
        if let finishedAt { time = finishedAt } else { time = try await now() }
        let receipt = Receipt(
            session: Bytes32(number: session),
            seq: seq,
            node: host.id,
            key: cast.stranger.keyID,
            request: .zero,
            response: Bytes32(number: response),
            quote: quote?.structHash ?? .zero,
            inputTokens: 1_000,
            outputTokens: 500,
            cost: cost,
            amount: cost,
            finishedAt: time
        )
        return try signed(receipt, by: host.signer)
    }

    /// A message with a signature.
    public func signed<Message>(_ message: Message, by key: Secp256k1Key) throws -> SignedMessage<Message> {
        SignedMessage(message, signature: try key.sign(message, in: ledger.domain))
    }

    /// Proves that a node signed two receipts for one request, which costs a fifth of its pool.
    @discardableResult
    public func slashReceipts(
        _ host: HostedNode,
        session: UInt64 = 1,
        by caller: Secp256k1Key? = nil
    ) async throws -> Inclusion {
        let first = try await receipt(host, session: session, response: 1)
        let second = try await receipt(host, session: session, response: 2)
        return try await run(.proveReceipts(first, second), by: caller ?? stranger)
    }

    /// Proves that a node gave two answers to one probe, which costs a twentieth of its pool.
    @discardableResult
    public func slashProbes(_ host: HostedNode, challenge: UInt64 = 1) async throws -> Inclusion {
        let time = try await now()
        let probes = try [1 as UInt64, 2].map { status in
            let probe = Probe(
                node: host.id,
                challenge: Bytes32(number: challenge),
                status: Bytes32(number: status),
                at: time
            )
            return try signed(probe, by: host.signer)
        }
        return try await run(.proveProbes(probes[0], probes[1]), by: stranger)
    }
}
