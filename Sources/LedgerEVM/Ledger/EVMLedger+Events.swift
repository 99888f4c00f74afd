public import Ledger

extension EVMLedger {
    /// Events after a place, oldest first, at most ``mostEvents``.
    ///
    /// A place names the hash of its block, so that a reader is told of a reorganisation whenever it comes back.
    public func events(after cursor: Cursor?, limit: Int) async throws(LedgerError) -> EventPage {
        try checkOpen()
        let limit = min(max(limit, 0), Self.mostEvents)
        let contracts = contracts
        do throws(SendingError) {
            let page = try await reader.page(after: cursor, limit: limit) { Self.isEvent($0, contracts) }
            return EventPage(events: try events(page), next: page.next, rolledBackTo: page.rolledBackTo)
        } catch {
            throw LedgerError(error)
        }
    }

    /// The newest events, newest first, at most ``mostEvents``.
    public func newestEvents(limit: Int) async throws(LedgerError) -> [LedgerEvent] {
        try checkOpen()
        let limit = min(max(limit, 0), Self.mostEvents)
        let contracts = contracts
        do throws(SendingError) {
            return try events(try await reader.newest(limit: limit) { Self.isEvent($0, contracts) })
        } catch {
            throw LedgerError(error)
        }
    }

    /// Whether a log is an event of this version; the token also logs approvals, which change nothing.
    private static func isEvent(_ log: ChainLog, _ contracts: ContractAddresses) -> Bool {
        guard let encoded = log.encodedEvent(contracts) else { return false }
        do throws(LedgerCodingError) { _ = try Event(encoded) } catch { return error != .unknownKind }
        return true
    }

    private func events(_ page: LogPage) throws(SendingError) -> [LedgerEvent] {
        var events: [LedgerEvent] = []
        for placed in page.logs {
            guard let encoded = placed.log.encodedEvent(contracts) else { continue }
            do throws(LedgerCodingError) {
                events.append(
                    LedgerEvent(
                        cursor: placed.cursor,
                        time: placed.time,
                        event: try Event(encoded),
                        isFinal: placed.log.block <= page.finalized
                    )
                )
            } catch {
                throw .rpc(.malformed("a log of \(encoded.contract.rawValue) is not what the contract logs"))
            }
        }
        return events
    }
}
