import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// One call that a server works on: the handler, and beside it a task that reads, so that a caller who leaves is
/// noticed at once, and one that watches the deadline.
struct RPCServerWork: Sendable {
    let stream: any MuxedStream
    let opening: RPCOpening
    let limits: RPCLimits
    let clock: any Clock<Duration>
    let server: RPCServer

    private enum Event {
        case answered(RPCStatus)
        case readingEnded(RPCError?)
        case deadlinePassed
        case interrupted
    }

    /// Runs the handler to its end.
    ///
    /// - Returns: the status to send; `nil` if the caller has left.
    func run() async throws(RPCError) -> RPCStatus? {
        let inbox = RPCInbox(limits: limits)
        let leg = RPCStreamServerLeg(stream: stream, inbox: inbox)
        let deadline = opening.header.deadline.map { min($0, limits.maximumDeadline) }
        return try await withTaskGroup(of: Event.self) { group in
            group.addTask {
                .answered(
                    await server.answer(
                        opening.header.method,
                        peer: stream.remotePeer,
                        metadata: opening.header.metadata,
                        deadline: opening.header.deadline,
                        leg: leg
                    )
                )
            }
            group.addTask { .readingEnded(await read(into: inbox)) }
            if let deadline {
                group.addTask {
                    do { try await clock.sleep(for: deadline) } catch { return .interrupted }
                    return .deadlinePassed
                }
            }
            var verdict: Result<RPCStatus?, RPCError>?
            while let event = await group.next() {
                // The first event decides; the tasks that are left are stopped, and waited for.
                switch event {
                case .answered(let status): verdict = verdict ?? .success(status)
                case .readingEnded(let error): verdict = verdict ?? .failure(error ?? .cancelled)
                case .deadlinePassed:
                    let status = RPCStatus(code: .deadlineExceeded, message: "the deadline passed")
                    verdict = verdict ?? .success(status)
                case .interrupted: continue
                }
                inbox.fail(.cancelled)
                group.cancelAll()
            }
            leg.close()
            return verdict ?? .failure(.cancelled)
        }.get()
    }

    /// Feeds the inbox until the caller leaves, which it may do only after the status.
    private func read(into inbox: RPCInbox) async -> RPCError? {
        var reader = opening.reader
        var hasFinished = false
        do throws(RPCError) {
            while true {
                while let frame = try reader.next(limits: limits, frameLimit: limits.maximumMessage) {
                    guard !hasFinished else { throw .protocolViolation("a frame after the last message") }
                    switch frame {
                    case .message(let message, let isLast):
                        guard await inbox.put(message) else { return .cancelled }
                        hasFinished = isLast
                    case .end: hasFinished = true
                    case .header, .status: throw .protocolViolation("a frame out of place")
                    }
                    if hasFinished { inbox.finish() }
                }
                let bytes: ByteBuffer?
                do throws(StreamError) { bytes = try await stream.read() } catch { throw RPCError(error) }
                guard let bytes else { return .cancelled }
                reader.append(bytes)
            }
        } catch {
            return error
        }
    }
}

/// The handler's end of a call that has a stream of its own.
private struct RPCStreamServerLeg: RPCServerLeg {
    let stream: any MuxedStream
    let inbox: RPCInbox
    private let isOver = NIOLockedValueBox(false)

    init(stream: any MuxedStream, inbox: RPCInbox) {
        self.stream = stream
        self.inbox = inbox
    }

    func receive() async throws(RPCError) -> ByteBuffer? {
        try await inbox.receive().map { ByteBuffer(bytes: $0) }
    }

    func send(_ message: ByteBuffer) async throws(RPCError) {
        if isOver.withLockedValue({ $0 }) { throw .ended }
        do {
            try await stream.write(RPCFrame.encode(.message(Array(buffer: message), isLast: false)))
        } catch {
            // Half a message may be on its way; nothing can follow it.
            if error == .cancelled { stream.reset() }
            throw error == .resetByPeer ? .cancelled : RPCError(error)
        }
    }

    /// The handler has ended: whoever still holds the call can send nothing behind the status.
    func close() {
        isOver.withLockedValue { $0 = true }
    }
}
