import CLZ4
import NIOCore

/// LZ4's frame format.
@safe final class LZ4Codec: Decompressor {
    /// `OpaquePointer` to a context that this object alone uses and frees.
    private let context: OpaquePointer?

    init() {
        var made: OpaquePointer?
        let answer = unsafe LZ4F_createDecompressionContext(&made, UInt32(LZ4F_VERSION))
        unsafe context = LZ4F_isError(answer) == 0 ? made : nil
    }

    deinit {
        unsafe LZ4F_freeDecompressionContext(context)
    }

    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecompressionStep {
        guard let context = unsafe context else { throw .unavailable }
        var (consumed, produced) = (input.count, output.count)
        let answer = unsafe LZ4F_decompress(context, output.baseAddress, &produced, input.baseAddress, &consumed, nil)
        guard LZ4F_isError(answer) == 0 else {
            throw unsafe .malformed(String(cString: LZ4F_getErrorName(answer)))
        }
        return DecompressionStep(consumed: consumed, produced: produced, isComplete: answer == 0)
    }

    static func compress(_ bytes: ByteBuffer) throws(CompressionError) -> ByteBuffer {
        let bound = LZ4F_compressFrameBound(bytes.readableBytes, nil)
        return try unsafe compressAtOnce(bytes, bound: bound) { source, target in
            let count = unsafe LZ4F_compressFrame(
                target.baseAddress,
                target.count,
                source.baseAddress,
                source.count,
                nil
            )
            return LZ4F_isError(count) == 0 ? count : nil
        }
    }
}
