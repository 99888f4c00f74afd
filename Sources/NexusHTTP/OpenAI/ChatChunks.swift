internal import HTTPTypes
internal import Ledger
internal import NIOCore
internal import Nexus

/// Writes the chunks of one streamed answer as server-sent events.
///
/// All share the same id, time and model, which are encoded once.
struct ChatChunks: Sendable {
    /// Ends every stream that did not fail.
    static let done = ByteBuffer(string: "data: [DONE]\n\n")

    private let opening: [UInt8]
    private let closing: [UInt8]

    /// Prepares the parts that do not change.
    ///
    /// With `includesUsage` every chunk but the last says `"usage":null`.
    init(id: String, created: Int, model: String, includesUsage: Bool) {
        var opening: [UInt8] = []
        opening.append(#"data: {"id":"#)
        opening.append(jsonString: id)
        opening.append(#","object":"chat.completion.chunk","created":"#)
        opening.append(json: created)
        opening.append(#","model":"#)
        opening.append(jsonString: model)
        opening.append(#","choices":["#)
        self.opening = opening
        closing = [UInt8]((includesUsage ? #"],"usage":null"# : "]").utf8)
    }

    /// The first chunk: who speaks.
    func role() -> ByteBuffer {
        chunk { $0.append(#"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}"#) }
    }

    /// More of the answer; none for tokens that complete nothing.
    ///
    /// A call is two chunks, as clients have it from OpenAI: who is called, and then the arguments.
    func delta(_ delta: ChatDelta, calls: [NamedCall]) -> [ByteBuffer] {
        var chunks: [ByteBuffer] = []
        if !delta.text.isEmpty || !delta.reasoning.isEmpty || !delta.logprobs.isEmpty {
            chunks.append(
                chunk(extra: delta.text.utf8.count + delta.reasoning.utf8.count + 256 * delta.logprobs.count) {
                    $0.append(#"{"index":0,"delta":{"#)
                    if !delta.reasoning.isEmpty {
                        $0.append(#""reasoning_content":"#)
                        $0.append(jsonString: delta.reasoning)
                        if !delta.text.isEmpty { $0.append(",") }
                    }
                    if !delta.text.isEmpty {
                        $0.append(#""content":"#)
                        $0.append(jsonString: delta.text)
                    }
                    $0.append("}")
                    if !delta.logprobs.isEmpty {
                        $0.append(#","logprobs":"#)
                        $0.append(json: delta.logprobs)
                    }
                    $0.append(#","finish_reason":null}"#)
                }
            )
        }
        for call in calls {
            chunks.append(self.call(at: call.index) { $0 += call.json(withArguments: false) })
            chunks.append(
                self.call(at: call.index) {
                    $0.append(#""function":{"arguments":"#)
                    $0.append(jsonString: call.call.arguments)
                    $0.append("}")
                }
            )
        }
        return chunks
    }

    private func call(at index: Int, _ members: (inout [UInt8]) -> Void) -> ByteBuffer {
        chunk(extra: 256) {
            $0.append(#"{"index":0,"delta":{"tool_calls":[{"index":"#)
            $0.append(json: index)
            $0.append(",")
            members(&$0)
            $0.append(#"}]},"finish_reason":null}"#)
        }
    }

    /// Why the answer ended; carries the account where no usage chunk follows.
    func finish(_ reason: FinishReason, account: ChatAccount?) -> ByteBuffer {
        var bytes = opening
        bytes.append(#"{"index":0,"delta":{},"finish_reason":"#)
        bytes.append(jsonString: reason.openAIName)
        bytes.append("}")
        bytes += closing
        if let account {
            bytes.append(#","lattice":"#)
            bytes += account.json
        }
        bytes.append("}\n\n")
        return ByteBuffer(bytes: bytes)
    }

    /// The chunk without choices that closes an answer with its usage.
    func usage(_ usage: Usage, reasoningTokens: Int, account: ChatAccount) -> ByteBuffer {
        var bytes = opening
        bytes.append(#"],"usage":"#)
        bytes += usage.json(reasoningTokens: reasoningTokens)
        bytes.append(#","lattice":"#)
        bytes += account.json
        bytes.append("}\n\n")
        return ByteBuffer(bytes: bytes)
    }

    /// An error after the head was sent.
    ///
    /// Clients raise it; no `[DONE]` follows.
    static func failure(_ error: APIError) -> ByteBuffer {
        ByteBuffer(bytes: [UInt8]("data: ".utf8) + error.json + [UInt8]("\n\n".utf8))
    }

    private func chunk(extra: Int = 0, _ choice: (inout [UInt8]) -> Void) -> ByteBuffer {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(opening.count + closing.count + extra + 96)
        bytes += opening
        choice(&bytes)
        bytes += closing
        bytes.append("}\n\n")
        return ByteBuffer(bytes: bytes)
    }
}
