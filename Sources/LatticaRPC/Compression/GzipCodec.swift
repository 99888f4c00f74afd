import CZlib
import NIOCore

/// gzip by zlib.
@safe final class GzipCodec: Decompressor {
    /// 15 bits of window, and 16 that ask for gzip's header instead of zlib's.
    private static let windowBits: Int32 = 15 + 16

    /// Of this object alone, and at one place while it lives: zlib remembers the address.
    private let stream: UnsafeMutablePointer<z_stream>
    private let isReady: Bool

    init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        isReady = unsafe inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, size) == Z_OK
    }

    deinit {
        if isReady { unsafe inflateEnd(stream) }
        unsafe stream.deallocate()
    }

    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecompressionStep {
        guard isReady else { throw .unavailable }
        let (given, room) = (min(input.count, Self.most), min(output.count, Self.most))
        // zlib only reads from what it declares mutable, and both pointers are forgotten below.
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        )
        unsafe stream.pointee.avail_in = UInt32(given)
        unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(room)
        let answer = unsafe inflate(stream, Z_NO_FLUSH)
        let step = unsafe DecompressionStep(
            consumed: given - Int(stream.pointee.avail_in),
            produced: room - Int(stream.pointee.avail_out),
            isComplete: answer == Z_STREAM_END
        )
        unsafe stream.pointee.next_in = nil
        unsafe stream.pointee.next_out = nil
        switch answer {
        case Z_OK, Z_STREAM_END, Z_BUF_ERROR: return step
        case Z_MEM_ERROR: throw .unavailable
        default: throw .malformed("zlib answers \(answer)")
        }
    }

    /// zlib counts in 32 bits.
    private static let most = Int(UInt32.max)

    static func compress(_ bytes: ByteBuffer) throws(CompressionError) -> ByteBuffer {
        guard bytes.readableBytes <= most else { throw .unavailable }
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        defer { unsafe stream.deallocate() }
        unsafe stream.initialize(to: z_stream())
        let level: Int32 = 6
        let answer = unsafe deflateInit2_(
            stream,
            level,
            Z_DEFLATED,
            windowBits,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard answer == Z_OK else { throw .unavailable }
        defer { unsafe deflateEnd(stream) }
        let bound = unsafe Int(deflateBound(stream, UInt(bytes.readableBytes)))
        return try unsafe compressAtOnce(bytes, bound: bound) { source, target in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            unsafe stream.pointee.avail_in = UInt32(source.count)
            unsafe stream.pointee.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(min(target.count, most))
            guard unsafe deflate(stream, Z_FINISH) == Z_STREAM_END else { return nil }
            return unsafe min(target.count, most) - Int(stream.pointee.avail_out)
        }
    }
}
