import NIOCore

/// The messages of one direction of a call, in order.
///
/// It can be gone through once, by one task. On the caller's side, letting go of it gives the call up.
public struct RPCMessages<Message: RPCMessage>: AsyncSequence, Sendable {
    /// One message.
    public typealias Element = Message

    private let receive: @Sendable () async throws(RPCError) -> ByteBuffer?

    init(_ receive: @escaping @Sendable () async throws(RPCError) -> ByteBuffer?) {
        self.receive = receive
    }

    /// Gives the messages one after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let receive: @Sendable () async throws(RPCError) -> ByteBuffer?

        /// The next message; `nil` after the last.
        public mutating func next() async throws -> Message? {
            guard let bytes = try await receive() else { return nil }
            return try Message(rpcBytes: bytes)
        }
    }

    /// Begins with the next message.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(receive: receive)
    }
}
