import NIOCore

/// Messages that have arrived and are not read.
///
/// Most calls have one message each way, which needs no queue.
struct RPCInbox: Sendable {
    private var first: ByteBuffer?
    private var rest: CircularBuffer<ByteBuffer>?

    var isEmpty: Bool { first == nil }

    mutating func append(_ message: ByteBuffer) {
        if first == nil {
            first = message
        } else if rest == nil {
            rest = [message]
        } else {
            rest?.append(message)
        }
    }

    mutating func popFirst() -> ByteBuffer? {
        guard let message = first else { return nil }
        first = rest?.popFirst()
        return message
    }

    mutating func removeAll() {
        first = nil
        rest = nil
    }
}
