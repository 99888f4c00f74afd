/// Texts that a caller wants as vectors.
public struct EmbedRequest: Hashable, Sendable {
    /// A model's name as listed by ``ChatBackend/models()``.
    public var model: String
    /// At least one.
    public var texts: [String]
    /// The dimensions that the vectors must have; `nil` for those that the model gives.
    public var dimensions: Int?

    /// Makes a request.
    public init(model: String, texts: [String], dimensions: Int? = nil) {
        self.model = model
        self.texts = texts
        self.dimensions = dimensions
    }
}

/// Vectors of texts, paid for.
public struct EmbedAnswer: Hashable, Sendable {
    /// The name of the model.
    public var model: String
    /// Who computed them.
    public var node: NodeListing
    /// One for each text, in their order: floats of 32 bits, little-endian.
    public var vectors: [[UInt8]]
    /// What was read, and what it cost.
    public var summary: ChatSummary

    /// Makes an answer.
    public init(model: String, node: NodeListing, vectors: [[UInt8]], summary: ChatSummary) {
        self.model = model
        self.node = node
        self.vectors = vectors
        self.summary = summary
    }

    /// The floats of a vector.
    public static func floats(of vector: [UInt8]) -> [Float] {
        stride(from: 0, to: vector.count - vector.count % 4, by: 4).map { place in
            Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(vector[place + $1]) << (8 * UInt32($1)) })
        }
    }

    /// The bytes of a vector.
    public static func bytes(of vector: [Float]) -> [UInt8] {
        vector.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
        }
    }
}
