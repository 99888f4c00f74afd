import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// Lets so many callers at once deal with a peer; the others wait in line.
final class PeerTurns: Sendable {
    private struct Line {
        var active = 0
        var waiting = CircularBuffer<(number: Int, task: CheckedContinuation<Bool, Never>)>()
    }

    private struct State {
        var lines: [PeerID: Line] = [:]
        var next = 0
    }

    private let state = NIOLockedValueBox(State())
    private let limit: Int
    private let waitingLimit: Int

    init(limit: Int, waitingLimit: Int) {
        self.limit = max(1, limit)
        self.waitingLimit = waitingLimit
    }

    /// Takes a turn if there is one, which is to be given back.
    func takeAtOnce(_ peer: PeerID) -> Bool {
        state.withLockedValue { state in
            guard state.lines[peer, default: Line()].active < limit else { return false }
            state.lines[peer, default: Line()].active += 1
            return true
        }
    }

    /// Waits for a turn, which is to be given back.
    func take(_ peer: PeerID) async throws(RPCError) {
        let number: Int? = state.withLockedValue { state in
            state.next += 1
            return state.lines[peer, default: Line()].waiting.count < waitingLimit ? state.next : nil
        }
        guard let number else { throw .failed(code: .resourceExhausted, message: "too many calls wait for \(peer)") }
        let isTurn = await withTaskCancellationHandler {
            await withCheckedContinuation { (task: CheckedContinuation<Bool, Never>) in
                let answer: Bool? = state.withLockedValue { state in
                    // The handler below runs after the task is marked, so it finds what is put here later.
                    if Task.isCancelled { return false }
                    guard state.lines[peer, default: Line()].active >= limit else {
                        state.lines[peer, default: Line()].active += 1
                        return true
                    }
                    state.lines[peer]?.waiting.append((number, task))
                    return nil
                }
                if let answer { task.resume(returning: answer) }
            }
        } onCancel: {
            let task: CheckedContinuation<Bool, Never>? = state.withLockedValue { state in
                guard let index = state.lines[peer]?.waiting.firstIndex(where: { $0.number == number }) else {
                    return nil
                }
                return state.lines[peer]?.waiting.remove(at: index).task
            }
            task?.resume(returning: false)
        }
        guard isTurn else { throw .cancelled }
    }

    func giveBack(_ peer: PeerID) {
        let next: CheckedContinuation<Bool, Never>? = state.withLockedValue { state in
            guard var line = state.lines[peer] else { return nil }
            if let next = line.waiting.popFirst() {
                state.lines[peer] = line
                return next.task
            }
            line.active -= 1
            state.lines[peer] = line.active > 0 ? line : nil
            return nil
        }
        next?.resume(returning: true)
    }
}
