/// What answers a group of methods.
///
/// ```swift
/// struct GreeterService: RPCService {
///     func register(on server: RPCServer) {
///         server.register(Greeter.greet) { name, _ in "Hello \(name)" }
///     }
/// }
/// ```
public protocol RPCService: Sendable {
    /// Registers every method of the service.
    func register(on server: RPCServer)
}

extension RPCServer {
    /// Answers the methods of a service.
    public func add(_ service: some RPCService) {
        service.register(on: self)
    }
}
