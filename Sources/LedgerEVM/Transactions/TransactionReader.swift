import Ledger

/// Why bytes were not a signed transaction.
public enum TransactionError: Error, Hashable, Sendable {
    /// They are not RLP.
    case malformed(RLPError)
    /// They have a type other than that of EIP-155 and EIP-1559.
    case unknownType
    /// A field is missing, of the wrong shape, or a number with leading zeros.
    case badField
    /// The signature is nobody's.
    case badSignature
}

extension SignedTransaction {
    /// Reads the bytes of a transaction; only the one encoding of it is accepted.
    public init(raw: [UInt8]) throws(TransactionError) {
        guard let first = raw.first else { throw .malformed(.truncated) }
        guard first == Transaction.marketType || first >= 0xc0 else { throw .unknownType }
        let isMarket = first == Transaction.marketType
        let item: RLP
        do { item = try RLP(isMarket ? Array(raw.dropFirst()) : raw) } catch { throw .malformed(error) }
        guard case .list(let fields) = item, fields.count == (isMarket ? 12 : 9) else { throw .badField }
        let offset = isMarket ? 4 : 2
        let fees: Transaction.Fees
        if isMarket {
            fees = .market(tip: Wei(try fields[2].number()), most: Wei(try fields[3].number()))
        } else {
            fees = .legacy(gasPrice: Wei(try fields[1].number()))
        }
        let parity: UInt8
        let chainID: UInt64
        if isMarket {
            chainID = try fields[0].number64()
            guard let number = UInt8(exactly: try fields[9].number()), number <= 1 else { throw .badField }
            parity = number
        } else {
            let v = try fields[6].number()
            guard v >= 35, let chain = UInt64(exactly: (v - 35) / 2) else { throw .badField }
            chainID = chain
            parity = UInt8((v - 35) % 2)
        }
        let transaction = Transaction(
            chainID: chainID,
            nonce: try fields[isMarket ? 1 : 0].number64(),
            to: try fields[offset + 1].recipient(),
            value: try fields[offset + 2].word(),
            data: try fields[offset + 3].bytes(),
            gasLimit: try fields[offset].number64(),
            fees: fees,
            accessList: isMarket ? try fields[8].accessList() : []
        )
        let r = try fields[fields.count - 2].word()
        let s = try fields[fields.count - 1].word()
        guard let sender = Secp256k1.recover(digest: transaction.signingHash, r: r, s: s, parity: parity) else {
            throw .badSignature
        }
        self.init(transaction: transaction, parity: parity, r: r.bytes, s: s.bytes, sender: sender)
        guard self.raw == raw else { throw .badField }
    }
}

extension RLP {
    fileprivate func bytes() throws(TransactionError) -> [UInt8] {
        guard case .bytes(let bytes) = self else { throw .badField }
        return bytes
    }

    fileprivate func number() throws(TransactionError) -> UInt128 {
        let bytes = try bytes()
        guard bytes.count <= 16, bytes.first != 0 else { throw .badField }
        return bytes.reduce(0) { $0 << 8 | UInt128($1) }
    }

    fileprivate func number64() throws(TransactionError) -> UInt64 {
        guard let number = UInt64(exactly: try number()) else { throw .badField }
        return number
    }

    fileprivate func word() throws(TransactionError) -> Bytes32 {
        let bytes = try bytes()
        guard bytes.count <= 32, bytes.first != 0,
            let word = Bytes32(Array(repeating: 0, count: 32 - bytes.count) + bytes)
        else { throw .badField }
        return word
    }

    fileprivate func recipient() throws(TransactionError) -> Address? {
        let bytes = try bytes()
        if bytes.isEmpty { return nil }
        guard let address = Address(bytes) else { throw .badField }
        return address
    }

    fileprivate func accessList() throws(TransactionError) -> [Transaction.Access] {
        guard case .list(let entries) = self else { throw .badField }
        return try entries.map { entry throws(TransactionError) in
            guard case .list(let parts) = entry, parts.count == 2, let address = Address(try parts[0].bytes()),
                case .list(let keys) = parts[1]
            else { throw .badField }
            return Transaction.Access(
                address: address,
                storageKeys: try keys.map { key throws(TransactionError) in
                    guard let word = Bytes32(try key.bytes()) else { throw .badField }
                    return word
                }
            )
        }
    }
}
