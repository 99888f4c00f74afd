package import Ledger
import NIOConcurrencyHelpers

/// What users may still spend: the ledger's figure less what is signed and not settled, less what is held for answers in
/// progress (ledger specification, §4 step 1).
///
/// Nexus is the only place that sees all sessions of a user, so this is where spending the same credit twice is prevented.
package final class Credit: Sendable {
    /// A payment channel: one key of a user towards one node.
    package struct ChannelName: Hashable, Sendable {
        package let key: KeyID
        package let node: NodeID

        /// Names the channel of a key towards a node.
        package init(key: KeyID, node: NodeID) {
            self.key = key
            self.node = node
        }
    }

    /// The worst-case cost of one request, held while it is answered.
    package struct Hold: Hashable, Sendable {
        fileprivate let number: UInt64
        let user: UserID
        let amount: Nano
    }

    /// What a user has outside the ledger's books.
    struct Standing: Equatable {
        var unsettled = Nano.zero
        var reserved = Nano.zero

        /// What a new request may cost, given the funds on the ledger.
        func headroom(of funds: Nano) -> Nano {
            funds.clampedSubtracting(unsettled).clampedSubtracting(reserved)
        }
    }

    private struct Channel {
        var signed = Nano.zero
        var paid = Nano.zero

        var due: Nano { signed.clampedSubtracting(paid) }
    }

    private struct State {
        var standings: [UserID: Standing] = [:]
        var channels: [ChannelName: Channel] = [:]
        var holds: [UInt64: Hold] = [:]
        var nextHold: UInt64 = 0
        /// Counts settlements, each of which moves both the ledger's figure and ours.
        var settlements: UInt64 = 0
        /// Batches on their way to the ledger: it may have charged what stands here as unsettled.
        var settling = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Credit of nobody yet.
    package init() {}

    /// Takes up a voucher of an earlier run, and what the ledger paid on its channel.
    func restore(user: UserID, channel: ChannelName, signed: Nano, paid: Nano) {
        state.withLockedValue { state in
            Self.move(channel, of: user, in: &state) { entry in
                entry.signed = max(entry.signed, signed)
                entry.paid = max(entry.paid, paid)
            }
        }
    }

    /// What the user has outside the ledger's books.
    func standing(of user: UserID) -> Standing {
        state.withLockedValue { $0.standings[user] ?? Standing() }
    }

    /// The longest that somebody who asks waits for a batch; after it the figure is lower than the truth, never higher.
    private static let patience: Duration = .seconds(2)

    /// A batch of vouchers goes to the ledger.
    func beginSettling() { state.withLockedValue { $0.settling += 1 } }

    /// What the ledger says of the batch stands here too.
    func endSettling() { state.withLockedValue { $0.settling -= 1 } }

    /// Waits until no batch is on its way, for a while: until then what it charges may be missing twice.
    func settle() async {
        let start = ContinuousClock.now
        while state.withLockedValue({ $0.settling > 0 }), start.duration(to: .now) < Self.patience, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    /// What the user has outside the ledger's books, and the figure of the ledger that goes with it.
    func standing<Figure: Sendable>(
        of user: UserID,
        beside figure: () async throws(NexusError) -> Figure
    ) async throws(NexusError) -> (standing: Standing, figure: Figure) {
        for _ in 0..<8 {
            await settle()
            let before = state.withLockedValue { $0.settlements }
            let figure = try await figure()
            let (standing, after) = state.withLockedValue { ($0.standings[user] ?? Standing(), $0.settlements) }
            if before == after, state.withLockedValue({ $0.settling == 0 }) { return (standing, figure) }
        }
        return (standing(of: user), try await figure())
    }

    /// Holds an amount, or says how much there is.
    ///
    /// - Parameter funds: reads what the user has on the ledger. It is read again when a settlement came between, since
    ///   a settlement lowers the ledger's figure and ours together and half of it would count the credit twice.
    package func hold(
        _ amount: Nano,
        for user: UserID,
        funds: () async throws(NexusError) -> Nano
    ) async throws(NexusError) -> Hold {
        var hasWaited = false
        while true {
            let before = state.withLockedValue { $0.settlements }
            let available = try await funds()
            let attempt: Result<Hold?, NexusError> = state.withLockedValue { state in
                guard state.settlements == before else { return .success(nil) }
                var standing = state.standings[user] ?? Standing()
                let headroom = standing.headroom(of: available)
                guard amount <= headroom else {
                    // The batch on its way may be what is missing.
                    if state.settling > 0, !hasWaited { return .success(nil) }
                    return .failure(.insufficientCredits(needed: amount, headroom: headroom))
                }
                standing.reserved = standing.reserved.clampedAdding(amount)
                state.standings[user] = standing
                let hold = Hold(number: state.nextHold, user: user, amount: amount)
                state.nextHold += 1
                state.holds[hold.number] = hold
                return .success(hold)
            }
            if let hold = try attempt.get() { return hold }
            await settle()
            hasWaited = true
        }
    }

    /// Ends a hold without a charge.
    ///
    /// Harmless on one that has ended.
    package func release(_ hold: Hold) {
        state.withLockedValue { Self.end(hold, in: &$0) }
    }

    /// Turns a part of a hold into the amount that a new voucher of the channel adds; the rest stays held.
    func advance(_ hold: Hold, by part: Nano, channel: ChannelName, signed: Nano) {
        state.withLockedValue { state in
            if let open = state.holds[hold.number] {
                let rest = open.amount.clampedSubtracting(part)
                state.holds[hold.number] = Hold(number: hold.number, user: hold.user, amount: rest)
                let reserved = state.standings[hold.user]?.reserved ?? .zero
                state.standings[hold.user]?.reserved =
                    reserved.clampedSubtracting(open.amount.clampedSubtracting(rest))
            }
            Self.move(channel, of: hold.user, in: &state) { $0.signed = max($0.signed, signed) }
        }
    }

    /// Turns a hold into the amount that a new voucher of the channel adds.
    package func charge(_ hold: Hold, channel: ChannelName, signed: Nano) {
        state.withLockedValue { state in
            Self.end(hold, in: &state)
            Self.move(channel, of: hold.user, in: &state) { $0.signed = max($0.signed, signed) }
        }
    }

    /// Takes over what the ledger says is paid on a channel.
    func settled(_ channel: ChannelName, of user: UserID, paid: Nano) {
        state.withLockedValue { state in
            state.settlements += 1
            Self.move(channel, of: user, in: &state) { $0.paid = max($0.paid, paid) }
        }
    }

    /// Changes a channel and carries what is due on it over to the user's standing.
    private static func move(
        _ name: ChannelName,
        of user: UserID,
        in state: inout State,
        _ change: (inout Channel) -> Void
    ) {
        var channel = state.channels[name] ?? Channel()
        let before = channel.due
        change(&channel)
        state.channels[name] = channel
        let unsettled = state.standings[user]?.unsettled ?? .zero
        state.standings[user, default: Standing()].unsettled =
            unsettled.clampedAdding(channel.due).clampedSubtracting(before)
    }

    private static func end(_ hold: Hold, in state: inout State) {
        guard let open = state.holds.removeValue(forKey: hold.number) else { return }
        let reserved = state.standings[hold.user]?.reserved ?? .zero
        state.standings[hold.user]?.reserved = reserved.clampedSubtracting(open.amount)
    }
}
