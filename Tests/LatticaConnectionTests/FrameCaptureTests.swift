import Foundation
import LatticaCore
import LatticeTesting
import NIOCore
import Testing

@testable import LatticaConnection

@Suite(.timeLimit(.minutes(1))) struct `Frame capture` {
    private struct Line: Codable, Equatable {
        var dropped: Int?
        var time: Double?
        var connection: UInt64?
        var direction: String?
        var type: String?
        var flags: [String]?
        var stream: UInt32?
        var length: UInt32?
        var payload: String?
    }

    private func lines(_ path: String) throws -> [Line] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    @Test func `writes every frame of a connection in the clear`() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/frames"
            let capture = try FrameCapture(path: path, payload: 4)
            let handlers = StreamHandlers()
            handlers.register("/hello/1") { stream in
                _ = try? await stream.read()
                try? await stream.write(ByteBuffer(string: "ho"))
                try? await stream.closeWrite()
            }
            try await ConnectionPair.with(.tcpWithTLS, capture: capture, handlers: handlers) { pair in
                let stream = try await pair.dialer.openStream(["/hello/1"])
                try await stream.write(ByteBuffer(string: "hi there"))
                while try await stream.read() != nil {}
            }
            await capture.close()
            let lines = try lines(path)
            let sent = lines.filter { $0.direction == "out" && $0.type == "data" && $0.length == 8 }
            #expect(sent.map(\.payload) == ["68692074"])
            #expect(lines.contains { $0.direction == "in" && $0.type == "data" && $0.flags?.contains("FIN") == true })
            #expect(lines.contains { $0.type == "ping" && $0.flags == ["SYN"] })
            #expect(lines.contains { $0.flags?.contains("ACK") == true && $0.stream == 1 })
            #expect(Set(lines.map(\.connection)).count == 1)
            #expect(capture.droppedFrames == 0)
        }
    }

    @Test func `frames that the disk is too slow for are left out and counted`() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/frames"
            let capture = try FrameCapture(path: path, queue: 0)
            let header = YamuxHeader(kind: .ping, stream: 0, length: 7)
            for _ in 0..<5 {
                capture.record(header, ByteBuffer(), isReceived: true, connection: 1, at: .uptimeNanoseconds(1))
            }
            #expect(capture.droppedFrames == 5)
            await capture.close()
        }
    }

    @Test func `a file that cannot be opened is an error`() {
        #expect(throws: FrameCaptureError.self) { try FrameCapture(path: "/nonexistent/folder/frames") }
    }
}
