import LatticaCore
import NIOCore

/// Puts frames together from bytes as they arrive.
///
/// Frames that arrive whole are read where they lie. Of a frame that arrives in pieces the pieces are joined, and no byte
/// more: an announced length over the limit ends the reading before a byte of the frame is kept.
struct RPCFrameReader {
    private var input = ByteBuffer()
    /// The beginning of a frame whose end has not arrived.
    private var partial = ByteBuffer()

    /// The bytes held.
    var bufferedByteCount: Int { input.readableBytes + partial.readableBytes }

    /// Takes bytes, behind those that have not been read.
    mutating func append(_ bytes: ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole frame; `nil` while bytes are missing.
    mutating func next(limits: RPCLimits) throws(RPCError) -> RPCFrame? {
        while partial.readableBytes > 0 {
            let missing = try missingByteCount(of: partial) ?? 1
            if missing == 0 { break }
            guard var part = input.readSlice(length: min(missing, input.readableBytes)), part.readableBytes > 0 else {
                return nil
            }
            partial.writeBuffer(&part)
        }
        if partial.readableBytes > 0 {
            defer { partial = ByteBuffer() }
            return try Self.take(from: &partial, limits: limits)
        }
        guard let missing = try missingByteCount(of: input), missing == 0 else {
            // A copy of its own: what is left of the input may be a sliver of a large buffer.
            partial.writeBuffer(&input)
            input = ByteBuffer()
            return nil
        }
        return try Self.take(from: &input, limits: limits)
    }

    /// How many bytes of the first frame have not arrived; `nil` while its length has not.
    private func missingByteCount(of bytes: ByteBuffer) throws(RPCError) -> Int? {
        var bytes = bytes
        guard let length = try bytes.readUvarint() else { return nil }
        guard length <= UInt64(RPCFrame.maximumLength) else {
            throw .protocolViolation("a frame of \(length) bytes, and \(RPCFrame.maximumLength) are the most")
        }
        return max(0, Int(length) - bytes.readableBytes)
    }

    private static func take(from bytes: inout ByteBuffer, limits: RPCLimits) throws(RPCError) -> RPCFrame? {
        guard let length = try bytes.readUvarint(), let frame = bytes.readSlice(length: Int(length)) else { return nil }
        return try RPCFrame(reading: frame, limits: limits)
    }
}
