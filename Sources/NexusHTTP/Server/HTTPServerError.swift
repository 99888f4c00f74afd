/// Why the HTTP surface did not start.
public enum HTTPServerError: Error, Hashable, Sendable {
    /// Another program listens on the port.
    case portInUse(host: String, port: Int)
    /// The address is reachable by others and that was not allowed.
    case publicAddress(host: String)
    /// Not a port.
    case invalidPort(Int)
    /// The system refused the address.
    case cannotListen(host: String, port: Int, reason: String)
}

extension HTTPServerError: CustomStringConvertible {
    /// What failed and what to do next.
    public var description: String {
        switch self {
        case .portInUse(let host, let port):
            "Port \(port) on \(host) is in use. Choose another with --port, or stop the program that listens there."
        case .publicAddress(let host):
            """
            \(host) can be reached by other machines. Keep 127.0.0.1, or allow a public address explicitly and put TLS \
            in front: API keys would cross the network in the clear.
            """
        case .invalidPort(let port):
            "\(port) is not a port. Give a number from 0 to 65535 with --port; 0 lets the system choose."
        case .cannotListen(let host, let port, let reason):
            "Cannot listen on \(host):\(port): \(reason). Choose an address of this machine and a port above 1023."
        }
    }
}
