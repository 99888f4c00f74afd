/// The network that a peer belongs to, as identify tells it.
///
/// Peers of one network all use the same text, which is also the id of their Kademlia protocol. Peers of the real
/// network disconnect from those of others.
public struct ProtocolVersion: Hashable, Sendable, CustomStringConvertible {
    /// The text; begins with `/`.
    public let name: String

    /// The open network.
    public static let lattica = ProtocolVersion("/lattica/1.0.0")

    /// Names a network.
    public init(_ name: String) {
        self.name = name
    }

    /// The text.
    public var description: String { name }

    /// What a remote is to a peer of this network.
    public enum Standing: Hashable, Sendable {
        /// Of the same network.
        case peer
        /// Serves several networks: it may stay connected, but is not listed and does not enter routing tables.
        case common
        /// Of another network: the connection is to be closed.
        case stranger
    }

    /// Judges a remote by what it says in identify.
    public func standing(of remote: String?) -> Standing {
        guard let remote else { return .stranger }
        if remote == name { return .peer }
        return remote.contains("common") ? .common : .stranger
    }
}
