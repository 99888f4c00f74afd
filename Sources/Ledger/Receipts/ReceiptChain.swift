/// The chain of receipts of a channel, whose head every voucher carries (ledger specification, §3 "Receipts").
///
/// The signature over a voucher so covers every receipt behind its amount.
public enum ReceiptChain {
    /// The head before the first receipt: `keccak256(abi.encode(key, node))`.
    public static func start(key: KeyID, node: NodeID) -> Bytes32 {
        var keccak = Keccak256()
        keccak.update(key.word)
        keccak.update(node.word)
        return keccak.finalize()
    }

    /// The head after one more receipt: `keccak256(head | structHash(receipt))`.
    public static func advance(_ head: Bytes32, _ receipt: Receipt) -> Bytes32 {
        var keccak = Keccak256()
        keccak.update(head)
        keccak.update(receipt.structHash)
        return keccak.finalize()
    }
}
