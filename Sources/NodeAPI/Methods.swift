public import LatticaRPC

/// The calls of `node.proto`, by the names that travel on the wire.
public enum NodeMethod {
    /// Nexus agrees on a price with a node.
    public static let openSession: RPCMethod = "lattice.node.v1.Node/OpenSession"
    /// Nexus asks a node for one answer.
    public static let chat: RPCMethod = "lattice.node.v1.Node/Chat"
    /// Nexus asks a node for the vectors of texts.
    public static let embed: RPCMethod = "lattice.node.v1.Node/Embed"
}

/// The calls that nodes make to Nexus.
public enum RegistryMethod {
    /// A node asks what it must know before it signs anything.
    public static let hello: RPCMethod = "lattice.node.v1.Registry/Hello"
    /// A node asks to be put on the ledger.
    public static let register: RPCMethod = "lattice.node.v1.Registry/Register"
    /// A node shows itself.
    public static let announce: RPCMethod = "lattice.node.v1.Registry/Announce"
    /// A node says goodbye.
    public static let leave: RPCMethod = "lattice.node.v1.Registry/Leave"
}
