import Foundation
import NIOConcurrencyHelpers

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A web server that does what a test says, also what no server should: it can hang up in the middle of a file.
///
/// `@unchecked Sendable`: what changes is in a locked box.
final class FileServer: @unchecked Sendable {
    struct Request: Sendable {
        let path: String
        /// By names in lower case.
        let headers: [String: String]

        /// The first byte that is asked for.
        var rangeStart: Int? {
            headers["range"].flatMap {
                $0.hasPrefix("bytes=") && $0.hasSuffix("-") ? Int($0.dropFirst(6).dropLast()) : nil
            }
        }
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body: [UInt8] = []
        /// After so many bytes of the body the connection is closed.
        var cut: Int?
        /// After so many bytes of the body nothing comes until the client leaves.
        var stall: Int?
        /// Whether the length is told.
        var hasLength = true
    }

    private let listener: Int32
    private let log = NIOLockedValueBox<[Request]>([])
    let port: Int

    /// Answers with `handler` until `stop`.
    init(_ handler: @escaping @Sendable (Request) -> Reply) throws {
        let stream = Int32(SOCK_STREAM.rawValue)
        let listener = socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let isBound = unsafe bind(listener, address, length) == 0 && listen(listener, 64) == 0
                return unsafe isBound && getsockname(listener, address, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        port = Int(UInt16(bigEndian: address.sin_port))
        self.listener = listener
        let log = log
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { FileServer.serve(connection, log, handler) }
            }
        }
    }

    /// What was asked so far.
    var requests: [Request] { log.withLockedValue { $0 } }

    /// The address of a path.
    func url(_ path: String) throws -> URL {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        return url
    }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(
        _ connection: Int32,
        _ log: NIOLockedValueBox<[Request]>,
        _ handler: (Request) -> Reply
    ) {
        defer { close(connection) }
        guard let request = read(connection) else { return }
        log.withLockedValue { $0.append(request) }
        let reply = handler(request)
        var head = "HTTP/1.1 \(reply.status) Status\r\nConnection: close\r\n"
        for (name, value) in reply.headers { head += "\(name): \(value)\r\n" }
        if reply.hasLength { head += "Content-Length: \(reply.body.count)\r\n" }
        guard send(Array((head + "\r\n").utf8)[...], to: connection) else { return }
        guard send(reply.body.prefix(reply.stall ?? reply.cut ?? .max), to: connection), reply.stall != nil else {
            return
        }
        var byte: UInt8 = 0
        while unsafe recv(connection, &byte, 1, 0) > 0 {}
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            var byte: UInt8 = 0
            guard unsafe recv(connection, &byte, 1, 0) == 1, bytes.count < 1 << 16 else { return nil }
            bytes.append(byte)
        }
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count == 3 else { return nil }
        let pairs = lines.dropFirst().compactMap { line -> (String, String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].lowercased(), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
        }
        return Request(path: String(words[1]), headers: Dictionary(pairs) { first, _ in first })
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to connection: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}

extension FileServer {
    /// What a good server answers for a file: parts where they are asked for, and the whole where it has changed since.
    static func file(_ bytes: [UInt8], for request: Request, tag: String? = "\"one\"") -> Reply {
        var reply = Reply(headers: tag.map { [("ETag", $0)] } ?? [])
        let mark = request.headers["if-range"]
        guard let start = request.rangeStart, mark == nil || mark == tag else {
            reply.body = bytes
            return reply
        }
        guard start < bytes.count else {
            reply.status = 416
            reply.headers.append(("Content-Range", "bytes */\(bytes.count)"))
            return reply
        }
        reply.status = 206
        reply.headers.append(("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"))
        reply.body = Array(bytes[start...])
        return reply
    }

    /// Runs a test with a server.
    static func run<Value>(
        _ handler: @escaping @Sendable (Request) -> Reply,
        _ body: (FileServer) async throws -> Value
    ) async throws -> Value {
        let server = try FileServer(handler)
        defer { server.stop() }
        return try await body(server)
    }
}
