import Foundation
import HTTPTypes
import LatticeTesting
import Nexus
import Testing

@testable import NexusHTTP

@Suite struct `Chat parameters` {
    private func read(_ json: String) throws(APIError) -> ChatParameters {
        try ChatParameters(json: Data(json.utf8))
    }

    private func problem(_ json: String) -> APIError? {
        do {
            _ = try read(json)
            return nil
        } catch {
            return error
        }
    }

    @Test func `join the text parts of a message`() throws {
        let parts = #"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#
        let parameters = try read(
            #"{"model":"m","messages":[{"role":"developer","content":\#(parts)},{"role":"assistant","content":null}]}"#
        )
        #expect(
            parameters.request.messages == [
                ChatMessage(role: "system", content: "ab"), ChatMessage(role: "assistant", content: ""),
            ]
        )
    }

    @Test func `take null for absent`() throws {
        let names = ["stream", "stream_options", "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "n"]
        let fields = names.map { #""\#($0)":null"# }.joined(separator: ",")
        let parameters = try read(chatBody(fields))
        #expect(!parameters.streams && !parameters.includesUsage)
        #expect(parameters.request.sampling == Sampling())
        #expect(parameters.request.maxTokens == nil && parameters.request.stop.isEmpty)
        #expect(parameters.ignoredFields.isEmpty)
    }

    @Test func `take one stop string and seeds of 64 bits`() throws {
        #expect(try read(chatBody(#""stop":"x","seed":18446744073709551615"#)).request.sampling.seed == .max)
        #expect(try read(chatBody(#""stop":"x""#)).request.stop == ["x"])
        #expect(try read(chatBody(#""stop":["",""]"#)).request.stop.isEmpty)
    }

    @Test(arguments: [
        (#""temperature":"hot""#, "temperature"), (#""temperature":2.1"#, "temperature"), (#""top_p":-1"#, "top_p"),
        (#""max_tokens":0"#, "max_tokens"), (#""max_tokens":1.5"#, "max_tokens"),
        (#""max_completion_tokens":-1"#, "max_completion_tokens"), (#""stream":"yes""#, "stream"),
        (#""stream_options":3"#, "stream_options"),
        (#""stream_options":{"include_usage":1}"#, "stream_options.include_usage"),
        (#""stop":["1","2","3","4","5"]"#, "stop"), (#""stop":5"#, "stop"), (#""stop":[5]"#, "stop"), (#""n":2"#, "n"),
        (#""seed":"x""#, "seed"), (#""top_k":-2"#, "top_k"), (#""temperature":1e999"#, "temperature"),
        (#""max_tokens":99999999999999999999"#, "max_tokens"),
    ])
    func `name the field that does not fit`(fields: String, param: String) {
        let error = problem(chatBody(fields))
        #expect(error?.status == .badRequest)
        #expect(error?.type == "invalid_request_error")
        #expect(error?.param == param)
    }

    @Test(arguments: [
        (#"{"messages":[]}"#, "model"), (#"{"model":"m"}"#, "messages"), (#"{"model":"m","messages":[]}"#, "messages"),
        (#"{"model":"","messages":[{"role":"user","content":"x"}]}"#, "model"),
        (#"{"model":"m","messages":{}}"#, "messages"), (#"{"model":"m","messages":[1]}"#, "messages[0]"),
        (#"{"model":"m","messages":[{"content":"x"}]}"#, "messages[0].role"),
        (#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#, "messages[0].role"),
        (#"{"model":"m","messages":[{"role":"user"}]}"#, "messages[0].content"),
        (
            #"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url"}]}]}"#,
            "messages[0].content[1]"
        ),
    ])
    func `name what is missing or cannot be read`(json: String, param: String) {
        #expect(problem(json)?.param == param)
    }

    @Test func `list at most twenty ignored fields`() throws {
        let fields = (0..<50).map { #""unknown_\#($0)":1"# }.joined(separator: ",")
        #expect(try read(chatBody(fields)).ignoredFields.count == 20)
    }

    @Test func `are an error for every prefix of a body`() {
        let body = chatBody(#""temperature":0.5,"stop":["a"],"stream_options":{"include_usage":true}"#)
        for count in 0..<body.utf8.count {
            #expect(problem(String(decoding: body.utf8.prefix(count), as: UTF8.self)) != nil)
        }
    }

    @Test func `survive random bytes and flipped bits`() {
        var generator = SeededGenerator(seed: 7)
        let body = [UInt8](chatBody(#""temperature":0.5,"stop":["a"],"seed":5"#).utf8)
        for _ in 0..<5_000 {
            var bytes = body
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            }
            _ = try? ChatParameters(json: Data(bytes))
            let noise = (0..<64).map { _ in UInt8.random(in: 0...(.max), using: &generator) }
            #expect(throws: APIError.self) { try ChatParameters(json: Data(noise)) }
        }
    }

    @Test func `refuse ten megabytes of nesting without exhausting the stack`() {
        #expect(problem(String(repeating: "[", count: 10_000_000))?.status == .badRequest)
        let deep = String(repeating: #"{"a":"#, count: 1_000_000)
        #expect(problem(#"{"model":"m","messages":[],"x":"# + deep)?.status == .badRequest)
        let closed = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(problem(chatBody(#""x":\#(closed)"#))?.status == .badRequest)
    }

    @Test(arguments: [[0xFF, 0xFE, 0x22], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
    func `refuse text that is not UTF-8`(bytes: [UInt8]) {
        let opening = Data(#"{"model":"m","messages":[{"role":"user","content":""#.utf8)
        #expect(throws: APIError.self) {
            try ChatParameters(json: opening + Data(bytes) + Data(#""}]}"#.utf8))
        }
    }
}
