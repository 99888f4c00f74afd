/// Why a host cannot listen at an address.
public enum ListenError: Error, Hashable {
    /// The address is not of the form `/ip4|ip6/…/tcp/PORT`.
    case addressNotSupported(String)
    /// Another program listens there.
    case addressInUse(String)
    /// The system refuses, in its words.
    case cannotListen(String, reason: String)
}

extension ListenError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .addressNotSupported(let address):
            "cannot listen at \(address): give an address of the form /ip4/0.0.0.0/tcp/4001 or /ip6/::/tcp/4001"
        case .addressInUse(let address):
            "cannot listen at \(address): the port is in use; stop the program that uses it, or give another port (0 takes a free one)"
        case .cannotListen(let address, let reason):
            "cannot listen at \(address): \(reason); give an address of this machine and a port that you may use"
        }
    }
}
