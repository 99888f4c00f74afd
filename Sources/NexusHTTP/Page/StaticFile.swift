internal import HTTPTypes
internal import Hummingbird

/// A file of the page, compiled into the program.
struct StaticFile: Hashable, Sendable {
    /// Where it is found, such as `/style.css`.
    let path: String
    /// Its media type.
    let type: String
    /// Its bytes.
    let bytes: [UInt8]
    /// Changes with the bytes.
    let etag: String

    init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
        type = Self.mediaType(of: path)
        // FNV-1a, 64 bits: tells versions of one file apart, no more.
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325) { (hash: UInt64, byte) in
            (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        etag = "\"\(String(hash, radix: 16))-\(bytes.count)\""
    }

    static func == (left: StaticFile, right: StaticFile) -> Bool {
        left.path == right.path && left.etag == right.etag
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(path)
        hasher.combine(etag)
    }

    /// The media type that a path's ending stands for.
    static func mediaType(of path: String) -> String {
        switch path.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "json": "application/json; charset=utf-8"
        case "webmanifest": "application/manifest+json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "woff2": "font/woff2"
        case "txt": "text/plain; charset=utf-8"
        default: "application/octet-stream"
        }
    }

    /// The file, or 304 where the client has it.
    ///
    /// The page runs no script and loads no file but its own, and no other site may frame it.
    func response(to headers: HTTPFields) -> Response {
        var response: Response
        if headers[.ifNoneMatch].map(matches) ?? false {
            response = Response(status: .notModified)
            response.headers[.contentLength] = nil
        } else {
            response = Response(
                status: .ok,
                headers: [.contentType: type],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            )
        }
        response.headers[.eTag] = etag
        response.headers[.cacheControl] = "no-cache"
        response.headers[.contentSecurityPolicy] =
            "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        response.headers[.frameOptions] = "DENY"
        response.headers[.referrerPolicy] = "no-referrer"
        return response
    }

    private func matches(_ list: String) -> Bool {
        list.split(separator: ",").contains {
            let tag = $0.trimmingPrefix(while: { $0 == " " })
            return tag == "*" || tag == etag || tag == "W/" + etag
        }
    }
}
