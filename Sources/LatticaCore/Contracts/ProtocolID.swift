/// The name of a protocol as multistream-select negotiates it, such as `/ipfs/ping/1.0.0`.
public struct ProtocolID: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as it is sent, without the length and the newline.
    public let name: String

    /// Names a protocol.
    ///
    /// The name begins with `/`.
    public init(_ name: String) {
        self.name = name
    }

    /// Names a protocol by a literal.
    public init(stringLiteral name: String) {
        self.init(name)
    }

    /// The name.
    public var description: String { name }
}
