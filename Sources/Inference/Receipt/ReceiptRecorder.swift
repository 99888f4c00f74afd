/// Writes the receipt of an answer while it is computed.
struct ReceiptRecorder {
    private var receipt: ComputationReceipt
    private var chain: ReceiptChain
    /// The answer's tokens.
    private(set) var tokens: [TokenID] = []

    init(origin: ReceiptOrigin, prompt: [TokenID], sampling: Sampling, grammar: Grammar?) {
        receipt = ComputationReceipt(
            model: origin.model,
            cache: origin.cache,
            promptHash: ReceiptChain.hash(ofPrompt: prompt),
            promptTokens: prompt.count,
            tokens: 0,
            sampling: sampling,
            grammar: grammar?.fingerprint,
            chain: ""
        )
        chain = ReceiptChain(receipt)
    }

    /// Takes in the logits of the next token, before the sampler changes them.
    mutating func look(_ logits: UnsafeMutablePointer<Float>, vocabulary: Int) {
        unsafe chain.look(logits, vocabulary: vocabulary)
    }

    /// Takes in the token that was chosen.
    mutating func append(_ token: TokenID) {
        chain.append(token)
        tokens.append(token)
    }

    /// The receipt of the tokens so far.
    var written: ComputationReceipt {
        var receipt = receipt
        receipt.tokens = tokens.count
        receipt.chain = chain.digest
        return receipt
    }
}
