/// Where the HTTP surface listens and how much it takes on.
///
/// Every limit has a default that suits one machine; what happens at a limit stands beside it.
public struct HTTPConfiguration: Sendable {
    /// The address to listen on.
    ///
    /// Anything but loopback needs ``allowsPublicAddress``.
    public var host: String
    /// The port to listen on; 0 lets the system choose one.
    public var port: Int
    /// Whether an address that other machines reach is accepted.
    ///
    /// Keys then travel the network: put TLS in front.
    public var allowsPublicAddress = false
    /// Names beside the loopback ones by which browsers may address a server that listens on loopback.
    public var allowedHosts: [String] = []
    /// Origins such as `https://app.example` whose pages may call the API; the server's own page always may.
    public var allowedOrigins: [String] = []
    /// Whether `/metrics` asks for an API key.
    public var protectsMetrics = false
    /// What `/version` answers.
    public var version = "0.1.0"

    /// The longest request body in bytes; beyond it the answer is 413 and the connection closes.
    public var bodyLimit = 10_000_000
    /// The longest request head in bytes; beyond it the connection closes with 400.
    public var headLimit = 32 * 1024
    /// The longest text in bytes that is collected for an answer that is not streamed; beyond it the answer is 500.
    public var answerLimit = 8_000_000
    /// Connections at once; more wait in the system's backlog.
    public var maximumConnections = 1_024
    /// Chats at once; more are refused with 429.
    public var maximumChats = 256

    /// How long an open connection may take to send the next request head, whole.
    public var headDeadline: Duration = .seconds(30)
    /// How long a request body may take from head to end.
    public var bodyDeadline: Duration = .seconds(60)
    /// How long a client may leave a full socket unread before the connection closes.
    public var stallDeadline: Duration = .seconds(60)
    /// How long an event stream may be silent before a comment is sent.
    ///
    /// Shorter than the 15 s after which impatient proxies take a silent stream for dead.
    public var pingInterval: Duration = .seconds(10)
    /// How long answers may run on after a graceful shutdown was asked for.
    public var drainDeadline: Duration = .seconds(10)

    /// Makes a configuration with the default limits.
    public init(host: String = "127.0.0.1", port: Int = 8080) {
        self.host = host
        self.port = port
    }

    /// Whether only this machine reaches ``host``.
    public var isLoopback: Bool {
        LoopbackName.matches(host)
    }

    /// Checks what can be checked before a socket is opened.
    func validate() throws(HTTPServerError) {
        guard (0...65_535).contains(port) else { throw .invalidPort(port) }
        guard isLoopback || allowsPublicAddress else { throw .publicAddress(host: host) }
    }
}

/// Names and addresses that never leave the machine.
enum LoopbackName {
    /// Whether `host`, without a port, is a loopback name or address.
    static func matches(_ host: some StringProtocol) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name == "::1" || name == "[::1]" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
