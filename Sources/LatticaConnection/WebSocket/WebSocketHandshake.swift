import Crypto
import FoundationEssentials
import NIOCore

/// Turns a connection over HTTP/1.1 into a WebSocket (RFC 6455 §4).
///
/// The little of HTTP that this takes is read here: one head of bounded length, without a body. Whatever follows it
/// belongs to the WebSocket and stays in the input.
struct WebSocketHandshake {
    /// Longer than what browsers and proxies put into a request.
    static let longestHead = 8192

    /// Where libp2p is served (libp2p specs, websockets).
    private static let path = "/"

    private enum Role {
        case client(request: ByteBuffer, expectedAccept: String)
        case server
    }

    private let role: Role
    /// So many bytes of the input hold no end of the head.
    private var searched = 0

    /// Takes the side that dialled.
    ///
    /// - Parameter host: name or address, with the port.
    /// - Parameter key: 16 random bytes, against caches that answer what was asked before.
    init(dialing host: String, key: [UInt8]) {
        let key = Data(key).base64EncodedString()
        let request = ByteBuffer(
            string: """
                GET \(Self.path) HTTP/1.1\r
                Host: \(host)\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Version: 13\r
                Sec-WebSocket-Key: \(key)\r
                \r\n
                """
        )
        role = .client(request: request, expectedAccept: Self.accept(for: key))
    }

    /// Takes the side that listens.
    init() {
        role = .server
    }

    /// What the dialer sends first; empty for the listener.
    var openingFlight: ByteBuffer {
        guard case .client(let request, _) = role else { return ByteBuffer() }
        return request
    }

    /// Takes the head of the other side.
    ///
    /// - Parameter reply: what is to be sent is appended here, also before an error is thrown.
    /// - Returns: whether the WebSocket is open; `false` while bytes are missing.
    mutating func receive(_ input: inout ByteBuffer, reply: inout ByteBuffer) throws(WebSocketError) -> Bool {
        guard let head = try readHead(&input) else { return false }
        switch role {
        case .server:
            reply.writeString(try answer(to: head, refusal: &reply))
        case .client(_, let expectedAccept):
            try check(head, expectedAccept: expectedAccept)
        }
        return true
    }

    private mutating func readHead(_ input: inout ByteBuffer) throws(WebSocketError) -> HTTPHead? {
        let bytes = input.readableBytesView.prefix(Self.longestHead)
        // The end may lie across what came before and what has come since.
        let unsearched = bytes.dropFirst(max(0, searched - 3))
        guard let end = unsearched.firstEnd else {
            searched = bytes.count
            guard bytes.count < Self.longestHead else { throw .headTooLong(limit: Self.longestHead) }
            return nil
        }
        guard let text = input.readSlice(length: end - input.readerIndex).map({ String(buffer: $0) }),
            let head = HTTPHead(text)
        else { throw .notHTTP }
        return head
    }

    private func answer(to head: HTTPHead, refusal: inout ByteBuffer) throws(WebSocketError) -> String {
        let request = head.startLine.split(separator: " ", omittingEmptySubsequences: false)
        guard request.count == 3, request[2].hasPrefix("HTTP/1.") else { throw .notHTTP }
        guard request[0] == "GET", request[2] == "HTTP/1.1", head.isUpgrade else {
            refuse("400 Bad Request", &refusal)
            throw .notAnUpgrade
        }
        guard request[1].prefix(while: { $0 != "?" }) == Self.path else {
            refuse("404 Not Found", &refusal)
            throw .unknownPath(String(request[1].prefix(100)))
        }
        guard head.only("sec-websocket-version") == "13" else {
            refuse("426 Upgrade Required\r\nSec-WebSocket-Version: 13", &refusal)
            throw .unknownVersion
        }
        guard let key = head.only("sec-websocket-key"), Data(base64Encoded: key)?.count == 16 else {
            refuse("400 Bad Request", &refusal)
            throw .notAnUpgrade
        }
        return """
            HTTP/1.1 101 Switching Protocols\r
            Upgrade: websocket\r
            Connection: Upgrade\r
            Sec-WebSocket-Accept: \(Self.accept(for: key))\r
            \r\n
            """
    }

    private func refuse(_ status: String, _ reply: inout ByteBuffer) {
        reply.writeString("HTTP/1.1 \(status)\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    }

    private func check(_ head: HTTPHead, expectedAccept: String) throws(WebSocketError) {
        let status = head.startLine.split(separator: " ", maxSplits: 2)
        guard status.count >= 2, status[0] == "HTTP/1.1", let code = Int(status[1]) else { throw .notHTTP }
        guard code == 101 else { throw .refused(status: code) }
        // None was offered, so none may be chosen (RFC 6455 §4.1).
        guard head.isUpgrade, head.only("sec-websocket-accept") == expectedAccept,
            head.values("sec-websocket-extensions").isEmpty, head.values("sec-websocket-protocol").isEmpty
        else { throw .invalidAnswer }
    }

    /// What a server must answer to a key; the text is from RFC 6455 §1.3.
    static func accept(for key: String) -> String {
        Data(Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
    }
}

/// The start line and the fields of a request or an answer (RFC 9112).
private struct HTTPHead {
    let startLine: Substring
    private var fields: [(name: String, value: Substring)] = []

    /// - Parameter text: with the empty line at its end.
    init?(_ text: String) {
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).dropLast(2)
        guard let startLine = lines.popFirst() else { return nil }
        self.startLine = startLine
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex,
                // A name with a space, or a line that goes on with the one before, has been used to deceive proxies.
                !line[..<colon].contains(where: \.isWhitespace)
            else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let end = value.lastIndex { $0 != " " && $0 != "\t" }.map { value.index(after: $0) }
            fields.append((line[..<colon].lowercased(), value[..<(end ?? value.startIndex)]))
        }
    }

    func values(_ name: String) -> [Substring] {
        fields.filter { $0.name == name }.map(\.value)
    }

    /// The value of a field that must stand there once.
    func only(_ name: String) -> String? {
        let values = values(name)
        return values.count == 1 ? values.first.map(String.init) : nil
    }

    var isUpgrade: Bool {
        lists("upgrade", "websocket") && lists("connection", "upgrade")
    }

    private func lists(_ name: String, _ token: String) -> Bool {
        values(name).contains { value in
            value.split(separator: ",").contains { item in
                item.drop { $0 == " " }.prefix { $0 != " " }.lowercased() == token
            }
        }
    }
}

extension ByteBufferView {
    /// Behind the first empty line.
    fileprivate var firstEnd: Int? {
        var matched = 0
        for index in indices {
            switch (self[index], matched) {
            case (0x0d, 0), (0x0a, 1), (0x0d, 2): matched += 1
            case (0x0a, 3): return index + 1
            case (0x0d, _): matched = 1
            default: matched = 0
            }
        }
        return nil
    }
}
