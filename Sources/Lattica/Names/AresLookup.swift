import CAres
import Glibc

/// One question to the name servers, by c-ares; it blocks its thread.
enum AresLookup {
    typealias Outcome = Result<[String], TXTLookupError>

    private static let internet: Int32 = 1
    private static let textRecord: Int32 = 16
    /// What passes everywhere without being cut into fragments (DNS flag day 2020).
    private static let datagramSize: Int32 = 1232
    /// For the first of three attempts, in milliseconds; each further one waits twice as long.
    private static let patience: Int32 = 1000
    private static let attempts: Int32 = 3
    /// How often it is looked whether somebody still wants the answer, in microseconds.
    private static let turn = 50_000

    /// Has to be called once before all else; what it answers is for good.
    private static let isReady = ares_library_init(ARES_LIB_INIT_ALL) == CARES_SUCCESS

    /// Where the library puts the answer; of one thread alone.
    private final class Answer {
        var outcome: Outcome?
    }

    /// - Parameters:
    ///   - name: without anything that the library would take for an escape.
    ///   - isCancelled: asked every twentieth of a second.
    static func texts(of name: String, from servers: [NameServer], isCancelled: () -> Bool) -> Outcome {
        guard isReady else { return .failure(.notAnswered("the DNS library does not start")) }
        let answer = Answer()
        // The library writes to it until the channel is destroyed, which is done when `ask` returns.
        return withExtendedLifetime(answer) { ask(name, servers, answer, isCancelled) }
    }

    private static func ask(
        _ name: String,
        _ servers: [NameServer],
        _ answer: Answer,
        _ isCancelled: () -> Bool
    ) -> Outcome {
        var options = unsafe ares_options()
        unsafe options.flags = ARES_FLAG_EDNS
        unsafe options.ednspsz = datagramSize
        unsafe options.timeout = patience
        unsafe options.tries = attempts
        let given = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES
        var made: ares_channel?
        let status = unsafe ares_init_options(&made, &options, given)
        guard status == CARES_SUCCESS, let channel = unsafe made else { return .failure(reason(status)) }
        defer { unsafe ares_destroy(channel) }
        if !servers.isEmpty {
            let list = servers.map(\.description).joined(separator: ",")
            let status = unsafe ares_set_servers_ports_csv(channel, list)
            guard status == CARES_SUCCESS else { return .failure(reason(status)) }
        }
        let place = unsafe Unmanaged.passUnretained(answer).toOpaque()
        unsafe ares_query(
            channel,
            name,
            internet,
            textRecord,
            { place, status, _, bytes, count in
                guard let place = unsafe place else { return }
                let answer = unsafe Unmanaged<Answer>.fromOpaque(place).takeUnretainedValue()
                answer.outcome = unsafe AresLookup.outcome(status, bytes, count)
            },
            place
        )
        while true {
            if let outcome = answer.outcome { return outcome }
            if isCancelled() { return .failure(.cancelled) }
            unsafe wait(on: channel)
        }
    }

    /// Waits for a turn, or until something has come, and lets the library go on.
    private static func wait(on channel: ares_channel) {
        var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
        let wanted = unsafe ares_getsock(channel, &sockets, ARES_GETSOCK_MAXNUM)
        var polled: [pollfd] = []
        for (index, socket) in sockets.enumerated() {
            // The lower half of the bits is for reading, the upper for writing.
            let reads = wanted & 1 << index != 0
            let writes = wanted & 1 << (index + sockets.count) != 0
            guard reads || writes else { continue }
            polled.append(pollfd(fd: socket, events: Int16((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), revents: 0))
        }
        var (longest, left) = (timeval(tv_sec: 0, tv_usec: turn), timeval(tv_sec: 0, tv_usec: turn))
        let chosen = unsafe ares_timeout(channel, &longest, &left)?.pointee ?? longest
        // Rounded up, so that the moment has come when it is looked at.
        let milliseconds = Int32(clamping: chosen.tv_sec * 1000 + (chosen.tv_usec + 999) / 1000)
        let count = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
        let happened = count > 0 ? polled.filter { $0.revents != 0 } : []
        for socket in happened {
            let isWritable = Int32(socket.revents) & POLLOUT != 0
            // An error is told by the next reading.
            let isReadable = Int32(socket.revents) & ~POLLOUT != 0
            unsafe ares_process_fd(channel, isReadable ? socket.fd : -1, isWritable ? socket.fd : -1)
        }
        // Without sockets, only what has waited too long is looked at.
        if happened.isEmpty { unsafe ares_process_fd(channel, -1, -1) }
    }

    private static func outcome(_ status: Int32, _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int32) -> Outcome {
        guard status == CARES_SUCCESS, let bytes = unsafe bytes else { return .failure(reason(status)) }
        var first: UnsafeMutablePointer<ares_txt_ext>?
        let status = unsafe ares_parse_txt_reply_ext(bytes, count, &first)
        guard status == CARES_SUCCESS else { return .failure(reason(status)) }
        defer { unsafe ares_free_data(first) }
        var records: [[UInt8]] = []
        var next = unsafe first
        while let part = unsafe next {
            let text = unsafe UnsafeBufferPointer(start: part.pointee.txt, count: part.pointee.length)
            if unsafe part.pointee.record_start != 0 || records.isEmpty { records.append([]) }
            unsafe records[records.count - 1].append(contentsOf: text)
            unsafe next = part.pointee.next
        }
        return .success(records.map { String(decoding: $0, as: UTF8.self) })
    }

    private static func reason(_ status: Int32) -> TXTLookupError {
        switch status {
        case CARES_NOT_FOUND: .noSuchName
        case CARES_NO_DATA: .noRecords
        case CARES_BAD_NAME: .invalidName
        case CARES_CANCELLED, CARES_DESTRUCTION: .cancelled
        default: unsafe .notAnswered(String(cString: ares_strerror(status)))
        }
    }
}
