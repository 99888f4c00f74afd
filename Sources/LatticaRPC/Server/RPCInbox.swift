import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// The messages of a caller that its handler has not taken yet.
///
/// One task puts in and waits while it is full; one takes out and waits while it is empty.
final class RPCInbox: Sendable {
    typealias WaitingTask = CheckedContinuation<Bool, Never>

    private struct State {
        var messages = CircularBuffer<[UInt8]>()
        var byteCount = 0
        var end: End?
        var receiver: WaitingTask?
        var feeder: WaitingTask?
    }

    private enum End {
        case finished
        case failed(RPCError)
    }

    private let state = NIOLockedValueBox(State())
    private let limits: RPCLimits

    init(limits: RPCLimits) {
        self.limits = limits
    }

    /// The next message; `nil` when the caller has finished.
    func receive() async throws(RPCError) -> [UInt8]? {
        while true {
            let answer: Result<[UInt8]?, RPCError>? = state.withLockedValue { state in
                if case .failed(let error) = state.end { return .failure(error) }
                if let message = state.messages.popFirst() {
                    state.byteCount -= message.count
                    return .success(message)
                }
                return state.end == nil ? nil : .success(nil)
            }
            if let answer {
                wake(\.feeder)
                return try answer.get()
            }
            let isReady = await wait(at: \.receiver) { !$0.messages.isEmpty || $0.end != nil }
            if !isReady { throw .cancelled }
        }
    }

    /// Puts a message in, once there is room.
    ///
    /// - Returns: `false` if the task is cancelled.
    func put(_ message: [UInt8]) async -> Bool {
        let hasRoom: @Sendable (State) -> Bool = { [limits] state in
            state.messages.isEmpty
                || state.messages.count < limits.maximumBufferedMessages
                    && state.byteCount + message.count <= limits.maximumMessage.bytes
        }
        guard await wait(at: \.feeder, unless: hasRoom) else { return false }
        state.withLockedValue { state in
            state.messages.append(message)
            state.byteCount += message.count
        }
        wake(\.receiver)
        return true
    }

    /// The caller sends no more.
    func finish() {
        end(.finished)
    }

    /// The call is over before its handler is; what waits is dropped.
    func fail(_ error: RPCError) {
        end(.failed(error))
    }

    private func end(_ end: End) {
        state.withLockedValue { state in
            if case .failed = state.end { return }
            state.end = end
        }
        wake(\.receiver)
    }

    private func wait(
        at place: any WritableKeyPath<State, WaitingTask?> & Sendable,
        unless isReady: @Sendable (State) -> Bool
    ) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (task: WaitingTask) in
                let answer: Bool? = state.withLockedValue { state in
                    if isReady(state) { return true }
                    // The handler below runs after the task is marked, so it finds what is put here later.
                    if Task.isCancelled { return false }
                    precondition(state[keyPath: place] == nil, "two tasks receive from one call")
                    state[keyPath: place] = task
                    return nil
                }
                if let answer { task.resume(returning: answer) }
            }
        } onCancel: {
            wake(place, with: false)
        }
    }

    private func wake(_ place: any WritableKeyPath<State, WaitingTask?> & Sendable, with answer: Bool = true) {
        let task = state.withLockedValue { state in
            let task = state[keyPath: place]
            state[keyPath: place] = nil
            return task
        }
        task?.resume(returning: answer)
    }
}
