/// Tokens of one sequence, on their way through a stage of a model.
public struct StagePart: Hashable, Sendable {
    /// What goes in.
    public enum Input: Hashable, Sendable {
        /// Tokens, for the first stage.
        case tokens([TokenID])
        /// What the stage before gave: `ModelStage.width` floats for each token.
        case hidden([Float])
    }

    /// A number that the caller chose; position 0 starts the sequence.
    public var sequence: UInt64
    /// Of the first token; what the stage holds of the sequence from here on is forgotten.
    public var position: Int
    /// The tokens, or their hidden states.
    public var input: Input
    /// After how many of the last tokens logits are wanted; for the last stage.
    public var rows: Int

    /// A part of `sequence` from `position` on.
    public init(sequence: UInt64, position: Int, input: Input, rows: Int = 0) {
        self.sequence = sequence
        self.position = position
        self.input = input
        self.rows = rows
    }
}

/// What a stage gives for one part.
public struct StageResult: Hashable, Sendable {
    /// The hidden states for the next stage; none from the last stage.
    public var hidden: [Float]
    /// The rows of logits that were asked for, one logit for each token of the vocabulary.
    public var logits: [[Float]]
}

/// Why a stage did not compute.
public enum StageError: Error, Hashable, CustomStringConvertible {
    /// A part does not fit this stage; the text says why.
    case invalid(String)
    /// The sequence has only so many positions in this stage.
    case gap(sequence: UInt64, position: Int, held: Int)
    /// The cache has no room; forget a sequence.
    case full
    /// Too many calls wait.
    case busy
    /// The stage was closed.
    case closed
    /// The machine ran out of something.
    case failed(ModelError)

    /// The sentence for a person: what failed, and what to do next.
    public var description: String {
        switch self {
        case .invalid(let reason): reason
        case .gap(let sequence, let position, let held):
            "sequence \(sequence) goes on at \(position), but \(held) positions are here; send it from there"
        case .full: "the cache of this stage is full; try again when others have ended"
        case .busy: "too many calls are waiting; try again later"
        case .closed: "the stage was closed"
        case .failed(let error): error.description
        }
    }
}
