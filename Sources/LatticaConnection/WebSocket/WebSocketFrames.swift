import NIOCore

/// Takes bytes out of frames and puts them in (RFC 6455 §5).
///
/// The boundaries of frames and messages mean nothing here: a payload is passed on as it comes, so that a long frame
/// takes no memory. What is kept are the bytes of a header or of a control frame that is not whole, 139 at most.
struct WebSocketFrames {
    enum Event: Equatable {
        /// Bytes of a binary message, some of a frame or all.
        case bytes(ByteBuffer)
        /// To be answered with the same content.
        case ping(ByteBuffer)
        case pong
        /// The other side closes; the code is absent if it tells none.
        case close(code: UInt16?)
    }

    /// What libp2p peers send fits four times; they split at 64 KiB and less.
    static let longestReceived = 1 << 20
    /// So much is sent in one frame.
    static let longestSent = 1 << 16

    private enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    private struct Header {
        var isFinal: Bool
        var opcode: Opcode
        var mask: UInt32?
        var length: Int
        /// The bytes that the header itself takes.
        var byteCount: Int
    }

    private let isClient: Bool
    private var isInMessage = false
    private var remaining = 0
    private var mask: UInt32 = 0

    init(isClient: Bool) {
        self.isClient = isClient
    }

    // MARK: - Receiving

    /// Takes the next event off the input; `nil` while bytes are missing.
    mutating func next(_ input: inout ByteBuffer) throws(WebSocketError) -> Event? {
        while true {
            if remaining > 0 { return payload(&input).map(Event.bytes) }
            guard let header = try header(of: input) else { return nil }
            if header.opcode.isControl { return try control(header, &input) }
            input.moveReaderIndex(forwardBy: header.byteCount)
            isInMessage = !header.isFinal
            remaining = header.length
            mask = header.mask ?? 0
        }
    }

    private mutating func payload(_ input: inout ByteBuffer) -> ByteBuffer? {
        let count = min(remaining, input.readableBytes)
        guard count > 0 else { return nil }
        // Before the slice is taken, since then the bytes are nobody else's and stay where they are.
        input.toggle(mask: mask, count: count)
        // The next part begins in the middle of the mask.
        mask = rotated(mask, count)
        remaining -= count
        return input.readSlice(length: count)
    }

    private func control(_ header: Header, _ input: inout ByteBuffer) throws(WebSocketError) -> Event? {
        guard input.readableBytes >= header.byteCount + header.length else { return nil }
        input.moveReaderIndex(forwardBy: header.byteCount)
        input.toggle(mask: header.mask ?? 0, count: header.length)
        guard var content = input.readSlice(length: header.length) else { return nil }
        switch header.opcode {
        case .ping: return .ping(content)
        case .pong: return .pong
        case .close, .continuation, .text, .binary:
            guard header.length != 1 else { throw .malformedFrame }
            return .close(code: content.readInteger())
        }
    }

    private func header(of input: ByteBuffer) throws(WebSocketError) -> Header? {
        var input = input
        guard let (first, second) = input.readMultipleIntegers(as: (UInt8, UInt8).self) else { return nil }
        // No extension is agreed on that would give the reserved bits a meaning.
        guard first & 0x70 == 0, let opcode = Opcode(rawValue: first & 0x0f) else { throw .malformedFrame }
        let isFinal = first & 0x80 != 0
        switch opcode {
        case .text: throw .text
        case .binary: if isInMessage { throw .malformedFrame }
        case .continuation: if !isInMessage { throw .malformedFrame }
        case .close, .ping, .pong: if !isFinal || second & 0x7f > 125 { throw .malformedFrame }
        }
        // A client masks, so that nobody can make it speak to a proxy in the proxy's language; a server does not.
        guard second & 0x80 == 0 || !isClient, second & 0x80 != 0 || isClient else { throw .malformedFrame }
        let length: UInt64
        var byteCount = isClient ? 2 : 6
        switch second & 0x7f {
        case 126:
            guard let long = input.readInteger(as: UInt16.self) else { return nil }
            length = UInt64(long)
            byteCount += 2
        case 127:
            guard let long = input.readInteger(as: UInt64.self) else { return nil }
            length = long
            byteCount += 8
        case let short:
            length = UInt64(short)
        }
        guard length <= UInt64(Self.longestReceived) else {
            throw .frameTooLong(declared: length, limit: Self.longestReceived)
        }
        var mask: UInt32?
        if !isClient {
            guard let key = input.readInteger(as: UInt32.self) else { return nil }
            mask = key
        }
        return Header(isFinal: isFinal, opcode: opcode, mask: mask, length: Int(length), byteCount: byteCount)
    }

