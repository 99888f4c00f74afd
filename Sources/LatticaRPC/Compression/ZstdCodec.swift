import CZstd
import NIOCore

/// Zstandard.
@safe final class ZstdCodec: Decompressor {
    /// The largest window taken, 8 MiB: what the format asks every decoder to support (RFC 8878, §3.1.1.1.2).
    private static let windowLog: Int32 = 23

    /// `OpaquePointer` to a context that this object alone uses and frees.
    private let context: OpaquePointer?

    init() {
        unsafe context = ZSTD_createDCtx()
        if let context = unsafe context {
            unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog)
        }
    }

    deinit {
        unsafe ZSTD_freeDCtx(context)
    }

    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecompressionStep {
        guard let context = unsafe context else { throw .unavailable }
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let answer = unsafe ZSTD_decompressStream(context, &target, &source)
        guard ZSTD_isError(answer) == 0 else {
            throw unsafe .malformed(String(cString: ZSTD_getErrorName(answer)))
        }
        return unsafe DecompressionStep(consumed: source.pos, produced: target.pos, isComplete: answer == 0)
    }

    static func compress(_ bytes: ByteBuffer) throws(CompressionError) -> ByteBuffer {
        let level: Int32 = 3
        return try unsafe compressAtOnce(bytes, bound: ZSTD_compressBound(bytes.readableBytes)) { source, target in
            let count = unsafe ZSTD_compress(target.baseAddress, target.count, source.baseAddress, source.count, level)
            return ZSTD_isError(count) == 0 ? count : nil
        }
    }
}
