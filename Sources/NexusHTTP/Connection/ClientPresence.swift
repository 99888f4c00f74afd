internal import NIOCore

/// The client at the other end of a request, as long as it is there.
struct ClientPresence: Sendable {
    let channel: any Channel

    /// A stream without elements that ends when the client has left.
    func departure() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        channel.eventLoop.execute { [channel] in
            do {
                try channel.pipeline.syncOperations.handler(type: ConnectionGuard.self).watch(continuation)
            } catch {
                // The pipeline of a closed connection is empty.
                continuation.finish()
            }
        }
        return stream
    }

    /// Runs `operation` and cancels it when the client leaves.
    ///
    /// - Throws: ``ClientLeft``, or what `operation` throws.
    func whilePresent<Value: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let departure = departure()
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                for await _ in departure {}
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else { throw ClientLeft() }
            return value
        }
    }
}

/// The client closed the connection before its answer was complete.
struct ClientLeft: Error {}
