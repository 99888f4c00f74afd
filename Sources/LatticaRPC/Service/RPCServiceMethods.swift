/// A method that answers one message by one.
///
/// Methods are described once, as constants that client and server share:
/// ```swift
/// enum Greeter {
///     static let greet = RPCUnaryMethod<String, String>("Greeter/greet")
///     static let count = RPCServerStreamMethod<String, String>("Greeter/count")
/// }
/// ```
public struct RPCUnaryMethod<Request: RPCMessage, Response: RPCMessage>: Hashable, Sendable {
    /// Its name on the wire.
    public let method: RPCMethod

    /// Describes a method.
    public init(_ method: RPCMethod) { self.method = method }
}

/// A method that answers one message by many.
public struct RPCServerStreamMethod<Request: RPCMessage, Response: RPCMessage>: Hashable, Sendable {
    /// Its name on the wire.
    public let method: RPCMethod

    /// Describes a method.
    public init(_ method: RPCMethod) { self.method = method }
}

/// A method that answers many messages by one.
public struct RPCClientStreamMethod<Request: RPCMessage, Response: RPCMessage>: Hashable, Sendable {
    /// Its name on the wire.
    public let method: RPCMethod

    /// Describes a method.
    public init(_ method: RPCMethod) { self.method = method }
}

/// A method in which messages go both ways at once.
public struct RPCStreamMethod<Request: RPCMessage, Response: RPCMessage>: Hashable, Sendable {
    /// Its name on the wire.
    public let method: RPCMethod

    /// Describes a method.
    public init(_ method: RPCMethod) { self.method = method }
}
