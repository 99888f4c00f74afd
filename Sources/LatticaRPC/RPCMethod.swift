public import LatticaCore

/// The name of a method as it is sent: service and method, such as `lattice.node.v1.Node/Chat`.
public struct RPCMethod: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The longest name, in bytes.
    public static let maximumLength = 256

    /// The name.
    public let name: String

    /// Names a method.
    public init(_ name: String) {
        self.name = name
    }

    /// Names a method by a literal.
    public init(stringLiteral name: String) {
        self.init(name)
    }

    /// The name.
    public var description: String { name }
}

extension ProtocolID {
    /// Lattice's RPC (docs/protocols/rpc.md).
    public static let latticeRPC: ProtocolID = "/lattice/rpc/1.0.0"
}
