/// Checks a receipt against the logits that the model gives when it reads the answer as it reads a prompt.
///
/// Logits come in order, a row for each token of the answer: those after the prompt first, and those after the last token
/// but one last.
struct ReceiptVerifier {
    private let receipt: ComputationReceipt
    private let tokens: [TokenID]
    private var chain: ReceiptChain
    private var sampler: Sampler
    /// The number of tokens that were checked.
    private(set) var checked = 0

    /// A verifier of a claim that was checked.
    init(_ claim: ReceiptClaim, prompt: [TokenID], constraint: GrammarConstraint? = nil) {
        receipt = claim.receipt
        tokens = claim.tokens
        chain = ReceiptChain(receipt)
        sampler = Sampler(receipt.sampling, prompt: prompt, constraint: constraint)
    }

    /// Whether all tokens were checked.
    var isDone: Bool { checked == tokens.count }

    /// Checks the next token against its logits, which it may change; answers the token.
    mutating func check(
        _ logits: UnsafeMutablePointer<Float>,
        vocabulary: Int,
        scratch: UnsafeMutablePointer<UInt32>
    ) throws(ReceiptFault) -> TokenID {
        let token = tokens[checked]
        unsafe chain.look(logits, vocabulary: vocabulary)
        let choice: Sampler.Choice
        do throws(ModelError) {
            choice = unsafe try sampler.next(logits: logits, vocabulary: vocabulary, scratch: scratch)
        } catch {
            throw .failed(.failed(error))
        }
        guard choice.token == token else {
            throw .choice(position: checked, claimed: token, chosen: choice.token)
        }
        chain.append(token)
        sampler.accept(token)
        checked += 1
        return token
    }

    /// Compares the chain, once all tokens were checked.
    func finish() throws(ReceiptFault) {
        guard isDone else { throw .tokens(claimed: receipt.tokens, given: checked) }
        guard chain.digest == receipt.chain else { throw .chain }
    }
}

/// A receipt with the answer that it is for.
struct ReceiptClaim: Hashable, Sendable {
    let receipt: ComputationReceipt
    let tokens: [TokenID]
    let grammar: Grammar?

    /// Finds what can be known to be wrong without computing anything.
    func check(origin: ReceiptOrigin, prompt: [TokenID]) throws(ReceiptFault) {
        if let fault = receipt.sampling.fault { throw .invalid(fault) }
        guard receipt.model == origin.model else {
            throw .model(claimed: receipt.model, loaded: origin.model)
        }
        guard receipt.cache == origin.cache else { throw .cache(claimed: receipt.cache, used: origin.cache) }
        guard receipt.promptTokens == prompt.count, receipt.promptHash == ReceiptChain.hash(ofPrompt: prompt) else {
            throw .prompt
        }
        guard receipt.grammar == grammar?.fingerprint else { throw .grammar }
        guard receipt.tokens == tokens.count else { throw .tokens(claimed: receipt.tokens, given: tokens.count) }
    }
}
