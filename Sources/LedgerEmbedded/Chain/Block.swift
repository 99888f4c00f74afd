import Ledger

/// What a block's hash covers (ledger specification, §9 "Local implementation").
struct BlockHeader: Hashable, Sendable {
    var number: UInt64
    var parent: Bytes32
    var time: UInt64
    var commandsRoot: Bytes32
    var eventsRoot: Bytes32

    /// `keccak256(abi.encode(number, parent, time, commands_root, events_root))`.
    var hash: Bytes32 {
        var keccak = Keccak256()
        keccak.update(Bytes32(number: number))
        keccak.update(parent)
        keccak.update(Bytes32(number: time))
        keccak.update(commandsRoot)
        keccak.update(eventsRoot)
        return keccak.finalize()
    }
}

/// A command as a block holds it.
struct BlockCommand: Hashable, Sendable {
    var submission: Bytes32
    var caller: Address
    var contract: Address
    var body: [UInt8]
    /// Empty when the command was done, otherwise the reason why not.
    var outcome: String

    /// The leaf of the commands' tree.
    var leaf: Bytes32 {
        var keccak = Keccak256()
        keccak.update([MerkleTree.leafMark])
        keccak.update(submission)
        keccak.update(caller.word)
        keccak.update(contract.word)
        keccak.update(Keccak256.hash(body))
        keccak.update(Keccak256.hash(Array(outcome.utf8)))
        return keccak.finalize()
    }
}

/// An event as a block holds it.
struct BlockEvent: Hashable, Sendable {
    /// The number, within the block, of the command that made it.
    var command: UInt64
    var contract: Address
    var topics: [Bytes32]
    var data: [UInt8]

    init(command: UInt64, contract: Address, topics: [Bytes32], data: [UInt8]) {
        self.command = command
        self.contract = contract
        self.topics = topics
        self.data = data
    }

    init(_ event: Event, command: UInt64, contracts: ContractAddresses) {
        let encoded = event.encoded()
        self.init(
            command: command,
            contract: contracts[encoded.contract],
            topics: encoded.topics,
            data: encoded.data
        )
    }

    /// The leaf of the events' tree.
    var leaf: Bytes32 {
        var keccak = Keccak256()
        keccak.update([MerkleTree.leafMark])
        keccak.update(Bytes32(number: command))
        keccak.update(contract.word)
        keccak.update(Bytes32(number: UInt64(topics.count)))
        for topic in topics { keccak.update(topic) }
        keccak.update(data)
        return keccak.finalize()
    }

    /// The event, for readers; `nil` when the bytes are none.
    func event(_ contracts: ContractAddresses) -> Event? {
        guard let contract = contracts.contract(at: contract) else { return nil }
        return try? Event(EncodedEvent(contract: contract, topics: topics, data: data))
    }
}

/// The tree of RFC 6962 with keccak256.
///
/// One command or event can be proven to be in a
/// block without the others. Leaves and nodes carry different marks, so that neither passes for the other.
enum MerkleTree {
    static let leafMark: UInt8 = 0
    private static let nodeMark: UInt8 = 1

    /// The root; zero for no leaves.
    ///
    /// A node without a sibling moves up as it is.
    static func root(_ leaves: [Bytes32]) -> Bytes32 {
        guard !leaves.isEmpty else { return .zero }
        var level = leaves
        while level.count > 1 {
            var above: [Bytes32] = []
            above.reserveCapacity((level.count + 1) / 2)
            for index in stride(from: 0, to: level.count, by: 2) {
                guard index + 1 < level.count else {
                    above.append(level[index])
                    continue
                }
                var keccak = Keccak256()
                keccak.update([nodeMark])
                keccak.update(level[index])
                keccak.update(level[index + 1])
                above.append(keccak.finalize())
            }
            level = above
        }
        return level[0]
    }
}
