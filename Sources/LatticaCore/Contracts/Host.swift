/// What protocols need of a peer: opening streams to others and answering those that others open.
public protocol Host: Sendable {
    /// The identity that this host proves to every peer.
    var peerID: PeerID { get }

    /// Opens a stream to a peer, dialling it when there is no connection yet.
    ///
    /// - Parameter protocols: acceptable protocols, the preferred first.
    func openStream(to peer: PeerID, protocols: [ProtocolID]) async throws(DialError) -> any MuxedStream

    /// Answers the streams that peers open for a protocol, until the host stops or another handler replaces this one.
    ///
    /// The handler runs in a task of its own, owned by the connection: it is cancelled when the connection ends. The
    /// stream is reset when the handler returns without having closed it.
    func handle(_ id: ProtocolID, with handler: @escaping @Sendable (any MuxedStream) async -> Void)
}

/// Why no stream to a peer could be opened.
public enum DialError: Error, Hashable {
    /// No address of the peer is known; `lattice` users give one with `--join`.
    case noAddress(peer: String)
    /// Every address failed; one reason for each that was tried.
    case unreachable(peer: String, reasons: [String])
    /// The address stands in the DNS, and that led nowhere.
    case nameNotResolved(DNSAddrError)
    /// Another peer answered at the address, or the handshake failed.
    case handshakeFailed(String)
    /// The peer speaks none of the protocols asked for.
    case protocolsNotSupported([String])
    /// A limit of this host is reached: connections or streams.
    case limitReached(String)
    /// The deadline passed.
    case timedOut
    /// The host has stopped.
    case stopped
}
