import Foundation
import Testing

@testable import NexusHTTP

@Suite(.timeLimit(.minutes(1))) struct `The page` {
    @Test func `is served with a strict policy and a tag that saves the second load`() async throws {
        try await withServer { (port: Int) async throws in
            let reply = try await call(port, "GET", "/", key: nil)
            #expect(reply.status == 200)
            #expect(reply.headers["content-type"] == "text/html; charset=utf-8")
            #expect(reply.headers["content-security-policy"]?.hasPrefix("default-src 'self';") == true)
            #expect(reply.headers["x-content-type-options"] == "nosniff")
            #expect(reply.body.contains("<html"))
            let tag = try #require(reply.headers["etag"])
            let again = try await call(port, "GET", "/", key: nil, headers: ["If-None-Match": "\"x\", W/\(tag)"])
            #expect(again.status == 304)
            #expect(again.body.isEmpty)
        }
    }

    @Test func `answers HEAD without a body`() async throws {
        let reply = try await withServer { port in try await call(port, "HEAD", "/", key: nil) }
        #expect(reply.status == 200)
        #expect(reply.body.isEmpty)
        #expect(reply.headers["content-length"].flatMap { Int($0) } ?? 0 > 100)
    }

    @Test func `holds every file of its folder with its bytes and type`() async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/NexusHTTP/Site").standardized
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.contains(".") }
        #expect(Set(names.map { "/" + $0 } + ["/"]) == Set(StaticFile.all.keys))
        try await withServer { (port: Int) async throws in
            for name in names {
                let reply = try await call(port, "GET", "/" + name, key: nil)
                let bytes = try Data(contentsOf: folder.appending(path: name))
                #expect(reply.body == String(decoding: bytes, as: UTF8.self), "\(name)")
                #expect(reply.headers["content-type"] != "application/octet-stream", "\(name)")
            }
        }
    }

    @Test(arguments: ["/../Package.swift", "/%2e%2e/Package.swift", "/index.html/", "//index.html", "/.git/config"])
    func `has nothing outside its folder`(path: String) async throws {
        let reply = try await withServer { port in try await call(port, "GET", path, key: nil) }
        #expect(reply.status == 404)
    }
}
