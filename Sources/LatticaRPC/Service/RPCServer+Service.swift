import NIOCore

/// Handlers of methods with typed messages.
extension RPCServer {
    /// Answers a method that takes one message and gives one.
    ///
    /// - Parameter place: ``RPCHandlerPlace/eventLoop`` for handlers that are done in microseconds.
    public func register<Request, Response>(
        _ method: RPCUnaryMethod<Request, Response>,
        on place: RPCHandlerPlace = .pool,
        handler: @escaping @Sendable (Request, RPCContext) async throws -> Response
    ) {
        add(
            method.method,
            on: place,
            .unary { bytes, context in
                try await handler(try Request.decode(bytes), context).rpcBytes()
            }
        )
    }

    /// Answers a method that takes one message and gives many.
    ///
    /// The sequence is asked for its next element once the caller's window has taken the one before.
    public func register<Request, Response, Responses: AsyncSequence & SendableMetatype>(
        _ method: RPCServerStreamMethod<Request, Response>,
        on place: RPCHandlerPlace = .pool,
        handler: @escaping @Sendable (Request, RPCContext) async throws -> Responses
    ) where Responses.Element == Response, Responses.AsyncIterator: SendableMetatype {
        register(method.method, on: place) { call in
            let responses = try await handler(try await call.request(), call.context)
            for try await response in responses { try await call.send(try response.rpcBytes()) }
        }
    }

    /// Answers a method that takes many messages and gives one.
    public func register<Request, Response>(
        _ method: RPCClientStreamMethod<Request, Response>,
        on place: RPCHandlerPlace = .pool,
        handler: @escaping @Sendable (RPCMessages<Request>, RPCContext) async throws -> Response
    ) {
        register(method.method, on: place) { call in
            try await call.send(try await handler(call.requests(), call.context).rpcBytes())
        }
    }

    /// Answers a method in which messages go both ways.
    public func register<Request, Response, Responses: AsyncSequence & SendableMetatype>(
        _ method: RPCStreamMethod<Request, Response>,
        on place: RPCHandlerPlace = .pool,
        handler: @escaping @Sendable (RPCMessages<Request>, RPCContext) async throws -> Responses
    ) where Responses.Element == Response, Responses.AsyncIterator: SendableMetatype {
        register(method.method, on: place) { call in
            let responses = try await handler(call.requests(), call.context)
            for try await response in responses { try await call.send(try response.rpcBytes()) }
        }
    }
}

extension RPCServerCall {
    fileprivate var context: RPCContext {
        RPCContext(method: method, peer: peer, metadata: metadata, deadline: deadline)
    }

    /// The one message of the caller.
    fileprivate func request<Request: RPCMessage>() async throws -> Request {
        guard let bytes = try await receiveBuffer(), try await receiveBuffer() == nil else {
            throw RPCFailure(code: .invalidArgument, message: "\(method) takes one message")
        }
        return try Request.decode(bytes)
    }

    fileprivate func requests<Request: RPCMessage>() -> RPCMessages<Request> {
        RPCMessages { () async throws(RPCError) in try await receiveBuffer() }
    }
}

extension RPCMessage {
    /// What cannot be decoded is the caller's fault.
    fileprivate static func decode(_ bytes: ByteBuffer) throws(RPCFailure) -> Self {
        do {
            return try Self(rpcBytes: bytes)
        } catch {
            throw RPCFailure(code: .invalidArgument, message: "the request cannot be decoded")
        }
    }
}
