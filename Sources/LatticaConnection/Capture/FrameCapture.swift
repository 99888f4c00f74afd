public import LatticaCore
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Writes down every decrypted frame of a host's connections, one JSON object a line, to see what peers say.
///
/// ```
/// {"time":12.000345,"connection":3,"direction":"in","type":"data","flags":["SYN"],"stream":1,"length":2,"payload":"6869"}
/// ```
/// `time` is in seconds on the clock of the event loops; `payload` has the first bytes in hexadecimal. Lines wait in
/// a bounded queue for the disk; frames that find it full are left out, and `{"dropped":N}` tells how many.
///
/// It shows what peers say to each other in the clear; the file is readable for its owner alone.
public final class FrameCapture: Sendable {
    private struct State {
        var waiting = ByteBuffer()
        var dropped = 0
        var allDropped = 0
        var isWriting = false
        var isClosed = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = NIOLockedValueBox(State())
    private let file: CInt
    private let payloadLimit: Int
    private let queueLimit: Int

    /// Begins a capture.
    ///
    /// - Parameters:
    ///   - path: the file, made or continued.
    ///   - payload: how much of each payload is shown.
    ///   - queue: how much text may wait for the disk.
    public init(
        path: String,
        payload: ByteCount = 64,
        queue: ByteCount = .mebibytes(4)
    ) throws(FrameCaptureError) {
        payloadLimit = payload.bytes
        queueLimit = queue.bytes
        file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .cannotOpen(path, errno: errno) }
    }

    /// How many frames were left out, because the disk was too slow.
    public var droppedFrames: Int { state.withLockedValue(\.allDropped) }

    /// Writes what waits and closes the file; later frames are passed over.
    public func close() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLockedValue { state in
                state.isClosed = true
                if state.isWriting || state.waiting.readableBytes > 0 {
                    state.closers.append(continuation)
                    return false
                }
                return true
            }
            if isIdle { continuation.resume() }
        }
    }

    deinit {
        systemClose(file)
    }

    func record(
        _ header: YamuxHeader,
        _ payload: ByteBuffer,
        isReceived: Bool,
        connection: UInt64,
        at time: NIODeadline
    ) {
        let begins = state.withLockedValue { state in
            guard !state.isClosed else { return false }
            guard state.waiting.readableBytes < queueLimit else {
                state.dropped += 1
                state.allDropped += 1
                return false
            }
            if state.dropped > 0 {
                state.waiting.writeString("{\"dropped\":\(state.dropped)}\n")
                state.dropped = 0
            }
            let shown = header.kind == .data ? min(payloadLimit, Int(header.length), payload.readableBytes) : 0
            state.waiting.writeFrame(header, payload.readableBytesView.prefix(shown), isReceived, connection, time)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { NIOThreadPool.singleton.submit { _ in self.write() } }
    }

    /// Writes until nothing waits; on a thread that may block.
    private func write() {
        while true {
            let (text, closers): (ByteBuffer?, [CheckedContinuation<Void, Never>]) = state.withLockedValue { state in
                guard state.waiting.readableBytes > 0 else {
                    state.isWriting = false
                    defer { state.closers = [] }
                    return (nil, state.closers)
                }
                defer { state.waiting = ByteBuffer() }
                return (state.waiting, [])
            }
            for closer in closers { closer.resume() }
            guard let text else { return }
            write(text)
        }
    }

    /// A disk that is full loses the lines, which is no reason to disturb the connections.
    private func write(_ text: ByteBuffer) {
        unsafe text.withUnsafeReadableBytes { bytes in
            var rest = unsafe bytes[...]
            while unsafe !rest.isEmpty {
                let count = unsafe systemWrite(file, UnsafeRawBufferPointer(rebasing: rest))
                guard count > 0 else { return }
                unsafe rest = rest.dropFirst(count)
            }
        }
    }
}

/// Why no capture could begin.
public enum FrameCaptureError: Error, Hashable {
    /// The system does not open the file; the number is the system's.
    case cannotOpen(String, errno: CInt)
}

extension ByteBuffer {
    fileprivate mutating func writeFrame(
        _ header: YamuxHeader,
        _ payload: ByteBufferView.SubSequence,
        _ isReceived: Bool,
        _ connection: UInt64,
        _ time: NIODeadline
    ) {
        let microseconds = time.uptimeNanoseconds / 1000
        let fraction = "\(1_000_000 + microseconds % 1_000_000)".dropFirst()
        let flags = header.flags.names.map { "\"\($0)\"" }.joined(separator: ",")
        writeString(
            """
            {"time":\(microseconds / 1_000_000).\(fraction),"connection":\(connection),\
            "direction":"\(isReceived ? "in" : "out")","type":"\(header.kind.name)","flags":[\(flags)],\
            "stream":\(header.stream),"length":\(header.length)
            """
        )
        if header.kind == .data, header.length > 0 {
            writeString(",\"payload\":\"")
            for byte in payload {
                writeInteger(Self.hexadecimal(byte >> 4))
                writeInteger(Self.hexadecimal(byte & 15))
            }
            writeString("\"")
        }
        writeString("}\n")
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}

extension YamuxHeader.Kind {
    fileprivate var name: String {
        switch self {
        case .data: "data"
        case .windowUpdate: "window-update"
        case .ping: "ping"
        case .goAway: "go-away"
        }
    }
}

extension YamuxHeader.Flags {
    fileprivate var names: [String] {
        let known: [(Self, String)] = [(.syn, "SYN"), (.ack, "ACK"), (.fin, "FIN"), (.rst, "RST")]
        return known.filter { contains($0.0) }.map(\.1)
    }
}
