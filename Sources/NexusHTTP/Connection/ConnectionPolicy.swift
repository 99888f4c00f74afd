internal import NIOCore

/// Decides when a connection has waited long enough.
///
/// ```
///             head          end            response head … end
///  waiting ─────────▶ receiving ─────────▶ answering ─────────▶ waiting
///     │ head deadline    │ body deadline      │ stall deadline, ping
///     ▼                  ▼                    ▼
///   close              close                close
/// ```
/// An answer that ends before its request was read whole, or that announced `Connection: close`, is the last: the
/// outbound half closes, what still arrives is dropped within ``lingerDeadline`` and ``Limits/lingerBytes``, so that a
/// client in the middle of sending can still read the answer.
struct ConnectionPolicy {
    /// How long a connection may take for what.
    struct Limits: Sendable {
        var head: TimeAmount
        var body: TimeAmount
        var stall: TimeAmount
        var ping: TimeAmount
        var lingerBytes: Int
        var bodyBytes: Int

        init(_ configuration: HTTPConfiguration) {
            head = TimeAmount(configuration.headDeadline)
            body = TimeAmount(configuration.bodyDeadline)
            stall = TimeAmount(configuration.stallDeadline)
            ping = TimeAmount(configuration.pingInterval)
            lingerBytes = configuration.bodyLimit
            bodyBytes = configuration.bodyLimit
        }
    }

    enum Event {
        case opened
        case requestHead(expectsContinue: Bool, declaredLength: Int?)
        case requestBody(Int)
        case requestEnd
        case responseHead(isEventStream: Bool, closes: Bool)
        case responseBody
        case responseEnd
        case writable(Bool)
        case timerFired
    }

    enum Action: Equatable {
        case none
        /// Close both halves at once.
        case close
        /// Close once what was written is sent.
        case closeAfterFlush
        /// Close the outbound half once what was written is sent, and drop what arrives.
        case linger
        /// Send a comment that keeps the event stream alive.
        case ping
        /// Tell the client to send the body that it holds back.
        case sayContinue
    }

    /// How long a client may go on sending after the answer that refused it.
    static let lingerDeadline = TimeAmount.seconds(1)

    private let limits: Limits
    private var isReceiving = false
    private var isLingering = false
    private var answersDue = 0
    private var closesAfterAnswer = false
    private var lingerBytesLeft: Int

    private var requestDeadline: NIODeadline?
    private var stallDeadline: NIODeadline?
    private var pingDue: NIODeadline?

    init(limits: Limits) {
        self.limits = limits
        lingerBytesLeft = limits.lingerBytes
    }

    /// When ``Event/timerFired`` has something to decide next.
    var wakeTime: NIODeadline? {
        [requestDeadline, stallDeadline, pingDue].compactMap(\.self).min()
    }

    /// Whether arriving parts are dropped instead of passed on.
    var dropsInbound: Bool { isLingering }

    mutating func handle(_ event: Event, at now: NIODeadline) -> Action {
        switch event {
        case .opened:
            requestDeadline = now + limits.head
        case .requestHead(let expectsContinue, let declaredLength):
            isReceiving = true
            answersDue += 1
            requestDeadline = now + limits.body
            if expectsContinue, declaredLength.map({ $0 <= limits.bodyBytes }) ?? true { return .sayContinue }
        case .requestBody(let count):
            guard isLingering else { return .none }
            lingerBytesLeft -= count
            if lingerBytesLeft < 0 { return .close }
        case .requestEnd:
            isReceiving = false
            if isLingering { return .close }
            requestDeadline = nil
        case .responseHead(let isEventStream, let closes):
            closesAfterAnswer = closes
            pingDue = isEventStream ? now + limits.ping : nil
        case .responseBody:
            if pingDue != nil { pingDue = now + limits.ping }
        case .responseEnd:
            return finishAnswer(at: now)
        case .writable(let isWritable):
            stallDeadline = isWritable ? nil : now + limits.stall
        case .timerFired:
            return expire(at: now)
        }
        return .none
    }

    private mutating func finishAnswer(at now: NIODeadline) -> Action {
        answersDue -= 1
        pingDue = nil
        guard answersDue == 0 else { return closesAfterAnswer ? .closeAfterFlush : .none }
        if isReceiving {
            isLingering = true
            requestDeadline = now + Self.lingerDeadline
            return .linger
        }
        if closesAfterAnswer { return .closeAfterFlush }
        requestDeadline = now + limits.head
        return .none
    }

    private mutating func expire(at now: NIODeadline) -> Action {
        if let requestDeadline, requestDeadline <= now { return .close }
        if let stallDeadline, stallDeadline <= now { return .close }
        guard let due = pingDue, due <= now else { return .none }
        pingDue = now + limits.ping
        // A client that does not read has bytes enough before it.
        return stallDeadline == nil ? .ping : .none
    }
}
