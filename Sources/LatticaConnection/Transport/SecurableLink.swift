import LatticaCore
import NIOCore

/// A link that can put TLS under a connection that has begun in the clear.
protocol SecurableLink: Link {
    /// Begins the handshake.
    ///
    /// From now on the receiver is told decrypted bytes alone, and what it writes is encrypted.
    ///
    /// - Parameters:
    ///   - bytes: what has been received and belongs to the handshake already.
    ///   - done: called once when the handshake is complete, before any bytes; if it fails, the link ends instead.
    func secure(
        with handshake: TLSHandshake,
        replaying bytes: ByteBuffer,
        whenDone done: @escaping (Result<TLSHandshake.Secured, TLSHandshakeError>) -> Void
    ) throws(ConnectionError)
}
