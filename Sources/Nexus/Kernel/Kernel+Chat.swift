import LatticaCore
import LatticaRPC
import Ledger
import Logging
import NodeAPI

/// The life of a request: admit, hold, route, start.
extension Kernel: ChatBackend {
    /// Nodes that are tried for one request before it is refused.
    private static let attempts = 3

    /// The account that an API key opens.
    public func authenticate(apiKey: String) async throws(NexusError) -> AccountID {
        guard let hash = APIKey.hash(apiKey) else { throw .invalidKey }
        let user: UserID?
        do { user = try await store.user(ofAPIKeyHash: hash) } catch {
            throw .internalFault("the store cannot be read")
        }
        guard let user else { throw .invalidKey }
        return AccountID(user: user)
    }

    /// Admits, routes and starts a chat.
    public func chat(_ request: ChatRequest, for account: AccountID) async throws(NexusError) -> any ChatAnswer {
        try request.validate()
        let offers = try offers(of: request.model)
        try request.checkCapabilities(of: offers)
        let contextLength = offers.map(\.contextLength).max() ?? 0
        try request.checkLength(contextLength: contextLength)
        let seed = request.sampling.seed ?? UInt64.random(in: .min ... .max)
        return try await begin(
            RoutingRequest(
                model: request.model,
                promptTokens: 0,
                maxTokens: request.maxTokens,
                needs: request.needs
            ),
            RequestSize(request, contextLength: contextLength),
            for: account
        ) { [starter] session, hold, size in
            try await starter.start(
                ProtoChatStart(request, session: session.id, credit: hold.amount, seed: seed),
                session: session,
                promptTokenLimit: size.promptTokenLimit
            )
        }
    }

    /// Starts a call on a session, for what is held.
    typealias Starting = (NodeSession, Credit.Hold, RequestSize) async throws -> StartedCall

    /// What nodes offer under a name, whether they are live or not.
    func offers(of model: String) throws(NexusError) -> [Offer] {
        let snapshot = registry.snapshot
        let offers = snapshot.nodes.flatMap { node in node.offers.filter { $0.model == model } }
        guard !offers.isEmpty else { throw .modelNotFound(model, known: snapshot.knownModels) }
        return offers
    }

    /// Finds a node for a request and has it begin.
    func begin(
        _ request: RoutingRequest,
        _ size: RequestSize,
        for account: AccountID,
        _ starting: Starting
    ) async throws(NexusError) -> NodeAnswer {
        var request = request
        request.promptTokens = size.likelyPromptTokens
        var generator = SystemRandomNumberGenerator()
        let ranking = Router.choose(request, in: registry.snapshot, using: &generator)
        guard !ranking.choices.isEmpty else {
            throw .noNodeAvailable(model: request.model, reasons: ranking.refused.map(\.reason))
        }
        let key = try await payingKey(of: account.user)
        var reasons = ranking.refused.map(\.reason)
        var unaffordable: NexusError?
        var tries = 0
        for choice in ranking.choices where tries < Self.attempts {
            let hold: Credit.Hold
            do throws(NexusError) {
                hold = try await self.hold(for: choice.offer, size, account.user, key)
            } catch {
                if case .internalFault = error { throw error }
                // One dear node must not keep the caller from a cheaper one.
                unaffordable = unaffordable ?? error
                continue
            }
            tries += 1
            registry.begin(choice.node.id)
            do {
                return try await start(on: choice, size, account.user, key, hold, starting)
            } catch {
                credit.release(hold)
                let isNodesFault = StartFault.isNodesFault(error) && !Task.isCancelled
                registry.finished(choice.node.id) { if isNodesFault { $0.sawFailure() } }
                if case StartFault.refusedForGood(let refusal) = error { throw refusal }
                if Task.isCancelled { throw .nodeFailed("the caller left") }
                reasons.append("node \(choice.node.id): \(StartFault.describe(error))")
                logger.info(
                    "a node did not start an answer",
                    metadata: ["node": "\(choice.node.id)", "error": "\(error)"]
                )
            }
        }
        if tries == 0, let unaffordable { throw unaffordable }
        throw .noNodeAvailable(model: request.model, reasons: reasons)
    }

    /// The key that pays for a user, renewed where it ends soon.
    private func payingKey(of user: UserID) async throws(NexusError) -> KeyID {
        let key: KeyID?
        do {
            key = try await keys.keyID(of: user)
            if let key { try await enrolment.renew(key, of: user, cap: configuration.keyCap) }
        } catch let error as NexusError {
            throw error
        } catch {
            logger.error("a session key cannot be used", metadata: ["user": "\(user)", "error": "\(error)"])
            throw .internalFault("the session key cannot be used")
        }
        guard let key else { throw .invalidKey }
        return key
    }

    /// What the ledger would take for vouchers of the key: the user's funds, and no more than is left of the key's cap.
    func spendable(_ user: UserID, with key: KeyID) async throws(NexusError) -> Nano {
        do {
            let funds = try await ledger.funds(user)
            let record = try await ledger.key(key)
            let left = record.map { $0.cap.clampedSubtracting($0.spent) } ?? .zero
            return min(funds.available.clampedAdding(funds.bonus), left)
        } catch {
            throw .internalFault("the ledger cannot be read")
        }
    }

    private func hold(
        for offer: Offer,
        _ size: RequestSize,
        _ user: UserID,
        _ key: KeyID
    ) async throws(NexusError) -> Credit.Hold {
        guard
            let worst = offer.price.cost(
                inputTokens: UInt64(size.promptTokenLimit),
                outputTokens: UInt64(size.answerTokenLimit)
            )
        else { throw .invalidRequest(field: "max_tokens", problem: "the worst-case cost is beyond all money") }
        return try await credit.hold(worst, for: user) { () async throws(NexusError) in
            try await spendable(user, with: key)
        }
    }

    private func start(
        on choice: Ranking.Choice,
        _ size: RequestSize,
        _ user: UserID,
        _ key: KeyID,
        _ hold: Credit.Hold,
        _ starting: Starting
    ) async throws -> NodeAnswer {
        var session = try await sessions.session(with: choice.node, offer: choice.offer, user: user, key: key)
        let started: StartedCall
        do {
            started = try await starting(session, hold, size)
        } catch StartFault.sessionUnusable {
            await sessions.forget(choice.node.id)
            session = try await sessions.session(with: choice.node, offer: choice.offer, user: user, key: key)
            started = try await starting(session, hold, size)
        }
        let services = AnswerServices(
            book: book,
            credit: credit,
            registry: registry,
            sessions: sessions,
            jobs: jobs,
            logger: logger,
            tokenLimit: size.answerTokenLimit
        )
        return NodeAnswer(
            node: listing(choice.node, earned: .zero),
            started: started,
            session: session,
            hold: hold,
            services: services
        )
    }
}

extension StartFault {
    /// Whether the node's health should show it: a busy node is a healthy one.
    fileprivate static func isNodesFault(_ error: any Error) -> Bool {
        switch error {
        case StartFault.nodeUnfit, StartFault.refusedForGood, is CancellationError, RPCError.cancelled: false
        default: true
        }
    }

    /// What is told to callers about a node that did not begin.
    fileprivate static func describe(_ error: any Error) -> String {
        switch error {
        case StartFault.nodeUnfit(let reason), StartFault.nodeBroken(let reason): reason
        case StartFault.sessionUnusable: "it waits for an earlier voucher"
        case is DeadlineExceeded, RPCError.deadlineExceeded: "it did not answer in time"
        case RPCError.unavailable: "it cannot be reached"
        default: "it failed before the answer began"
        }
    }
}
