import LatticaCore
import Multiformats
import NIOCore

/// Puts frames together from bytes as they arrive.
///
/// It never holds more than one frame of the permitted length and what arrived with it: an announced length over the
/// limit ends the reading before a byte of the frame is kept.
struct RPCFrameReader {
    private var buffer = ByteBuffer()

    /// The bytes held.
    var bufferedByteCount: Int { buffer.readableBytes }

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole frame; `nil` while bytes are missing.
    mutating func next(limits: RPCLimits, frameLimit: ByteCount) throws(RPCError) -> RPCFrame? {
        let decoded: (value: UInt64, length: Int)?
        do {
            decoded = try Varint.decode(buffer.readableBytesView)
        } catch {
            throw .protocolViolation("the length of a frame is malformed")
        }
        guard let decoded else { return nil }
        guard decoded.value <= UInt64(frameLimit.bytes + RPCFrame.overhead) else {
            throw .messageTooLong(limit: frameLimit)
        }
        let length = Int(decoded.value)
        guard buffer.readableBytes >= decoded.length + length else { return nil }
        buffer.moveReaderIndex(forwardBy: decoded.length)
        let bytes = buffer.readBytes(length: length) ?? []
        let frame = try RPCFrame(protobuf: bytes, metadataLimit: limits.maximumMetadataCount)
        if case .message(let message, _) = frame, message.count > frameLimit.bytes {
            throw .messageTooLong(limit: frameLimit)
        }
        return frame
    }
}
