import Ledger

/// Lets one task at a time work for each sender, in the order in which they came: two would give out the same nonce.
actor Lanes {
    private var waiting: [Address: [CheckedContinuation<Void, Never>]] = [:]

    /// Runs `body` when everyone before is through.
    nonisolated func pass<Value: Sendable>(
        _ sender: Address,
        _ body: @Sendable () async throws(SendingError) -> Value
    ) async throws(SendingError) -> Value {
        await enter(sender)
        do {
            let value = try await body()
            await leave(sender)
            return value
        } catch {
            await leave(sender)
            throw error
        }
    }

    private func enter(_ sender: Address) async {
        guard waiting[sender] != nil else {
            waiting[sender] = []
            return
        }
        await withCheckedContinuation { waiting[sender]?.append($0) }
    }

    private func leave(_ sender: Address) {
        guard var queue = waiting[sender], !queue.isEmpty else {
            waiting[sender] = nil
            return
        }
        let next = queue.removeFirst()
        waiting[sender] = queue
        next.resume()
    }
}
