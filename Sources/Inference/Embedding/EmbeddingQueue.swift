internal import NIOConcurrencyHelpers

/// Calls of one embedding model, computed one after the other.
///
/// A thread runs while there are calls, and none while there are not.
final class EmbeddingQueue: Sendable {
    /// A call that waits or is computed.
    private final class Call: Sendable {
        let tokens: @Sendable () -> [[TokenID]]
        let isCancelled = NIOLockedValueBox(false)
        let continuation: CheckedContinuation<Result<Embeddings, EmbeddingError>, Never>

        init(
            _ tokens: @escaping @Sendable () -> [[TokenID]],
            _ continuation: CheckedContinuation<Result<Embeddings, EmbeddingError>, Never>
        ) {
            self.tokens = tokens
            self.continuation = continuation
        }
    }

    private struct State {
        var waiting: [Call] = []
        var isRunning = false
    }

    /// Says that a call is over before it has begun.
    private struct Ticket {
        var call: Call?
        var isCancelled = false
    }

    private let computer: any EmbeddingComputer
    private let limit: Int
    private let state = NIOLockedValueBox(State())

    /// A queue in which up to `limit` calls wait for `computer`.
    init(computer: any EmbeddingComputer, limit: Int) {
        self.computer = computer
        self.limit = limit
    }

    /// Waits for the vectors of the texts whose tokens `tokens` gives; it is called on the computing thread.
    func run(_ tokens: @escaping @Sendable () -> [[TokenID]]) async throws(EmbeddingError) -> Embeddings {
        let ticket = NIOLockedValueBox(Ticket())
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let call = Call(tokens, continuation)
                let isCancelled = ticket.withLockedValue { ticket in
                    ticket.call = call
                    return ticket.isCancelled
                }
                if isCancelled { call.isCancelled.withLockedValue { $0 = true } }
                submit(call)
            }
        } onCancel: {
            let call = ticket.withLockedValue { ticket in
                ticket.isCancelled = true
                return ticket.call
            }
            call?.isCancelled.withLockedValue { $0 = true }
        }
        return try result.get()
    }

    private func submit(_ call: Call) {
        let (isFull, starts) = state.withLockedValue { state -> (Bool, Bool) in
            guard state.waiting.count < limit else { return (true, false) }
            state.waiting.append(call)
            defer { state.isRunning = true }
            return (false, !state.isRunning)
        }
        if isFull { call.continuation.resume(returning: .failure(.busy(waiting: limit))) }
        guard starts else { return }
        do throws(ModelError) {
            try startThread { self.drain() }
        } catch {
            let stranded = state.withLockedValue { state in
                defer { state = State() }
                return state.waiting
            }
            for call in stranded { call.continuation.resume(returning: .failure(.failed(error))) }
        }
    }

    private func drain() {
        while let call = next() { call.continuation.resume(returning: compute(call)) }
    }

    private func next() -> Call? {
        state.withLockedValue { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }

    private func compute(_ call: Call) -> Result<Embeddings, EmbeddingError> {
        let goesOn = { !call.isCancelled.withLockedValue(\.self) }
        guard goesOn() else { return .failure(.cancelled) }
        let texts = call.tokens()
        let vectors: [[Float]]
        do throws(ModelError) {
            vectors = try computer.vectors(of: texts, while: goesOn)
        } catch {
            return .failure(.failed(error))
        }
        guard goesOn(), vectors.count == texts.count else { return .failure(.cancelled) }
        return .success(Embeddings(vectors: vectors, tokenCounts: texts.map(\.count)))
    }
}
