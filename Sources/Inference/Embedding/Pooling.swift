/// How the states of a text's tokens become one vector (`pooling_type`).
public enum Pooling: Int, Hashable, Sendable {
    /// The mean of all tokens.
    case mean = 1
    /// The first token, which bert models call `[CLS]`.
    case first = 2
    /// The last token, which in a causal model has seen all others.
    case last = 3

    /// The pooling that a file names, or `fallback` where it names none.
    init(_ metadata: GGUFMetadata, architecture: String, default fallback: Pooling) throws(ModelError) {
        let key = architecture + ".pooling_type"
        guard metadata[key] != nil else {
            self = fallback
            return
        }
        let number: Int
        do { number = try metadata.int(key) } catch { throw .file(error) }
        switch number {
        // A file that names none on purpose leaves the choice to its user.
        case 0: self = fallback
        case 1: self = .mean
        case 2: self = .first
        case 3: self = .last
        default: throw .unsupported(file: metadata.file, feature: "pooling \(number), as rerankers have it,")
        }
    }

    /// One vector of length 1 from the states of a text's tokens, `width` floats each.
    ///
    /// Sums are taken in the order of the tokens and of the dimensions, as doubles, so that every machine gets the same bits.
    func vector(of states: UnsafeBufferPointer<Float>, width: Int) -> [Float] {
        let count = states.count / width
        var vector: [Double]
        switch self {
        case .first: vector = (0..<width).map { unsafe Double(states[$0]) }
        case .last: vector = (0..<width).map { unsafe Double(states[(count - 1) * width + $0]) }
        case .mean:
            vector = [Double](repeating: 0, count: width)
            for token in 0..<count {
                for index in 0..<width { unsafe vector[index] += Double(states[token * width + index]) }
            }
            for index in 0..<width { vector[index] /= Double(count) }
        }
        var squares = 0.0
        for value in vector { squares += value * value }
        let length = squares.squareRoot()
        // Of nothing, and of what overflowed, there is no direction.
        guard length > 0, length.isFinite else { return [Float](repeating: 0, count: width) }
        return vector.map { Float($0 / length) }
    }
}
