import NIOCore

/// The handlers between a socket and its connection: the frames of WebSocket, or the cipher of a private network.
struct SocketLayers: Sendable {
    /// Adds the handlers to a channel, on its event loop, before the link is added behind them.
    ///
    /// The future succeeds as soon as bytes of the connection may pass; until then the handlers keep what comes, or
    /// nothing may come. For the dialer the channel is active already, for the listener not yet. An error closes the channel; a
    /// ``ConnectionError`` reaches the caller as it is.
    ///
    /// `nil` adds none.
    let add: (@Sendable (_ channel: any Channel, _ isDialer: Bool) -> EventLoopFuture<Void>)?

    /// The bytes of the connection are those of the socket.
    static let none = SocketLayers(add: nil)
}
