internal import Crypto

/// The names by which results refer to calls, in the form that a model was trained on.
enum CallIDs {
    /// Mistral's templates refuse calls whose ids are not of nine letters and digits, which callers cannot know.
    private static let length = 9

    /// The same turns with such ids in place of others: equal ones for equal ones, and one for a call that has none.
    static func shortened(_ turns: [ChatTurn]) -> [ChatTurn] {
        turns.enumerated().map { index, turn in
            var turn = turn
            turn.toolCalls = turn.toolCalls.enumerated().map { place, call in
                var call = call
                call.id = shortened(call.id ?? "\(index).\(place)")
                return call
            }
            turn.toolCallID = turn.toolCallID.map(shortened)
            return turn
        }
    }

    private static func shortened(_ id: String) -> String {
        let isFit = id.utf8.count == length && id.utf8.allSatisfy(letters.contains)
        guard !isFit else { return id }
        return String(
            decoding: SHA256.hash(data: Array(id.utf8)).prefix(length).map { letters[Int($0) % letters.count] },
            as: UTF8.self
        )
    }

    private static let letters = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
}
