public import Ledger

/// The hash of an answer as its receipt carries it, taken while the answer is written.
///
/// Of an answer that is nothing but text it is `keccak256(session ‖ text)`, where `text` is that of all deltas in UTF-8. Of
/// any other it is
///
/// ```
/// keccak256(keccak256(session ‖ text) ‖ keccak256(session ‖ thoughts) ‖ keccak256(session ‖ calls))
/// ```
///
/// where `thoughts` is the reasoning of all deltas in UTF-8 and `calls` has, for each call in its order, its id, its name and
/// its arguments in UTF-8, each behind its number of bytes (32 bits, big-endian). How an answer was cut into deltas makes no
/// difference; log probabilities are no part of it.
public struct AnswerHash: Sendable {
    private let session: Bytes32
    private var text = Keccak256()
    private var thoughts = Keccak256()
    private var calls = Keccak256()
    private var isPlain = true

    /// The hash of an empty answer under a session.
    public init(session: Bytes32) {
        self.session = session
        text.update(session)
        thoughts.update(session)
        calls.update(session)
    }

    /// Takes in the next delta.
    public mutating func append(_ delta: ProtoChatDelta) {
        if !delta.text.isEmpty { text.update(Array(delta.text.utf8)) }
        if !delta.reasoning.isEmpty {
            isPlain = false
            thoughts.update(Array(delta.reasoning.utf8))
        }
        for call in delta.toolCalls {
            isPlain = false
            for part in [call.id, call.name, call.arguments] {
                let bytes = Array(part.utf8)
                let count = UInt32(clamping: bytes.count)
                calls.update((0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + bytes)
            }
        }
    }

    /// Takes in vectors, which stand where a text would: of an embedding it is `keccak256(session ‖ values)`.
    public mutating func append(_ vectors: ProtoEmbedVectors) { text.update([UInt8](vectors.values)) }

    /// The hash of all that was taken in.
    public func finalize() -> Bytes32 {
        let plain = text.finalize()
        guard !isPlain else { return plain }
        return Keccak256.hash(plain.bytes + thoughts.finalize().bytes + calls.finalize().bytes)
    }
}
