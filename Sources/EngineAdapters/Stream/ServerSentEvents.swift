/// One event of an event stream: the name of its `event` field, and its `data` lines joined.
struct ServerSentEvent: Hashable {
    /// Empty where the stream names none.
    var name: String
    var data: [UInt8]
}

/// Why bytes are no event stream that is read further.
enum EventStreamError: Error, Hashable {
    case lineTooLong(limit: Int)
    case eventTooLong(limit: Int)
}

/// Splits the bytes of an event stream into events (WHATWG HTML, 9.2.6), however they are cut.
///
/// Comments, `id` and `retry` are dropped. Older llama.cpp servers report failures in a field called `error`; it is taken
/// for data of an event of that name.
struct ServerSentEvents {
    /// A chunk with the most log probabilities that can be asked for has some 30 kB; a whole tool call may be longer.
    static let standardLimit = 1 << 20

    private let limit: Int
    private var line: [UInt8] = []
    private var name = ""
    private var data: [UInt8] = []
    private var hasData = false
    /// The last byte was a carriage return, whose line feed belongs to it.
    private var skipsLineFeed = false
    private var isAtStart = true

    init(limit: Int = standardLimit) { self.limit = limit }

    /// The events that these bytes complete.
    mutating func append(_ bytes: some Collection<UInt8>) throws(EventStreamError) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        var rest = bytes[...]
        while let first = rest.first {
            if skipsLineFeed {
                skipsLineFeed = false
                if first == UInt8(ascii: "\n") {
                    rest = rest.dropFirst()
                    continue
                }
            }
            let end = rest.firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            let part = rest[..<(end ?? rest.endIndex)]
            guard line.count + part.count <= limit else { throw .lineTooLong(limit: limit) }
            line += part
            guard let end else { return events }
            skipsLineFeed = rest[end] == UInt8(ascii: "\r")
            rest = rest[rest.index(after: end)...]
            if let event = try endLine() { events.append(event) }
        }
        return events
    }

    /// The event that the end of the stream completes.
    ///
    /// The specification drops what no empty line follows; servers that leave it out after their last event are common.
    mutating func finish() throws(EventStreamError) -> ServerSentEvent? {
        if !line.isEmpty { _ = try endLine() }
        return dispatch()
    }

    private mutating func endLine() throws(EventStreamError) -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        var line = line[...]
        if isAtStart {
            isAtStart = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line = line.dropFirst(3) }
        }
        guard !line.isEmpty else { return dispatch() }
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        let field = line[..<(colon ?? line.endIndex)]
        var value = line[(colon.map { $0 + 1 } ?? line.endIndex)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: field, as: UTF8.self) {
        case "data": try append(data: value)
        case "error":
            name = "error"
            try append(data: value)
        case "event": name = String(decoding: value, as: UTF8.self)
        default: break
        }
        return nil
    }

    private mutating func append(data value: ArraySlice<UInt8>) throws(EventStreamError) {
        guard data.count + value.count < limit else { throw .eventTooLong(limit: limit) }
        if hasData { data.append(UInt8(ascii: "\n")) }
        data += value
        hasData = true
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            name = ""
            data = []
            hasData = false
        }
        return hasData ? ServerSentEvent(name: name, data: data) : nil
    }
}
