public import Ledger

/// Which block a question is about.
public enum BlockTag: Hashable, Sendable {
    /// The newest.
    case latest
    /// The newest that cannot be taken back.
    case finalized
    /// The one of this number.
    case number(UInt64)

    var json: JSON {
        switch self {
        case .latest: .string("latest")
        case .finalized: .string("finalized")
        case .number(let number): .quantity(number)
        }
    }
}

/// What is needed of a block.
public struct BlockHeader: Hashable, Sendable {
    /// Its number.
    public var number: UInt64
    /// Its hash.
    public var hash: Bytes32
    /// The hash of the block before.
    public var parent: Bytes32
    /// Its time in seconds since 1970.
    public var time: UInt64
    /// What its gas cost at least.
    public var baseFee: Wei
    /// The most gas of all its transactions.
    public var gasLimit: UInt64
}

extension BlockHeader: Decodable {
    private enum Field: String, CodingKey {
        case number, hash, parentHash, timestamp, baseFeePerGas, gasLimit
    }

    /// Reads a block; one that is still being built has no hash and is refused.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        number = try fields.decode(HexNumber64.self, forKey: .number).value
        hash = try fields.decode(Bytes32.self, forKey: .hash)
        parent = try fields.decode(Bytes32.self, forKey: .parentHash)
        time = try fields.decode(HexNumber64.self, forKey: .timestamp).value
        baseFee = Wei(try fields.decode(HexNumber.self, forKey: .baseFeePerGas).value)
        gasLimit = try fields.decode(HexNumber64.self, forKey: .gasLimit).value
    }
}

/// What a contract logged.
public struct ChainLog: Hashable, Sendable {
    /// The contract.
    public var address: Address
    /// At most four words; the first names the event.
    public var topics: [Bytes32]
    /// The other fields.
    public var data: [UInt8]
    /// The number of the block.
    public var block: UInt64
    /// Its hash.
    public var blockHash: Bytes32
    /// The transaction.
    public var transaction: Bytes32
    /// The number of the log in its block.
    public var index: UInt64

    /// What it says for a ledger that knows the contract.
    func encodedEvent(_ contracts: ContractAddresses) -> EncodedEvent? {
        contracts.contract(at: address).map { EncodedEvent(contract: $0, topics: topics, data: data) }
    }
}

extension ChainLog: Decodable {
    private enum Field: String, CodingKey {
        case address, topics, data, blockNumber, blockHash, transactionHash, logIndex, removed
    }

    /// Reads a log; one that was taken back, or that no block holds, is refused.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        address = try fields.decode(Address.self, forKey: .address)
        topics = try fields.decode([Bytes32].self, forKey: .topics)
        data = try fields.decode(HexData.self, forKey: .data).bytes
        block = try fields.decode(HexNumber64.self, forKey: .blockNumber).value
        blockHash = try fields.decode(Bytes32.self, forKey: .blockHash)
        transaction = try fields.decode(Bytes32.self, forKey: .transactionHash)
        index = try fields.decode(HexNumber64.self, forKey: .logIndex).value
        guard topics.count <= 4, try fields.decodeIfPresent(Bool.self, forKey: .removed) != true else {
            throw DecodingError.dataCorruptedError(forKey: .topics, in: fields, debugDescription: "no log of a block")
        }
    }
}

/// What became of a transaction in a block.
public struct Receipt: Hashable, Sendable {
    /// The transaction.
    public var transaction: Bytes32
    /// The number of the block.
    public var block: UInt64
    /// Its hash.
    public var blockHash: Bytes32
    /// Whether it did what it was to do; otherwise nothing changed but the sender's nonce and coins.
    public var succeeded: Bool
    /// The gas that it used.
    public var gasUsed: UInt64
    /// The contract that it created.
    public var createdContract: Address?
    /// What was logged, in order.
    public var logs: [ChainLog]
}

extension Receipt: Decodable {
    private enum Field: String, CodingKey {
        case transactionHash, blockNumber, blockHash, status, gasUsed, contractAddress, logs
    }

    /// Reads a receipt; its logs must be of the same transaction and block.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        transaction = try fields.decode(Bytes32.self, forKey: .transactionHash)
        block = try fields.decode(HexNumber64.self, forKey: .blockNumber).value
        blockHash = try fields.decode(Bytes32.self, forKey: .blockHash)
        let status = try fields.decode(HexNumber64.self, forKey: .status).value
        gasUsed = try fields.decode(HexNumber64.self, forKey: .gasUsed).value
        createdContract = try fields.decodeIfPresent(Address.self, forKey: .contractAddress)
        logs = try fields.decode([ChainLog].self, forKey: .logs)
        succeeded = status == 1
        let hasForeignLog = logs.contains {
            $0.transaction != transaction || $0.blockHash != blockHash || $0.block != block
        }
        guard status <= 1, !hasForeignLog, zip(logs, logs.dropFirst()).allSatisfy({ $0.index < $1.index }) else {
            throw DecodingError.dataCorruptedError(forKey: .logs, in: fields, debugDescription: "not one transaction's")
        }
    }
}
