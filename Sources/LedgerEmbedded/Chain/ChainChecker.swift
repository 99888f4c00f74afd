import Ledger

/// Checks that blocks follow one another and hold the commands and events that they say, signed by the cluster.
struct ChainChecker {
    let verifier: ClusterVerifier
    /// The block before the next one; `nil` takes the next one's parent and time as they are.
    private var last: StoredBlock?

    init(verifier: ClusterVerifier, after last: StoredBlock? = nil) {
        self.verifier = verifier
        self.last = last
    }

    mutating func check(
        _ block: StoredBlock,
        commands: ArraySlice<StoredCommand>,
        events: ArraySlice<StoredEvent>
    ) throws(VerificationFault) {
        let header = block.header
        func fault(_ problem: String, table: String = "blocks") -> VerificationFault {
            VerificationFault(block: header.number, table: table, problem: problem)
        }
        if let last {
            guard header.number == last.header.number &+ 1 else { throw fault("a block is missing before it") }
            guard header.parent == last.hash else { throw fault("its parent is not the block before it") }
            guard header.time >= last.header.time else { throw fault("its time is before that of its parent") }
        } else if header.number == 0 {
            guard header.parent == .zero else { throw fault("the first block has a parent") }
        }
        guard commands.enumerated().allSatisfy({ $0.element.index == UInt64($0.offset) }),
            MerkleTree.root(commands.map(\.command.leaf)) == header.commandsRoot
        else { throw fault("its commands are not those that it was made of", table: "commands") }
        guard events.enumerated().allSatisfy({ $0.element.index == UInt64($0.offset) }),
            MerkleTree.root(events.map(\.event.leaf)) == header.eventsRoot
        else { throw fault("its events are not those that it was made of", table: "events") }
        guard header.hash == block.hash else { throw fault("its hash does not fit its fields") }
        guard verifier.isValid(block.signature, for: block.hash.bytes) else {
            throw fault("its signature is not the cluster's")
        }
        last = block
    }
}

/// Hands out, block by block, what belongs to it from lists in the order of blocks.
struct BlockSlices {
    let commands: [StoredCommand]
    let events: [StoredEvent]
    private var nextCommand = 0
    private var nextEvent = 0

    init(commands: [StoredCommand], events: [StoredEvent]) {
        self.commands = commands
        self.events = events
    }

    mutating func take(_ number: UInt64) -> (commands: Range<Int>, events: Range<Int>) {
        let (command, event) = (nextCommand, nextEvent)
        while nextCommand < commands.count, commands[nextCommand].number == number { nextCommand += 1 }
        while nextEvent < events.count, events[nextEvent].number == number { nextEvent += 1 }
        return (command..<nextCommand, event..<nextEvent)
    }

    /// Whether everything belonged to some block.
    var isEmpty: Bool { nextCommand == commands.count && nextEvent == events.count }
}
