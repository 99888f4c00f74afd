public import LatticaCore
public import Multiformats
public import NIOCore

/// Whole messages on a stream, each behind its length as an unsigned varint, as most protocols of libp2p send them.
///
/// One task reads and one writes, as on the stream itself. Deadlines are the caller's: `Clock.withDeadline`.
public struct MessageStream: ~Copyable {
    /// What carries the messages.
    public let stream: any MuxedStream

    private let limit: ByteCount
    private var buffer = ByteBuffer()

    /// - Parameter limit: the longest message taken, its length included; a longer one is refused before its bytes are held.
    public init(_ stream: any MuxedStream, limit: ByteCount) {
        self.stream = stream
        self.limit = limit
    }

    /// The next message; `nil` once the peer has closed its side behind a whole one.
    public mutating func read() async throws(MessageError) -> ByteBuffer? {
        while true {
            if let message = try next() { return message }
            let more: ByteBuffer?
            do { more = try await stream.read() } catch { throw .stream(error) }
            guard let more else {
                guard buffer.readableBytes == 0 else { throw .truncated }
                return nil
            }
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(more)
        }
    }

    /// Sends a message.
    public func write(_ message: some Collection<UInt8>) async throws(StreamError) {
        var bytes = ByteBuffer(bytes: Varint.encode(UInt64(message.count)))
        bytes.writeBytes(message)
        try await stream.write(bytes)
    }

    private mutating func next() throws(MessageError) -> ByteBuffer? {
        let decoded: (value: UInt64, length: Int)?
        do { decoded = try Varint.decode(buffer.readableBytesView) } catch { throw .malformedLength(error) }
        guard let decoded else { return nil }
        guard decoded.value <= UInt64(limit.bytes), Int(decoded.value) + decoded.length <= limit.bytes else {
            throw .tooLong(limit: limit)
        }
        let length = Int(decoded.value)
        guard buffer.readableBytes >= decoded.length + length else { return nil }
        buffer.moveReaderIndex(forwardBy: decoded.length)
        return buffer.readSlice(length: length)
    }
}

/// Why no message could be read.
public enum MessageError: Error, Hashable {
    /// The stream ended.
    case stream(StreamError)
    /// The peer announces more than is taken.
    case tooLong(limit: ByteCount)
    /// The length is not a number of at most nine bytes.
    case malformedLength(VarintError)
    /// The peer stopped in the middle of a message.
    case truncated
}
