import NIOCore

/// What answers a method, and where.
struct RPCRegistration: Sendable {
    enum Handler: Sendable {
        /// Works with the call itself.
        case call(RPCServer.Handler)
        /// Makes one message of one.
        case unary(@Sendable (ByteBuffer, RPCContext) async throws -> ByteBuffer)
    }

    let method: RPCMethod
    let place: RPCHandlerPlace
    let handler: Handler
    let metrics: RPCMetrics.Method
}
