import Foundation
import HTTPTypes
import LatticeTesting
import Nexus
import Testing

@testable import NexusHTTP

/// Fields of a chat's body beyond text and sampling.
@Suite struct `Fields of a chat` {
    private func read(_ fields: String) throws(APIError) -> ChatParameters {
        try ChatParameters(json: Data(chatBody(fields).utf8))
    }

    private func problem(_ fields: String) -> APIError? {
        do {
            _ = try read(fields)
            return nil
        } catch {
            return error
        }
    }

    private static let tool = #"{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}"#

    @Test func `say how tokens are chosen`() throws {
        let request = try read(
            """
            "min_p":0.1,"repetition_penalty":1.5,"presence_penalty":-2,"frequency_penalty":0.5,"logprobs":true,
            "top_logprobs":5,"logit_bias":{"12":-100,"3":0.5}
            """
        ).request
        #expect(
            request.sampling
                == Sampling(
                    minP: 0.1,
                    repetitionPenalty: 1.5,
                    presencePenalty: -2,
                    frequencyPenalty: 0.5,
                    logitBias: [12: -100, 3: 0.5],
                    logprobs: 5
                )
        )
        #expect(try read(#""repeat_penalty":1.1"#).request.sampling.repetitionPenalty == 1.1)
        #expect(try read(#""logprobs":true"#).request.sampling.logprobs == 0)
        #expect(try read(#""logprobs":false"#).request.sampling.logprobs == nil)
    }

    @Test func `carry tools with their schemas as they were written`() throws {
        let schema = #"{"type": "object", "properties": {"z": {"type":"string"}, "a": {"enum": ["]}", "\"", "é"]}}}"#
        let request = try read(
            """
            "tools":[{"type":"function","function":{"name":"first","description":"d","parameters":\(schema)}},
            {"function":{"name":"second"}}],"tool_choice":{"type":"function","function":{"name":"second"}}
            """
        ).request
        #expect(
            request.tools == [Tool(name: "first", description: "d", parameters: schema), Tool(name: "second")]
        )
        #expect(request.toolChoice == .function("second"))
        for (text, choice) in [("auto", ToolChoice.auto), ("none", .none), ("required", .required)] {
            #expect(try read(#""tools":[\#(Self.tool)],"tool_choice":"\#(text)""#).request.toolChoice == choice)
        }
    }

    @Test func `carry what the model asked for and what came of it`() throws {
        let call = #"{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}"#
        let parameters = try ChatParameters(
            json: Data(
                """
                {"model":"m","messages":[{"role":"user","content":"x"},
                {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[\(call)]},
                {"role":"tool","tool_call_id":"call_1","content":"2"}]}
                """.utf8
            )
        )
        #expect(
            parameters.request.messages == [
                ChatMessage(role: "user", content: "x"),
                ChatMessage(
                    role: "assistant",
                    content: "",
                    reasoning: "hm",
                    toolCalls: [ToolCall(id: "call_1", name: "f", arguments: #"{"a": 1}"#)]
                ),
                ChatMessage(role: "tool", content: "2", toolCallID: "call_1", toolName: "f"),
            ]
        )
        #expect(parameters.ignoredFields.isEmpty)
    }

    @Test func `say what the answer is kept to`() throws {
        let schema = #"{"b": 1, "a": [ ]}"#
        let named = #"{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":\#(schema)}}"#
        #expect(try read(#""response_format":\#(named)"#).request.format == .jsonSchema(schema))
        let loose = #"{"type":"json_object","schema":\#(schema)}"#
        #expect(try read(#""response_format":\#(loose)"#).request.format == .jsonSchema(schema))
        #expect(try read(#""response_format":{"type":"json_object"}"#).request.format == .jsonObject)
        #expect(try read(#""response_format":{"type":"text"}"#).request.format == .text)
        #expect(try read(#""grammar":"root ::= \"a\"""#).request.format == .gbnf("root ::= \"a\""))
        // A name may be spelled with escapes.
        let spelled = #"{"type":"json_schema","json_schema":{"sch\u0065ma":\#(schema)}}"#
        #expect(try read(#""response_format":\#(spelled)"#).request.format == .jsonSchema(schema))
    }

    @Test func `say whether the model thinks, and whether a receipt is wanted`() throws {
        #expect(try read("").request.thinking == nil)
        #expect(try read(#""reasoning_effort":"none""#).request.thinking == false)
        #expect(try read(#""reasoning_effort":"high""#).request.thinking == true)
        let kwargs = try read(#""chat_template_kwargs":{"enable_thinking":false},"reasoning_effort":"high""#)
        #expect(kwargs.request.thinking == false && kwargs.ignoredFields.isEmpty)
        #expect(try read(#""chat_template_kwargs":{"x":1}"#).ignoredFields == ["chat_template_kwargs"])
        #expect(try read(#""lattice":{"receipt":true}"#).request.wantsReceipt)
    }

    @Test(arguments: [
        (#""presence_penalty":2.1"#, "presence_penalty"), (#""frequency_penalty":"x""#, "frequency_penalty"),
        (#""repetition_penalty":0"#, "repetition_penalty"), (#""min_p":2"#, "min_p"),
        (#""logit_bias":{"x":1}"#, "logit_bias"), (#""logit_bias":{"1":101}"#, "logit_bias"),
        (#""logit_bias":[1]"#, "logit_bias"), (#""top_logprobs":1"#, "top_logprobs"),
        (#""logprobs":true,"top_logprobs":21"#, "top_logprobs"), (#""logprobs":3"#, "logprobs"),
        (#""tools":3"#, "tools"), (#""tools":[{"type":"function"}]"#, "tools[0].function"),
        (#""tools":[{"type":"magic","function":{"name":"f"}}]"#, "tools[0].type"),
        (#""tools":[{"type":"function","function":{"name":"a b"}}]"#, "tools[0].function.name"),
        (
            #""tools":[{"type":"function","function":{"name":"f","parameters":[]}}]"#,
            "tools[0].function.parameters"
        ),
        (#""tool_choice":"required""#, "tool_choice"), (#""tool_choice":7"#, "tool_choice"),
        (#""tools":[\#(tool)],"tool_choice":{"type":"function","function":{"name":"g"}}"#, "tool_choice"),
        (#""response_format":{"type":"xml"}"#, "response_format.type"),
        (#""response_format":"json""#, "response_format"),
        (#""response_format":{"type":"json_schema"}"#, "response_format.json_schema.schema"),
        (#""grammar":"root ::= \"a\"","response_format":{"type":"json_object"}"#, "grammar"),
        (#""reasoning_effort":"much""#, "reasoning_effort"), (#""lattice":{"receipt":"yes"}"#, "lattice.receipt"),
    ])
    func `are named where they do not fit`(fields: String, param: String) {
        let error = problem(fields)
        #expect(error?.status == .badRequest && error?.param == param, "\(String(describing: error))")
    }

    @Test func `survive flipped bits`() {
        var generator = SeededGenerator(seed: 11)
        let call = #"{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}"#
        let body = Array(
            """
            {"model":"m","messages":[{"role":"assistant","tool_calls":[\(call)]},{"role":"tool","tool_call_id":"c",
            "content":"2"}],"tools":[\(Self.tool)],"tool_choice":{"type":"function","function":{"name":"f"}},
            "response_format":{"type":"json_schema","json_schema":{"schema":{"a":[1,"]"]}}},"logit_bias":{"1":2},
            "logprobs":true,"top_logprobs":3}
            """.utf8
        )
        #expect(throws: Never.self) { try ChatParameters(json: Data(body)) }
        for _ in 0..<3_000 {
            var bytes = body
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            }
            _ = try? ChatParameters(json: Data(bytes))
        }
        for count in body.indices { _ = try? ChatParameters(json: Data(body.prefix(count))) }
    }

    @Test func `are found in any JSON, and in none that is cut`() {
        let text = #" {"a":{"x":[1,{"y":"]"}]} , "b":"{\"c\":2}","a":[ 1 , "2" , {} ,[]],"n":null}"#
        let raw = RawJSON(Data(text.utf8))
        #expect(raw["a"]?.elements.map(\.text) == ["1", #""2""#, "{}", "[]"])
        #expect(raw["b"]?.text == #""{\"c\":2}""# && raw["n"]?.text == "null" && raw["c"] == nil)
        #expect(raw["b"]?["c"] == nil && raw["b"]?.elements.isEmpty == true)
        for count in 0..<text.utf8.count {
            let cut = RawJSON(Data(text.utf8.prefix(count)))
            _ = (cut["a"]?.elements, cut["b"]?.text, cut.text)
        }
    }
}
