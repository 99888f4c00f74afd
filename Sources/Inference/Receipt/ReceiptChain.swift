internal import Crypto

/// The rolling hash of a receipt.
struct ReceiptChain {
    private var last: [UInt8]
    /// The hash of the next step, up to its logits.
    private var step: SHA256?

    /// `h(0)`: of the model's fingerprint, the cache's type, the prompt's hash, the sampling and the grammar's hash, each behind its length.
    ///
    /// Of the sampling: temperature, top-p, min-p, repetition, presence and frequency penalty as 64-bit floats, then top-k,
    /// window (-1 for all) and alternatives of log probabilities (-1 for none) and the seed as 64-bit integers, then token
    /// and bias of each entry by token, 32 bits each.
    init(_ receipt: ComputationReceipt) {
        var bytes = Array("lattice receipt 1".utf8)
        func append(_ part: [UInt8]) { bytes += Self.bytes(UInt64(part.count)) + part }
        append(Array(receipt.model.utf8))
        append(Array(receipt.cache.rawValue.utf8))
        append(Array(receipt.promptHash.utf8))
        append(Self.bytes(of: receipt.sampling))
        append(Array((receipt.grammar ?? "").utf8))
        last = Array(SHA256.hash(data: bytes))
    }

    /// Takes in the logits that a token is chosen from, before anything changes them.
    mutating func look(_ logits: UnsafeMutablePointer<Float>, vocabulary: Int) {
        var hash = SHA256()
        hash.update(data: last)
        unsafe hash.update(bufferPointer: UnsafeRawBufferPointer(start: logits, count: vocabulary * 4))
        step = hash
    }

    /// Takes in the token that was chosen.
    mutating func append(_ token: TokenID) {
        guard var hash = step else { preconditionFailure("a token without logits") }
        hash.update(data: Self.bytes(UInt32(bitPattern: token)))
        last = Array(hash.finalize())
        step = nil
    }

    /// The last hash.
    var digest: String { last.hexadecimal }

    /// The hash of a prompt's tokens.
    static func hash(ofPrompt tokens: [TokenID]) -> String {
        SHA256.hash(data: tokens.flatMap { bytes(UInt32(bitPattern: $0)) }).hexadecimal
    }

    /// The hash of a text.
    static func hash(of text: String) -> String { SHA256.hash(data: Array(text.utf8)).hexadecimal }

    private static func bytes(of sampling: Sampling) -> [UInt8] {
        let numbers = [
            sampling.temperature, sampling.topP, sampling.minP, sampling.repetitionPenalty, sampling.presencePenalty,
            sampling.frequencyPenalty,
        ]
        let counts = [sampling.topK, sampling.penaltyWindow ?? -1, sampling.logprobs ?? -1]
        let biases = sampling.logitBias.sorted { $0.key < $1.key }
        return numbers.flatMap { bytes($0.bitPattern) } + counts.flatMap { bytes(UInt64(bitPattern: Int64($0))) }
            + bytes(sampling.seed)
            + biases.flatMap { bytes(UInt32(bitPattern: $0.key)) + bytes($0.value.bitPattern) }
    }

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