    // MARK: - Sending

    /// The frames for some bytes, in the order in which they are to be sent.
    func frames(for bytes: ByteBuffer) -> [ByteBuffer] {
        var rest = bytes
        var frames: [ByteBuffer] = []
        while let part = rest.readSlice(length: min(rest.readableBytes, Self.longestSent)), part.readableBytes > 0 {
            frames.append(frame(.binary, part))
        }
        return frames
    }

    /// The answer to a ping.
    func pong(_ content: ByteBuffer) -> ByteBuffer {
        frame(.pong, content)
    }

    /// The farewell.
    func close(code: UInt16) -> ByteBuffer {
        frame(.close, ByteBuffer(integer: code))
    }

    private func frame(_ opcode: Opcode, _ payload: ByteBuffer) -> ByteBuffer {
        // In one buffer, so that a cipher underneath makes one record of it.
        var frame = ByteBufferAllocator().buffer(capacity: payload.readableBytes + 14)
        frame.writeInteger(0x80 | opcode.rawValue)
        let maskBit: UInt8 = isClient ? 0x80 : 0
        switch payload.readableBytes {
        case ..<126:
            frame.writeInteger(maskBit | UInt8(truncatingIfNeeded: payload.readableBytes))
        case ...0xffff:
            frame.writeInteger(maskBit | 126)
            frame.writeInteger(UInt16(truncatingIfNeeded: payload.readableBytes))
        default:
            frame.writeInteger(maskBit | 127)
            frame.writeInteger(UInt64(payload.readableBytes))
        }
        guard isClient else {
            frame.writeImmutableBuffer(payload)
            return frame
        }
        let mask = UInt32.random(in: 0...(.max))
        frame.writeInteger(mask)
        let start = frame.readerIndex
        let headerByteCount = frame.readableBytes
        frame.writeImmutableBuffer(payload)
        frame.moveReaderIndex(forwardBy: headerByteCount)
        frame.toggle(mask: mask, count: payload.readableBytes)
        frame.moveReaderIndex(to: start)
        return frame
    }
}

/// The mask as it goes on after some bytes.
private func rotated(_ mask: UInt32, _ byteCount: Int) -> UInt32 {
    let bits = UInt32(8 * (byteCount & 3))
    return mask &<< bits | (bits == 0 ? 0 : mask &>> (32 &- bits))
}

extension ByteBuffer {
    /// Masks or unmasks the first bytes that can be read, in their place (RFC 6455 §5.3).
    fileprivate mutating func toggle(mask: UInt32, count: Int) {
        guard mask != 0, count > 0 else { return }
        let wide = (UInt64(mask) << 32 | UInt64(mask)).bigEndian
        // Every place that is touched lies before `count`, which is within what can be read.
        unsafe withUnsafeMutableReadableBytes { bytes in
            var offset = 0
            while offset + 8 <= count {
                unsafe bytes.storeBytes(
                    of: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) ^ wide,
                    toByteOffset: offset,
                    as: UInt64.self
                )
                offset += 8
            }
            while offset < count {
                unsafe bytes[offset] ^= UInt8(truncatingIfNeeded: mask >> UInt32(24 - 8 * (offset & 3)))
                offset += 1
            }
        }
    }
}
