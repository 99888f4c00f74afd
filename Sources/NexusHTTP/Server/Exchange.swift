internal import HTTPTypes
internal import Hummingbird
internal import Logging

/// One request and what its handling needs to know besides.
struct Exchange: Sendable {
    /// The client's `x-request-id` where it is fit to be logged, else a drawn one.
    let requestID: String
    /// When the head was read.
    let started: ContinuousClock.Instant
    /// The client, as long as it is there.
    let presence: ClientPresence
    /// Whether the client reads fields after the body.
    let acceptsTrailers: Bool
    /// Carries the request id.
    let logger: Logger

    init(_ request: Request, presence: ClientPresence, logger: Logger) {
        let requestID = Self.requestID(sent: request.headers[.requestID])
        self.requestID = requestID
        self.presence = presence
        started = .now
        acceptsTrailers = request.headers[.te]?.lowercased().contains("trailers") ?? false
        var logger = logger
        logger[metadataKey: "request"] = "\(requestID)"
        self.logger = logger
    }

    private static func requestID(sent: String?) -> String {
        if let sent, (1...128).contains(sent.utf8.count), sent.utf8.allSatisfy(isPlain) { return sent }
        let words = (UInt64.random(in: 0...(.max)), UInt64.random(in: 0...(.max)))
        return String(words.0, radix: 36) + String(words.1, radix: 36)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

/// What Hummingbird hands over with a request: the connection.
struct ConnectionContext: InitializableFromSource {
    let presence: ClientPresence

    init(source: ApplicationRequestContextSource) {
        presence = ClientPresence(channel: source.channel)
    }
}

/// Text made fit for a header field.
enum HeaderText {
    /// The text with everything but printable ASCII replaced by `?`, at most 128 characters.
    static func plain(_ text: String) -> String {
        String(text.unicodeScalars.prefix(128).map { (0x20..<0x7F).contains($0.value) ? Character($0) : "?" })
    }
}

extension HTTPField.Name {
    static let requestID = known("x-request-id")
    static let apiKey = known("x-api-key")
    static let processingMilliseconds = known("openai-processing-ms")
    static let latticeNode = known("x-lattice-node")
    static let latticeCost = known("x-lattice-cost")
    static let latticeReceipt = known("x-lattice-receipt")
    static let latticeIgnoredFields = known("x-lattice-ignored-fields")
    static let accelBuffering = known("x-accel-buffering")
    static let frameOptions = known("x-frame-options")
    static let referrerPolicy = known("referrer-policy")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is not a field name") }
        return name
    }
}

extension Response {
    /// An answer of JSON.
    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}
