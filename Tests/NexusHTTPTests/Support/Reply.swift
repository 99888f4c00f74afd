import Foundation

/// An HTTP/1.1 answer taken apart.
struct Reply {
    var status: Int
    var headers: [String: String]
    var trailers: [String: String]
    var body: String

    init?(_ text: String) {
        // Interim answers come before the final one.
        let interim = "HTTP/1.1 100 Continue\r\n\r\n"
        let text = text.hasPrefix(interim) ? String(text.dropFirst(interim.count)) : text
        guard let split = text.range(of: "\r\n\r\n") else { return nil }
        let lines = text[..<split.lowerBound].components(separatedBy: "\r\n")
        guard let code = lines.first?.split(separator: " ").dropFirst().first, let status = Int(code) else {
            return nil
        }
        self.status = status
        headers = Self.fields(lines.dropFirst())
        trailers = [:]
        let rest = String(text[split.upperBound...])
        if headers["transfer-encoding"] == "chunked" {
            (body, trailers) = Self.dechunk(rest)
        } else {
            body = rest
        }
    }

    /// The body as JSON.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]) ?? [:]
    }

    /// The `error` object.
    var error: [String: Any] { json["error"] as? [String: Any] ?? [:] }

    /// The payloads of the server-sent events.
    var events: [String] {
        body.components(separatedBy: "\n\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    }

    /// The payloads that are JSON.
    var chunks: [[String: Any]] {
        events.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    }

    private static func fields(_ lines: some Sequence<String>) -> [String: String] {
        lines.reduce(into: [:]) { fields, line in
            guard let colon = line.firstIndex(of: ":") else { return }
            fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
    }

    private static func dechunk(_ text: String) -> (String, [String: String]) {
        var rest = [UInt8](text.utf8)[...]
        var body: [UInt8] = []
        while let line = rest.firstRange(of: [13, 10]) {
            guard let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16) else { break }
            rest = rest[line.upperBound...]
            guard size > 0 else {
                let lines = String(decoding: rest, as: UTF8.self).components(separatedBy: "\r\n")
                return (String(decoding: body, as: UTF8.self), fields(lines))
            }
            guard rest.count >= size + 2 else { break }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return (String(decoding: body, as: UTF8.self), [:])
    }
}

/// One request on a connection of its own.
func call(
    _ port: Int,
    _ method: String = "GET",
    _ path: String,
    key: String? = ScriptedBackend.key,
    headers: [String: String] = [:],
    body: String? = nil
) async throws -> Reply {
    var head = "\(method) \(path) HTTP/1.1\r\nConnection: close\r\n"
    if headers["Host"] == nil { head += "Host: 127.0.0.1:\(port)\r\n" }
    if let key { head += "Authorization: Bearer \(key)\r\n" }
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
    let request = head + "\r\n" + (body ?? "")
    let text = try await RawConnection.with(port) { connection in
        try await connection.send(request)
        return try await connection.readToEnd()
    }
    guard let reply = Reply(text) else { throw NoReply(text: text) }
    return reply
}

/// A chat with one message and more fields.
func chat(_ port: Int, _ fields: String = "", headers: [String: String] = [:]) async throws -> Reply {
    try await call(port, "POST", "/v1/chat/completions", headers: headers, body: chatBody(fields))
}

/// The body of such a chat; `fields` is JSON text such as `"stream":true`.
func chatBody(_ fields: String = "") -> String {
    let more = fields.isEmpty ? "" : "," + fields
    return #"{"model":"lattice-tiny","messages":[{"role":"user","content":"Hi"}]\#(more)}"#
}

struct NoReply: Error {
    var text: String
}

/// Waits until `condition` holds.
func eventually(
    within limit: Duration = .seconds(10),
    _ condition: () -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < end else { throw TooLate() }
        try await Task.sleep(for: .milliseconds(1))
    }
}

struct TooLate: Error {}
