import Ledger

/// Where authority over a contract sits.
struct Seat: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case owner, pendingOwner
        case role(Role)

        var text: String {
            switch self {
            case .owner: "owner"
            case .pendingOwner: "pending owner"
            case .role(let role): role.rawValue
            }
        }

        init?(_ text: String) {
            switch text {
            case "owner": self = .owner
            case "pending owner": self = .pendingOwner
            default:
                guard let role = Role(rawValue: text) else { return nil }
                self = .role(role)
            }
        }
    }

    let contract: Contract
    let kind: Kind
}

/// Owners and holders of roles.
enum Seats: TableSchema {
    static let name = "seats"
    static let keyColumns: [Column] = [.text("contract"), .text("seat")]
    static let columns = [Column.bytes("holder")]

    static func cells(key: Seat) -> [Cell] { [.text(key.contract.rawValue), .text(key.kind.text)] }
    static func cells(record: Address) -> [Cell] { [.bytes(record.bytes)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Seat, Address) {
        let seat = Seat(
            contract: try cells.text { Contract(rawValue: $0) },
            kind: try cells.text { Seat.Kind($0) }
        )
        return (seat, try cells.bytes { Address($0) })
    }
}

/// The ends of pauses.
enum Pauses: TableSchema {
    static let name = "pauses"
    static let keyColumns = [Column.text("contract")]
    static let columns = [Column.integer("until")]

    static func cells(key: Contract) -> [Cell] { [.text(key.rawValue)] }
    static func cells(record: UInt64) -> [Cell] { [.integer(record)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Contract, UInt64) {
        (try cells.text { Contract(rawValue: $0) }, try cells.integer())
    }
}

/// Calls in the timelock.
enum Calls: TableSchema {
    static let name = "calls"
    static let keyColumns = [Column.integer("id")]
    static let columns: [Column] = [
        .bytes("target"), .bytes("data_hash"), .integer("ready_at"), .integer("state"),
    ]

    static func cells(key: CallID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: QueuedCall) -> [Cell] {
        [
            .bytes(record.target.bytes), .bytes(record.dataHash.bytes), .integer(record.readyAt),
            .integer(UInt64(record.state.rawValue)),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (CallID, QueuedCall) {
        let id = CallID(try cells.integer())
        let call = QueuedCall(
            target: try cells.bytes { Address($0) },
            dataHash: try cells.bytes { Bytes32($0) },
            readyAt: try cells.integer(),
            state: try cells.raw()
        )
        return (id, call)
    }
}

/// Proposals to stakers.
enum Ballots: TableSchema {
    static let name = "ballots"
    static let keyColumns = [Column.integer("id")]
    static let columns: [Column] = [
        .bytes("proposer"), .bytes("target"), .bytes("data_hash"), .bytes("description"), .integer("snapshot"),
        .integer("total"), .integer("ends_at"), .integer("votes_for"), .integer("votes_against"), .integer("enacted"),
    ]

    static func cells(key: ProposalID) -> [Cell] { [.integer(key.number)] }

    static func cells(record: ProposalRecord) -> [Cell] {
        [
            .bytes(record.proposer.bytes), .bytes(record.target.bytes), .bytes(record.dataHash.bytes),
            .bytes(record.description.bytes), .integer(record.snapshot), .integer(record.total.count),
            .integer(record.endsAt), .integer(record.yes.count), .integer(record.no.count),
            .integer(record.isEnacted ? 1 : 0),
        ]
    }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (ProposalID, ProposalRecord) {
        let id = ProposalID(try cells.integer())
        let record = ProposalRecord(
            proposer: try cells.bytes { Address($0) },
            target: try cells.bytes { Address($0) },
            dataHash: try cells.bytes { Bytes32($0) },
            description: try cells.bytes { Bytes32($0) },
            snapshot: try cells.integer(),
            total: Nano(try cells.integer()),
            endsAt: try cells.integer(),
            yes: Nano(try cells.integer()),
            no: Nano(try cells.integer()),
            isEnacted: try cells.flag()
        )
        return (id, record)
    }
}

/// One stake's vote on one proposal.
struct VoteName: Hashable, Sendable {
    let proposal: ProposalID
    let node: NodeID
    let voter: Address
}

/// Votes, with their weight.
enum Votes: TableSchema {
    static let name = "votes"
    static let keyColumns: [Column] = [.integer("proposal"), .integer("node"), .bytes("voter")]
    static let columns = [Column.integer("weight")]

    static func cells(key: VoteName) -> [Cell] {
        [.integer(key.proposal.number), .integer(key.node.number), .bytes(key.voter.bytes)]
    }

    static func cells(record: Nano) -> [Cell] { [.integer(record.count)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (VoteName, Nano) {
        let name = VoteName(
            proposal: ProposalID(try cells.integer()),
            node: NodeID(try cells.integer()),
            voter: try cells.bytes { Address($0) }
        )
        return (name, Nano(try cells.integer()))
    }
}

/// A function of a contract.
struct FunctionName: Hashable, Sendable {
    let target: Address
    let function: FunctionSelector
}

/// Functions that stakers may propose to call.
enum Functions: TableSchema {
    static let name = "functions"
    static let keyColumns: [Column] = [.bytes("target"), .integer("selector")]
    static let columns = [Column.integer("allowed")]

    static func cells(key: FunctionName) -> [Cell] {
        [.bytes(key.target.bytes), .integer(UInt64(key.function.number))]
    }

    static func cells(record: Bool) -> [Cell] { [.integer(record ? 1 : 0)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (FunctionName, Bool) {
        let name = FunctionName(
            target: try cells.bytes { Address($0) },
            function: FunctionSelector(try cells.small())
        )
        return (name, try cells.flag())
    }
}

/// What the directory names.
enum DirectoryTable: TableSchema {
    static let name = "directory"
    static let keyColumns = [Column.bytes("name")]
    static let columns = [Column.bytes("address")]

    static func cells(key: Bytes32) -> [Cell] { [.bytes(key.bytes)] }
    static func cells(record: Address) -> [Cell] { [.bytes(record.bytes)] }

    static func read(_ cells: inout CellReader) throws(MalformedRow) -> (Bytes32, Address) {
        (try cells.bytes { Bytes32($0) }, try cells.bytes { Address($0) })
    }
}
