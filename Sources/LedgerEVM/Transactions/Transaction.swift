public import Ledger

/// A call of a contract, or its creation, as it is signed and sent.
public struct Transaction: Hashable, Sendable {
    /// What the sender pays for gas.
    public enum Fees: Hashable, Sendable {
        /// One price for all of it (EIP-155 transactions).
        case legacy(gasPrice: Wei)
        /// The block's base fee and a tip to the block's producer, together at most `most` (EIP-1559).
        case market(tip: Wei, most: Wei)
    }

    /// Storage that the sender names beforehand (EIP-2930).
    public struct Access: Hashable, Sendable {
        /// The contract.
        public var address: Address
        /// Its words.
        public var storageKeys: [Bytes32]

        /// Makes an entry.
        public init(address: Address, storageKeys: [Bytes32]) {
            self.address = address
            self.storageKeys = storageKeys
        }
    }

    /// The chain for which it is signed, so that it is valid on no other.
    public var chainID: UInt64
    /// The sender's number for it; a chain takes them without gaps.
    public var nonce: UInt64
    /// The contract that is called; `nil` creates one.
    public var to: Address?
    /// Coins that go along, in wei; up to 256 bits.
    public var value: Bytes32
    /// The call, or the code that creates the contract.
    public var data: [UInt8]
    /// The most gas that it may use.
    public var gasLimit: UInt64
    /// What it pays for gas.
    public var fees: Fees
    /// Storage named beforehand; only with ``Fees/market(tip:most:)``.
    public var accessList: [Access]

    /// Makes a transaction.
    public init(
        chainID: UInt64,
        nonce: UInt64,
        to: Address?,
        value: Bytes32 = .zero,
        data: [UInt8],
        gasLimit: UInt64,
        fees: Fees,
        accessList: [Access] = []
    ) {
        self.chainID = chainID
        self.nonce = nonce
        self.to = to
        self.value = value
        self.data = data
        self.gasLimit = gasLimit
        self.fees = fees
        self.accessList = accessList
    }

    /// What the sender's key signs.
    public var signingHash: Bytes32 {
        switch fees {
        case .legacy:
            Keccak256.hash(RLP.list(content + [.number(chainID), .bytes([]), .bytes([])]).encoded())
        case .market:
            Keccak256.hash([Self.marketType] + RLP.list(content).encoded())
        }
    }

    /// Signs it.
    public func signed(by key: Secp256k1Key) throws(KeyError) -> SignedTransaction {
        let (r, vs) = try key.sign(digest: signingHash)
        var s = vs.bytes
        let parity = s[0] >> 7
        s[0] &= 0x7f
        return SignedTransaction(transaction: self, parity: parity, r: r.bytes, s: s, sender: key.address)
    }

    /// The type in front of an EIP-1559 transaction.
    static let marketType: UInt8 = 2

    /// The fields that stand before the signature.
    var content: [RLP] {
        let call: [RLP] = [
            .number(gasLimit), .bytes(to?.bytes ?? []), .number(value.bytes), .bytes(data),
        ]
        switch fees {
        case .legacy(let gasPrice): return [.number(nonce), .number(gasPrice.count)] + call
        case .market(let tip, let most):
            let accesses = accessList.map { access in
                RLP.list([.bytes(access.address.bytes), .list(access.storageKeys.map { .bytes($0.bytes) })])
            }
            return [.number(chainID), .number(nonce), .number(tip.count), .number(most.count)] + call + [
                .list(accesses)
            ]
        }
    }
}

/// A transaction with its sender's signature.
public struct SignedTransaction: Hashable, Sendable {
    /// What was signed.
    public let transaction: Transaction
    /// The bytes that are sent.
    public let raw: [UInt8]
    /// The hash of the bytes, by which the chain names it.
    public let hash: Bytes32
    /// Whose signature it bears.
    public let sender: Address

    init(transaction: Transaction, parity: UInt8, r: [UInt8], s: [UInt8], sender: Address) {
        self.transaction = transaction
        self.sender = sender
        switch transaction.fees {
        case .legacy:
            let v = UInt128(transaction.chainID) * 2 + 35 + UInt128(parity)
            raw = RLP.list(transaction.content + [.number(v), .number(r), .number(s)]).encoded()
        case .market:
            let signature = [RLP.number(UInt64(parity)), .number(r), .number(s)]
            raw = [Transaction.marketType] + RLP.list(transaction.content + signature).encoded()
        }
        hash = Keccak256.hash(raw)
    }
}

extension Address {
    /// The address of the contract that an account creates with the transaction of this nonce.
    public static func created(by sender: Address, nonce: UInt64) -> Address {
        Address(lastOf: Keccak256.hash(RLP.list([.bytes(sender.bytes), .number(nonce)]).encoded()))
    }
}
