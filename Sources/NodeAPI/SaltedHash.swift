public import Ledger

/// Hashes of prompts and answers as receipts carry them: salted by the session, so that equal texts do not show as equal
/// (ledger specification, §3 "Receipts").
public enum SaltedHash {
    /// The hash over a session's salt and some bytes.
    ///
    /// For a request the bytes are the first message of the call exactly as sent; for an answer there is ``AnswerHash``.
    public static func of(_ bytes: [UInt8], session: Bytes32) -> Bytes32 {
        Keccak256.hash(session.bytes + bytes)
    }
}
