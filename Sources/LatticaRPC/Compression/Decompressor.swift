import LatticaCore
import NIOCore

/// One step of a decompressor.
struct DecompressionStep {
    /// How much of the input was taken.
    var consumed: Int
    /// How much of the output was filled.
    var produced: Int
    /// Whether the stream is complete.
    var isComplete: Bool
}

/// A decompressor of one stream, which fills whatever room it is given.
protocol Decompressor: AnyObject {
    /// Goes on with the stream.
    ///
    /// The output is never empty, the input is once it has ended; neither is kept.
    func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> DecompressionStep
}

extension Decompressor {
    /// Restores one whole stream, of at most so many bytes.
    func decompress(_ bytes: ByteBuffer, limit: ByteCount) throws(CompressionError) -> ByteBuffer {
        var input = bytes
        var output = ByteBuffer()
        var isComplete = false
        while !isComplete {
            // One byte more than allowed tells a stream at the limit from one over it.
            let room = min(Self.room, limit.bytes + 1 - output.readableBytes)
            guard room > 0 else { throw .tooLong(limit: limit) }
            guard input.readableBytes > 0 else { throw .truncated }
            let step = try step(from: input, into: &output, room: room)
            input.moveReaderIndex(forwardBy: step.consumed)
            isComplete = step.isComplete
            if !isComplete, step.consumed == 0, step.produced == 0 { throw .malformed("it does not go on") }
            // What a library still holds when the input has ended comes only into more room.
            if !isComplete, input.readableBytes == 0, step.produced < room { throw .truncated }
            if !isComplete, input.readableBytes == 0 { isComplete = try drain(into: &output, limit: limit) }
        }
        guard output.readableBytes <= limit.bytes else { throw .tooLong(limit: limit) }
        guard input.readableBytes == 0 else { throw .trailingBytes }
        return output
    }

    /// How much is restored at once: enough to make steps rare, little enough to reserve for any message.
    private static var room: Int { 64 << 10 }

    /// Takes what the library holds back after the last of the input.
    private func drain(into output: inout ByteBuffer, limit: ByteCount) throws(CompressionError) -> Bool {
        let nothing = ByteBuffer()
        while true {
            let room = min(Self.room, limit.bytes + 1 - output.readableBytes)
            guard room > 0 else { throw .tooLong(limit: limit) }
            let step = try step(from: nothing, into: &output, room: room)
            if step.isComplete { return true }
            guard step.produced == room else { throw .truncated }
        }
    }

    private func step(
        from input: ByteBuffer,
        into output: inout ByteBuffer,
        room: Int
    ) throws(CompressionError) -> DecompressionStep {
        var result: Result<DecompressionStep, CompressionError> = .failure(.unavailable)
        // The pointers are valid inside the closures, and a decompressor keeps neither.
        _ = unsafe input.withUnsafeReadableBytes { source in
            unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
                do throws(CompressionError) {
                    let step = unsafe try self.step(source, UnsafeMutableRawBufferPointer(rebasing: target[..<room]))
                    result = .success(step)
                    return step.produced
                } catch {
                    result = .failure(error)
                    return 0
                }
            }
        }
        return try result.get()
    }
}

/// Compresses in one go, into room for the worst case.
///
/// - Parameter compress: gets the input and the room, answers how much of it was filled; `nil` if it failed.
func compressAtOnce(
    _ bytes: ByteBuffer,
    bound: Int,
    _ compress: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Int?
) throws(CompressionError) -> ByteBuffer {
    var output = ByteBuffer()
    var isCompressed = false
    _ = unsafe bytes.withUnsafeReadableBytes { source in
        unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
            guard let count = unsafe compress(source, target) else { return 0 }
            isCompressed = true
            return count
        }
    }
    guard isCompressed else { throw .unavailable }
    return output
}
