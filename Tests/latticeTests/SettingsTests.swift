import Foundation
import LatticeTesting
import Ledger
import NIOCore
import Testing

@testable import lattice

@Suite struct `Settings of a process` {
    @Test func `take the flag before the file, and the file before the default`() async throws {
        try await withTemporaryDirectory { folder in
            let file = folder + "/settings.yaml"
            try Data("port: 9000\nname: from-file\n".utf8).write(to: URL(filePath: file))
            let settings = try await Settings(flags: ["name": "from-flag", "host": nil], file: file)
            #expect(settings.text("name") == "from-flag")
            #expect(try settings.number("port", default: 1, in: 0...65535) == 9000)
            #expect(settings.text("host", default: "127.0.0.1") == "127.0.0.1")
        }
    }

    @Test func `refuse a number that is none or out of bounds, and say how to set it`() async throws {
        let settings = try await Settings(flags: ["port": "eighty", "slots": "0"], file: nil)
        #expect {
            try settings.number("port", default: 1, in: 0...65535)
        } throws: { "\($0)".contains("--port") && "\($0)".contains("LATTICE_PORT") }
        #expect(throws: Settings.Fault.self) { try settings.number("slots", default: 1, in: 1...64) }
    }

    @Test func `name the file that cannot be read`() async {
        await #expect {
            try await Settings(flags: [:], file: "/nonexistent/settings.yaml")
        } throws: { "\($0)".contains("/nonexistent/settings.yaml") }
    }

    @Test(arguments: [("0.5", 500_000_000), ("2", 2_000_000_000), ("0.000000001", 1)])
    func `read amounts of LAI to the nano`(text: String, nano: UInt64) {
        #expect(Nano(lai: text) == Nano(nano))
    }

    @Test(arguments: ["", "x", "1.", "-1", "1.0000000001", "1e3", "99999999999999999999", "1.2.3", "١"])
    func `refuse other texts as amounts`(text: String) {
        #expect(Nano(lai: text) == nil)
    }
}

@Suite struct `The data folder` {
    @Test func `is its owner's alone, and so are the keys in it`() throws {
        try withTemporaryDirectory { path in
            let folder = try DataFolder(path + "/data")
            let key = try folder.signingKey("signer.key")
            #expect(try folder.signingKey("signer.key").address == key.address)
            #expect(try mode(folder.path) == 0o700)
            #expect(try mode(folder.file("signer.key")) == 0o600)
        }
    }

    @Test func `says what to do when it cannot be created`() {
        #expect {
            try DataFolder("/proc/lattice")
        } throws: { "\($0)".contains("--data-dir") }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }
}

@Suite struct `A stream of lines` {
    @Test func `is cut the same wherever its pieces end`() throws {
        let text = "data: one\n\ndata: two\ndata: [DONE]\n"
        for cut in 0...text.utf8.count {
            var splitter = LineSplitter(limit: 100)
            let bytes = Array(text.utf8)
            let first = try splitter.append(.init(bytes: bytes[..<cut]))
            let second = try splitter.append(.init(bytes: bytes[cut...]))
            #expect(first + second == ["data: one", "", "data: two", "data: [DONE]"])
        }
    }

    @Test func `refuses a line without an end`() {
        var splitter = LineSplitter(limit: 10)
        #expect(throws: LineSplitter.TooLong.self) {
            try splitter.append(.init(repeating: 0x61, count: 11))
        }
    }
}
