public import Ledger

/// What the HTTP surface needs of Nexus.
///
/// The types are values and the calls are async, so that the surface holds no state of its own.
public protocol ChatBackend: Sendable {
    /// The account that an API key opens. Compares hashes in constant time.
    func authenticate(apiKey: String) async throws(NexusError) -> AccountID

    /// Models that at least one live node serves.
    func models() async -> [ModelListing]

    /// Every node that has announced itself, live or not.
    func nodes() async -> [NodeListing]

    /// Balance and spending of an account.
    func account(_ id: AccountID) async throws(NexusError) -> AccountListing

    /// The newest ledger entries, newest first.
    func ledgerEntries(limit: Int) async throws(NexusError) -> LedgerListing

    /// Admits, routes and starts a chat. Throws before anything was charged.
    func chat(_ request: ChatRequest, for account: AccountID) async throws(NexusError) -> any ChatAnswer

    /// The vectors of texts, paid for. Charges nothing where it throws.
    func embed(_ request: EmbedRequest, for account: AccountID) async throws(NexusError) -> EmbedAnswer
}

/// An answer that is being written by a node.
///
/// Read it to its end, or call ``stop()``; an answer that is let go of is stopped.
public protocol ChatAnswer: Sendable {
    /// Who answers.
    var node: NodeListing { get }

    /// The name of the model that answers.
    var model: String { get }

    /// The next event; `nil` after ``ChatEvent/finished(_:)``. Waiting for it is what holds the node back.
    ///
    /// Cancelling the reading task stops the node like ``stop()`` does.
    func next() async throws(NexusError) -> ChatEvent?

    /// Stops the node at once. What was delivered by ``next()`` until here is charged, no more; settles in the background.
    func stop() async
}

/// The number of an account of this Nexus.
public struct AccountID: Hashable, Sendable {
    /// The user's number on the ledger.
    public let user: UserID

    /// Names the account of a user.
    public init(user: UserID) {
        self.user = user
    }
}

/// A model as callers see it.
public struct ModelListing: Hashable, Sendable {
    /// The name to ask for.
    public var id: String
    /// When the first node announced it, seconds since 1970.
    public var created: Int
    /// The longest prompt and answer together, in tokens.
    public var contextLength: Int
    /// The lowest price among live nodes, nano per million prompt tokens.
    public var inputPrice: Nano
    /// The lowest price among live nodes, nano per million generated tokens.
    public var outputPrice: Nano
    /// How many live nodes serve it.
    public var nodes: Int

    /// Makes a listing.
    public init(id: String, created: Int, contextLength: Int, inputPrice: Nano, outputPrice: Nano, nodes: Int) {
        self.id = id
        self.created = created
        self.contextLength = contextLength
        self.inputPrice = inputPrice
        self.outputPrice = outputPrice
        self.nodes = nodes
    }
}

/// A node as callers see it.
public struct NodeListing: Hashable, Sendable {
    /// Its life as Nexus sees it.
    public enum State: String, Hashable, Sendable {
        /// Answers and takes work.
        case live
        /// Has not answered lately; gets no work.
        case silent
        /// Said goodbye or was dropped.
        case gone
    }

    /// Its number on the ledger.
    public var id: NodeID
    /// Its peer id in base58.
    public var peer: String
    /// The name its operator gave it.
    public var name: String
    /// Whether it gets work.
    public var state: State
    /// The models it serves.
    public var models: [String]
    /// Requests it is answering for this Nexus.
    public var active: Int
    /// Requests it can answer at once.
    public var capacity: Int
    /// Median round trip of the last probes, milliseconds; `nil` before the first.
    public var latencyMilliseconds: Double?
    /// Generated tokens a second, a moving average; `nil` before the first answer.
    public var tokensPerSecond: Double?
    /// What it has earned by settled vouchers.
    public var earned: Nano

    /// Makes a listing.
    public init(
        id: NodeID,
        peer: String,
        name: String,
        state: State,
        models: [String],
        active: Int,
        capacity: Int,
        latencyMilliseconds: Double?,
        tokensPerSecond: Double?,
        earned: Nano
    ) {
        self.id = id
        self.peer = peer
        self.name = name
        self.state = state
        self.models = models
        self.active = active
        self.capacity = capacity
        self.latencyMilliseconds = latencyMilliseconds
        self.tokensPerSecond = tokensPerSecond
        self.earned = earned
    }
}

/// What an account has.
public struct AccountListing: Hashable, Sendable {
    /// The user's number on the ledger.
    public var user: UserID
    /// Deposited money on the ledger, nano.
    public var available: Nano
    /// Credits from the faucet on the ledger, nano: spent first, never withdrawn.
    public var bonus: Nano
    /// Signed to nodes and not settled yet.
    public var unsettled: Nano
    /// Held for requests that are being answered.
    public var reserved: Nano
    /// What a new request may cost: available + bonus - unsettled - reserved, within what is left of the key's cap.
    public var headroom: Nano

    /// Makes a listing.
    public init(user: UserID, available: Nano, bonus: Nano, unsettled: Nano, reserved: Nano, headroom: Nano) {
        self.user = user
        self.available = available
        self.bonus = bonus
        self.unsettled = unsettled
        self.reserved = reserved
        self.headroom = headroom
    }
}

/// The head of the ledger and its newest entries.
public struct LedgerListing: Hashable, Sendable {
    /// One event of the ledger.
    public struct Entry: Hashable, Sendable {
        /// The block that holds it.
        public var block: UInt64
        /// Seconds since 1970.
        public var time: UInt64
        /// The event's name, such as `Settled`.
        public var event: String
        /// What happened, for people.
        public var summary: String

        /// Makes an entry.
        public init(block: UInt64, time: UInt64, event: String, summary: String) {
            self.block = block
            self.time = time
            self.event = event
            self.summary = summary
        }
    }

    /// The number of the newest block.
    public var head: UInt64
    /// Its hash in hex with `0x`.
    public var hash: String
    /// Newest first.
    public var entries: [Entry]

    /// Makes a listing.
    public init(head: UInt64, hash: String, entries: [Entry]) {
        self.head = head
        self.hash = hash
        self.entries = entries
    }
}

/// Why Nexus refused or could not finish a request.
public enum NexusError: Error, Hashable, Sendable {
    /// The API key is unknown or revoked.
    case invalidKey
    /// No node serves the model; `known` lists the models that are served.
    case modelNotFound(String, known: [String])
    /// The worst case of the request costs more than the account's headroom.
    case insufficientCredits(needed: Nano, headroom: Nano)
    /// Prompt and answer do not fit the model's context.
    case contextLengthExceeded(limit: Int, prompt: Int)
    /// A field of the request is wrong; `field` names it as in the API.
    case invalidRequest(field: String, problem: String)
    /// Nodes serve the model, but none is live or has a free place.
    case noNodeAvailable(model: String, reasons: [String])
    /// The node failed after the answer had begun. Nothing is charged.
    case nodeFailed(String)
    /// A fault of this Nexus, such as a full disk.
    case internalFault(String)
}
