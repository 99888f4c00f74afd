import Ledger

/// What the page and the command line show.
extension Kernel {
    /// Models that at least one live node serves.
    public func models() async -> [ModelListing] {
        var listings: [String: ModelListing] = [:]
        for node in registry.snapshot.nodes where node.state == .live {
            for offer in node.offers {
                var listing =
                    listings[offer.model]
                    ?? ModelListing(
                        id: offer.model,
                        created: registry.firstSeen(offer.model) ?? 0,
                        contextLength: 0,
                        inputPrice: offer.price.input,
                        outputPrice: offer.price.output,
                        nodes: 0
                    )
                listing.contextLength = max(listing.contextLength, offer.contextLength)
                listing.inputPrice = min(listing.inputPrice, offer.price.input)
                listing.outputPrice = min(listing.outputPrice, offer.price.output)
                listing.nodes += 1
                listings[offer.model] = listing
            }
        }
        return listings.values.sorted { $0.id < $1.id }
    }

    /// Every node that has announced itself, live or not.
    public func nodes() async -> [NodeListing] {
        var listings: [NodeListing] = []
        for node in registry.snapshot.nodes {
            let earnings = try? await ledger.earnings(node.id)
            listings.append(listing(node, earned: earnings?.total ?? .zero))
        }
        return listings
    }

    /// Balance and spending of an account.
    public func account(_ id: AccountID) async throws(NexusError) -> AccountListing {
        let key: KeyID?
        do { key = try await keys.keyID(of: id.user) } catch { throw .internalFault("the store cannot be read") }
        let (standing, (funds, spendable)) = try await credit.standing(of: id.user) {
            () async throws(NexusError) -> (Funds, Nano) in
            let funds: Funds
            do { funds = try await ledger.funds(id.user) } catch { throw .internalFault("the ledger cannot be read") }
            let rest = if let key { try await self.spendable(id.user, with: key) } else { Nano.zero }
            return (funds, rest)
        }
        return AccountListing(
            user: id.user,
            available: funds.available,
            bonus: funds.bonus,
            unsettled: standing.unsettled,
            reserved: standing.reserved,
            headroom: standing.headroom(of: spendable)
        )
    }

    /// The newest ledger entries, newest first.
    public func ledgerEntries(limit: Int) async throws(NexusError) -> LedgerListing {
        do {
            let head = try await ledger.head()
            let events = try await ledger.newestEvents(limit: limit)
            return LedgerListing(
                head: head.number,
                hash: "\(head.hash)",
                entries: events.map { event in
                    LedgerListing.Entry(
                        block: event.cursor.block,
                        time: event.time,
                        event: event.event.name,
                        summary: event.event.summary
                    )
                }
            )
        } catch {
            throw .internalFault("the ledger cannot be read")
        }
    }

    func listing(_ node: NodeView, earned: Nano) -> NodeListing {
        NodeListing(
            id: node.id,
            peer: "\(node.peer)",
            name: node.name,
            state: node.state,
            models: node.offers.map(\.model),
            active: node.active,
            capacity: node.capacity,
            latencyMilliseconds: node.observed.latency.map { $0 / .milliseconds(1) },
            tokensPerSecond: node.observed.decodeRate,
            earned: earned
        )
    }
}
