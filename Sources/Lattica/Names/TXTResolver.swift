/// Looks up the text records of names, where addresses of the form `/dnsaddr/…` lead to.
public protocol TXTResolver: Sendable {
    /// The TXT records of a name, in any order, each with its strings joined.
    ///
    /// Records are whatever their owner has written, and of any number; the caller judges them. Whoever asks sets the deadline by
    /// cancelling the task, upon which this must return soon.
    ///
    /// - Parameter name: absolute, without the dot at its end.
    func texts(of name: String) async throws(TXTLookupError) -> [String]
}

/// Why a name gave no text records.
public enum TXTLookupError: Error, Hashable {
    /// It is not a name that can be asked for.
    case invalidName
    /// The name is not there.
    case noSuchName
    /// The name is there and has no text records.
    case noRecords
    /// The name servers refused, failed or were not reached.
    case notAnswered(String)
    /// The task was cancelled.
    case cancelled
}
