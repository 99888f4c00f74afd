import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Carries a JSON-RPC request to an endpoint and its answer back.
public protocol RPCTransport: Sendable {
    /// The endpoint's name for people, without its path, which may hold a key.
    var name: String { get }

    /// Sends a body and waits for the whole answer, both within the transport's own deadline and bounds.
    func post(_ body: [UInt8]) async throws(RPCError) -> [UInt8]
}

/// How an endpoint is spoken to.
public struct RPCOptions: Hashable, Sendable {
    /// How long one request may take, connecting included.
    public var deadline: Duration
    /// The most bytes of an answer; 200 blocks full of the ledger's events have about 10 MB.
    public var bodyLimit: Int
    /// How often a read is tried at one endpoint.
    public var attempts: Int
    /// The wait before the second try; it doubles with each, and chance takes up to half of it away.
    public var backoff: Duration
    /// The most calls in one request.
    public var batchLimit: Int

    /// Makes options; the defaults suit public endpoints.
    public init(
        deadline: Duration = .seconds(15),
        bodyLimit: Int = 16 << 20,
        attempts: Int = 3,
        backoff: Duration = .milliseconds(250),
        batchLimit: Int = 50
    ) {
        self.deadline = deadline
        self.bodyLimit = bodyLimit
        self.attempts = attempts
        self.backoff = backoff
        self.batchLimit = batchLimit
    }
}

/// Speaks HTTP to one endpoint; follows no redirect.
public final class HTTPTransport: RPCTransport {
    /// The host.
    public let name: String

    private let url: String
    private let options: RPCOptions
    private let client: HTTPClient

    /// Why an address is no endpoint's.
    public enum AddressError: Error, Hashable, Sendable {
        /// Not `http://…` or `https://…` with a host.
        case notAnEndpoint
    }

    /// Prepares to speak to the endpoint at an address, such as `https://rpc.example/v1/KEY`.
    public init(url: String, options: RPCOptions = RPCOptions()) throws(AddressError) {
        guard let parts = URL(string: url), let scheme = parts.scheme, ["http", "https"].contains(scheme),
            let host = parts.host(), !host.isEmpty
        else { throw .notAnEndpoint }
        self.url = url
        self.options = options
        name = parts.port.map { "\(host):\($0)" } ?? host
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .nanoseconds(options.deadline.nanoseconds)
        // A connection refused is an answer; what is worth a second try is tried again above.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // The client stays alive until it is shut down; calls that it has under way fail.
        client.shutdown(queue: .global()) { _ in }
    }

    /// Sends a body and waits for the whole answer.
    public func post(_ body: [UInt8]) async throws(RPCError) -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = ["Content-Type": "application/json", "User-Agent": "lattice"]
        request.body = .bytes(ByteBuffer(bytes: body))
        let status: UInt
        let answer: [UInt8]
        do {
            let response = try await client.execute(request, timeout: .nanoseconds(options.deadline.nanoseconds))
            status = response.status.code
            answer = Array(try await response.body.collect(upTo: options.bodyLimit).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw .answerTooLarge(limit: options.bodyLimit)
        } catch let error as HTTPClientError where Self.timeouts.contains(error) {
            throw .timedOut
        } catch let error as IOError {
            throw .unreachable(unsafe strerror(error.errnoCode).map { unsafe String(cString: $0) } ?? "no connection")
        } catch {
            // The text of other errors may repeat the address.
            throw .unreachable("the connection failed")
        }
        // Errors of JSON-RPC come with other statuses from some endpoints; their bodies are read like others.
        switch status {
        case 200: return answer
        case 429: throw .tooManyRequests
        case 400..<500 where answer.first == UInt8(ascii: "{"): return answer
        default: throw .http(status: status)
        }
    }

    private static let timeouts: [HTTPClientError] = [
        .deadlineExceeded, .connectTimeout, .readTimeout, .getConnectionFromPoolTimeout,
    ]
}

extension Duration {
    /// Whole nanoseconds; the longest time that fits for longer ones.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }
}
