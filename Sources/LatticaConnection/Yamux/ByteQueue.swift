import NIOCore

/// Bytes that wait to be read, in order.
///
/// Large parts are kept as they came, without a copy; small ones are copied together, because a small slice would keep
/// the whole buffer alive that it was received in.
struct ByteQueue {
    /// A part kept as it came fills at least such a fraction of the memory that it holds on to.
    private static let leastFill = 4

    private var first = ByteBuffer()
    /// What follows the first part; made when there is a second one.
    private var rest: CircularBuffer<ByteBuffer>?

    /// How many bytes wait.
    private(set) var count = 0

    mutating func append(_ part: ByteBuffer) {
        count += part.readableBytes
        let isKept = part.readableBytes * Self.leastFill >= part.storageCapacity
        if first.readableBytes == 0 {
            if isKept { first = part } else { first.writeImmutableBuffer(part) }
        } else if isKept {
            rest = rest ?? CircularBuffer(initialCapacity: 4)
            rest?.append(part)
        } else if let last = rest?.indices.last {
            rest?[last].writeImmutableBuffer(part)
        } else {
            first.writeImmutableBuffer(part)
        }
    }

    /// Takes the next part; `nil` when nothing waits.
    mutating func popFirst() -> ByteBuffer? {
        guard count > 0 else { return nil }
        let part = first
        count -= part.readableBytes
        if let next = rest?.popFirst() {
            first = next
        } else {
            first = ByteBuffer()
            rest = nil
        }
        return part
    }

    mutating func removeAll() {
        self = ByteQueue()
    }
}
