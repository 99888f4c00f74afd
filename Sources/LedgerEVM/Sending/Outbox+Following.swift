import Ledger
import Logging

// From a transaction to its block.
extension Outbox {
    /// Follows one transaction as far as it goes at this moment.
    func advance(_ transaction: inout StoredTransaction, first: TransactionLife.Action = .look)
        async throws(SendingError)
    {
        var action = first
        // More steps than any sequence of answers of an honest endpoint needs.
        for _ in 0..<8 {
            let before = transaction
            switch action {
            case .wait, .startOver: return
            case .look:
                let view = try await view(transaction.sender)
                guard let (sighting, effect) = try await look(for: transaction) else { return }
                action = transaction.life.handle(.looked(sighting, view))
                transaction.effect = effect
            case .send:
                let (answer, head) = try await send(transaction)
                action = transaction.life.handle(.answered(answer, head: head))
            case .replace:
                guard let attempt = try await replacement(for: transaction) else { return }
                transaction.attempts.append(attempt)
                action = transaction.life.handle(.replaced)
                let life = transaction.life
                try await stored { store throws(SendingStoreError) in try await store.add(attempt, life) }
                logger.info("a transaction is replaced", metadata: transaction.metadata)
                continue
            }
            guard transaction != before else { continue }
            if case .included = before.life.state, transaction.mined == nil {
                logger.warning("a transaction was taken back by a reorganisation", metadata: transaction.metadata)
            }
            let changed = transaction
            try await stored { store throws(SendingStoreError) in try await store.save(changed) }
        }
    }

    private func view(_ sender: Address) async throws(SendingError) -> TransactionLife.View {
        try await asked { client throws(RPCError) in
            let ends = try await client.ends()
            return TransactionLife.View(
                head: ends.latest.number,
                finalized: ends.finalized.number,
                usedNonces: try await client.transactionCount(sender, at: .number(ends.latest.number)),
                finalNonces: try await client.transactionCount(sender, at: .number(ends.finalized.number))
            )
        }
    }

    /// - Returns: `nil` when the chain changed meanwhile, and another look is needed.
    private func look(
        for transaction: StoredTransaction
    ) async throws(SendingError) -> (TransactionLife.Sighting, Effect?)? {
        try await asked { client throws(RPCError) in
            for attempt in transaction.attempts.reversed() {
                guard let receipt = try await client.receipt(attempt.hash) else { continue }
                guard let header = try await client.header(.number(receipt.block)), header.hash == receipt.blockHash
                else {
                    return nil
                }
                var effect = Effect(time: header.time, logs: receipt.logs.map(StoredLog.init))
                if !receipt.succeeded { effect.failure = try await self.failure(of: transaction, receipt) }
                let mined = TransactionLife.Mined(
                    hash: attempt.hash,
                    block: receipt.block,
                    blockHash: receipt.blockHash,
                    succeeded: receipt.succeeded
                )
                return (.mined(mined), effect)
            }
            for attempt in transaction.attempts.reversed() {
                guard try await !client.knows(attempt.hash) else { return (.waiting, nil) }
            }
            return (.nowhere, nil)
        }
    }

    /// Why a transaction did nothing: what the same call answers on the state of its block, or of the one before.
    private func failure(of transaction: StoredTransaction, _ receipt: Receipt) async throws(RPCError) -> Reason {
        if let known = transaction.effect?.failure { return known }
        if receipt.gasUsed >= transaction.gasLimit { return .outOfGas }
        let call = CallMessage(from: transaction.sender, to: transaction.to, data: transaction.data)
        for block in [receipt.block, receipt.block &- 1] {
            do throws(RPCError) {
                _ = try await client.call(call, at: .number(block))
            } catch {
                guard case .refused(let refusal) = error, !refusal.isInternal else { throw error }
                if refusal.isRevert { return Reason(refusal) }
            }
        }
        return .reverted
    }

    private func send(_ transaction: StoredTransaction) async throws(SendingError) -> (
        TransactionLife.SendAnswer, UInt64
    ) {
        let head = try await asked { client throws(RPCError) in
            guard let latest = try await client.header(.latest) else { throw .malformed("no newest block") }
            return latest.number
        }
        guard let attempt = transaction.attempts.last else { return (.refused, head) }
        do throws(RPCError) {
            try await client.send(attempt)
            return (.taken, head)
        } catch {
            let answer = error.sendAnswer
            switch answer {
            case .unaffordable, .refused:
                logger.warning(
                    "a transaction is not taken",
                    metadata: transaction.metadata.merging(["error": "\(error)"]) { first, _ in first }
                )
            case .taken, .nonceTooLow, .underpriced, .none:
                logger.debug(
                    "a transaction was answered with an error",
                    metadata: transaction.metadata.merging(["error": "\(error)"]) { first, _ in first }
                )
            }
            return (answer, head)
        }
    }

    // MARK: Fees

    func fees(_ submission: StoredSubmission) async throws(SendingError) -> Transaction.Fees? {
        let (baseFee, tip) = try await gasPrice()
        return options.fees.fees(baseFee: baseFee, suggestedTip: tip, isUrgent: isUrgent(submission))
    }

    private func replacement(for transaction: StoredTransaction) async throws(SendingError) -> SignedTransaction? {
        guard let newest = transaction.attempts.last?.transaction, let key = keyring.key(of: transaction.sender) else {
            return nil
        }
        let submission = try await stored { store throws(SendingStoreError) in
            try await store.submission(transaction.submission)
        }
        let (baseFee, tip) = try await gasPrice()
        guard
            let fees = options.fees.replacement(
                for: newest.fees,
                baseFee: baseFee,
                suggestedTip: tip,
                isUrgent: submission.map(isUrgent) ?? false
            )
        else { return nil }
        var replacement = newest
        replacement.fees = fees
        return try sign(replacement, key)
    }

    private func isUrgent(_ submission: StoredSubmission) -> Bool {
        submission.isUrgent || now() >= submission.created &+ options.fees.mostDelay
    }

    private func gasPrice() async throws(SendingError) -> (baseFee: Wei, tip: Wei) {
        try await asked { client throws(RPCError) in
            guard let latest = try await client.header(.latest) else { throw .malformed("no newest block") }
            return (latest.baseFee, try await client.suggestedTip())
        }
    }
}

extension StoredTransaction {
    /// Where a block holds it.
    var mined: TransactionLife.Mined? {
        switch life.state {
        case .included(let mined), .final(let mined): mined
        case .prepared, .sent, .dropped: nil
        }
    }

    /// What logs say of it.
    var metadata: Logger.Metadata {
        ["sender": "\(sender)", "nonce": "\(nonce)", "submission": "\(submission)", "attempts": "\(attempts.count)"]
    }
}
