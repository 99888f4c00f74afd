extension Clock where Duration == Swift.Duration {
    /// Runs work that has to be done by a deadline.
    ///
    /// At the deadline the work is cancelled; this returns once it has ended, so it must heed cancellation. When the
    /// surrounding task is cancelled, so is the work, and what it then answers or throws is passed on.
    ///
    /// - Returns: what the work gave; `nil` if the deadline passed first.
    public func withDeadline<Success: Sendable, Failure: Error>(
        _ deadline: Duration,
        _ work: @escaping @Sendable () async throws(Failure) -> Success
    ) async throws(Failure) -> Success? {
        let outcome = await withTaskGroup(of: DeadlineEvent<Success, Failure>.self) { group in
            group.addTask {
                do throws(Failure) {
                    return .done(.success(try await work()))
                } catch {
                    return .done(.failure(error))
                }
            }
            group.addTask {
                do {
                    try await rest(for: deadline)
                    return .expired
                } catch {
                    return .interrupted
                }
            }
            var isExpired = false
            while let event = await group.next() {
                switch event {
                case .done(let result):
                    group.cancelAll()
                    return isExpired ? nil : result
                case .expired:
                    isExpired = true
                    group.cancelAll()
                case .interrupted:
                    continue
                }
            }
            return nil
        }
        return try outcome?.get()
    }

    /// Sleeps, and leaves nothing behind when it is cancelled.
    private func rest(for duration: Duration) async throws {
        if self is ContinuousClock {
            try await Timers.continuous.sleep(for: duration)
        } else {
            try await sleep(for: duration)
        }
    }

    /// Starts a stopwatch.
    ///
    /// - Returns: what tells the time since then. It spares users of `any Clock<Duration>` the type of its instants.
    public func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: now) }
    }
}

private enum DeadlineEvent<Success: Sendable, Failure: Error>: Sendable {
    case done(Result<Success, Failure>)
    case expired
    case interrupted
}
