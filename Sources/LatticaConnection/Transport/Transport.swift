public import LatticaCore
public import Multiformats

/// A way to reach peers and to be reached: TCP, WebSocket, QUIC, a relay, or a network in memory.
///
/// What it gives is ready: secured, multiplexed, and let in by ``ConnectionSettings/admit``.
public protocol Transport: Sendable {
    /// Whether addresses of this form are dialled by this transport.
    func canDial(_ address: Multiaddr) -> Bool

    /// Connects to a peer and secures the connection.
    ///
    /// Cancelling the task closes what has been reached so far.
    ///
    /// - Parameter peer: who must answer; `nil` takes any, or the one that the address names.
    func dial(_ address: Multiaddr, expecting peer: PeerID?) async throws(ConnectionError) -> Connection

    /// Whether this transport listens at addresses of this form.
    func canListen(at address: Multiaddr) -> Bool

    /// Accepts connections at an address; port 0 takes a free one.
    func listen(at address: Multiaddr) async throws(ListenError) -> any Listener
}

/// A place where peers can connect.
public protocol Listener: Sendable {
    /// Where it listens, with the port that the system gave.
    var address: Multiaddr { get }

    /// Takes no more connections; those that were accepted live on.
    func close() async
}
