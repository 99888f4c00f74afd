import Foundation
import Testing

@testable import Inference

@Suite struct `Any JSON object` {
    @Test func `is JSON, however it is spelled`() throws {
        for text in [
            "{}", "{ }", #"{"a":1}"#, #"{"a": [1, 2.5e+3, -0], "b": {"c": null}}"#,
            "{\n  \"a\": true,\n  \"b\": \"é😀\\n\\u00e9\\ud83d\\ude00\"\n}",
            #"{"":[]}"#,
        ] { #expect(accepts(.jsonObject, text), "\(text)") }
        for text in [
            "", "[]", "1", "{", "{}}", "{a:1}", #"{"a":01}"#, #"{"a":1,}"#, #"{"a" 1}"#, #"{"a":"\x"}"#,
            #"{"a":"\ud800"}"#,
            #"{"a":"\udc00"}"#, "{\"a\":\"\n\"}", "{  }", #"{"a":+1}"#, #"{"a":.5}"#, #"{"a":1.}"#, "{\"a\":\u{00A0}1}",
        ] { #expect(!accepts(.jsonObject, text), "\(text)") }
    }

    @Test func `is what another reader takes for JSON`() throws {
        var generator = SplitMix64(seed: 21)
        for _ in 0..<300 {
            let text = try #require(randomText(Grammar.jsonObject.program, length: 60, using: &generator))
            let value = try JSONSerialization.jsonObject(with: Data(text))
            #expect(value is [String: Any])
        }
    }
}
