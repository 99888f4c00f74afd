import NIOCore
import NIOSSL

extension SocketLayers {
    /// A WebSocket, over TLS if there are settings for it.
    ///
    /// - Parameter host: what a dialer asks for in HTTP.
    /// - Parameter makeTLS: the handler under the WebSocket.
    static func webSocket(
        dialing host: String?,
        makeTLS: @escaping @Sendable () throws -> NIOSSLHandler?
    ) -> SocketLayers {
        SocketLayers { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                if let tls = try makeTLS() { try channel.pipeline.syncOperations.addHandler(tls) }
                // What the connection writes waits in the handler until the WebSocket is open.
                try channel.pipeline.syncOperations.addHandler(WebSocketHandler(dialing: host))
            }
        }
    }
}
