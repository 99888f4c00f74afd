import CBrotli
import NIOCore

/// Brotli.
@safe final class BrotliCodec: Decompressor {
    /// `OpaquePointer` to a decoder that this object alone uses and frees.
    private let decoder: OpaquePointer?

    init() {
        unsafe decoder = BrotliDecoderCreateInstance(nil, nil, nil)
    }

    deinit {
        unsafe BrotliDecoderDestroyInstance(decoder)
    }

    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecompressionStep {
        guard let decoder = unsafe decoder else { throw .unavailable }
        var (given, room) = (input.count, output.count)
        var source = unsafe input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        var target = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let answer = unsafe BrotliDecoderDecompressStream(decoder, &given, &source, &room, &target, nil)
        if answer == BROTLI_DECODER_RESULT_ERROR {
            let code = unsafe BrotliDecoderGetErrorCode(decoder)
            throw unsafe .malformed(String(cString: BrotliDecoderErrorString(code)))
        }
        return DecompressionStep(
            consumed: input.count - given,
            produced: output.count - room,
            isComplete: answer == BROTLI_DECODER_RESULT_SUCCESS
        )
    }

    static func compress(_ bytes: ByteBuffer) throws(CompressionError) -> ByteBuffer {
        // Brotli's own choice of 11 costs a hundred times as much for a tenth of the length.
        let quality: Int32 = 5
        let bound = max(BrotliEncoderMaxCompressedSize(bytes.readableBytes), 16)
        return try unsafe compressAtOnce(bytes, bound: bound) { source, target in
            var count = target.count
            let isDone = unsafe BrotliEncoderCompress(
                quality,
                BROTLI_DEFAULT_WINDOW,
                BROTLI_MODE_GENERIC,
                source.count,
                source.baseAddress?.assumingMemoryBound(to: UInt8.self),
                &count,
                target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            )
            return isDone == BROTLI_TRUE ? count : nil
        }
    }
}
