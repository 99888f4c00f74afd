import LatticaCore
import NIOConcurrencyHelpers
import NIOCore

/// One direction of a stream in memory.
final class Pipe: Sendable {
    private struct State {
        var buffer = ByteBuffer()
        var isWriteClosed = false
        var readerFault: StreamError?
        var writerFault: StreamError?
        var reader: WaitingTask?
        var writer: WaitingTask?

        var isOver: Bool { readerFault != nil || isWriteClosed && buffer.readableBytes == 0 }
    }

    private let state = NIOLockedValueBox(State())
    private let window: Int
    private let chunk: Int

    init(window: Int, chunk: Int) {
        self.window = window
        self.chunk = chunk
    }

    func read() async throws(StreamError) -> ByteBuffer? {
        while true {
            let answer: Result<ByteBuffer?, StreamError>? = state.withLockedValue { state in
                if let fault = state.readerFault { return .failure(fault) }
                if let bytes = state.buffer.readSlice(length: min(chunk, state.buffer.readableBytes)),
                    bytes.readableBytes > 0
                {
                    state.buffer.discardReadBytes()
                    return .success(bytes)
                }
                return state.isWriteClosed ? .success(nil) : nil
            }
            if let answer {
                state.wake(\.writer)
                return try answer.get()
            }
            let isReady = await state.wait(at: \.reader) { state in
                state.buffer.readableBytes > 0 || state.isWriteClosed || state.readerFault != nil
            }
            if !isReady { throw .cancelled }
        }
    }

    func write(_ bytes: ByteBuffer) async throws(StreamError) {
        var bytes = bytes
        while true {
            let fault: StreamError? = state.withLockedValue { state in
                if let fault = state.writerFault { return fault }
                if state.isWriteClosed { return .closed }
                let space = max(0, window - state.buffer.readableBytes)
                if var part = bytes.readSlice(length: min(space, bytes.readableBytes)) {
                    state.buffer.writeBuffer(&part)
                }
                return nil
            }
            if let fault { throw fault }
            state.wake(\.reader)
            if bytes.readableBytes == 0 { return }
            let isReady = await state.wait(at: \.writer) { [window] state in
                state.buffer.readableBytes < window || state.isWriteClosed || state.writerFault != nil
            }
            if !isReady { throw .cancelled }
        }
    }

    func closeWrite() throws(StreamError) {
        let fault = state.withLockedValue { state in
            if state.writerFault == nil { state.isWriteClosed = true }
            return state.writerFault
        }
        if let fault { throw fault }
        state.wake(\.reader)
    }

    /// Ends the direction with what each side will see, unless it has ended.
    func end(reader: StreamError, writer: StreamError) {
        state.withLockedValue { state in
            if state.isOver { return }
            state.buffer.clear()
            state.readerFault = reader
            state.writerFault = writer
        }
        state.wake(\.reader)
        state.wake(\.writer)
    }

    /// The writer is gone; what it has closed properly stays readable.
    func dropWriter() {
        guard !state.withLockedValue(\.isWriteClosed) else { return }
        end(reader: .resetByPeer, writer: .closed)
    }
}
