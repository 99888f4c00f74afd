import Ledger
import NIOConcurrencyHelpers

/// What users may still spend: the ledger's figure less what is signed and not settled, less what is held for answers in
/// progress (ledger specification, §4 step 1).
///
/// Nexus is the only place that sees all sessions of a user, so this is where spending the same credit twice is prevented.
final class Credit: Sendable {
    /// A payment channel: one key of a user towards one node.
    struct ChannelName: Hashable {
        let key: KeyID
        let node: NodeID
    }

    /// The worst-case cost of one request, held while it is answered.
    struct Hold: Hashable {
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
        var user: UserID
        var signed: Nano
        var paid: Nano
    }

    private struct State {
        var standings: [UserID: Standing] = [:]
        var channels: [ChannelName: Channel] = [:]
        var holds: [UInt64: Hold] = [:]
        var nextHold: UInt64 = 0
        /// Counts settlements, each of which moves both the ledger's figure and ours.
        var settlements: UInt64 = 0
    }

    private let state = NIOLockedValueBox(State())

    /// Takes up the vouchers of an earlier run.
    func restore(user: UserID, channel: ChannelName, signed: Nano, paid: Nano) {
        state.withLockedValue { state in
            state.channels[channel] = Channel(user: user, signed: signed, paid: paid)
            state.standings[user, default: Standing()].unsettled = state.standings[user, default: Standing()].unsettled
                .clampedAdding(signed.clampedSubtracting(paid))
        }
    }

    /// What the user has outside the ledger's books.
    func standing(of user: UserID) -> Standing {
        state.withLockedValue { $0.standings[user] ?? Standing() }
    }

    /// Holds an amount, or says how much there is.
    ///
    /// - Parameter funds: reads what the user has on the ledger. It is read again when a settlement came between, since
    ///   a settlement lowers the ledger's figure and ours together and half of it would count the credit twice.
    func hold(
        _ amount: Nano,
        for user: UserID,
        funds: () async throws(NexusError) -> Nano
    ) async throws(NexusError) -> Hold {
        while true {
            let before = state.withLockedValue { $0.settlements }
            let available = try await funds()
            let attempt: Result<Hold?, NexusError> = state.withLockedValue { state in
                guard state.settlements == before else { return .success(nil) }
                var standing = state.standings[user] ?? Standing()
                let headroom = standing.headroom(of: available)
                guard amount <= headroom else {
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
        }
    }

    /// Ends a hold without a charge. Harmless on one that has ended.
    func release(_ hold: Hold) {
        state.withLockedValue { Self.end(hold, in: &$0) }
    }

    /// Turns a hold into the amount that a new voucher of the channel adds.
    func charge(_ hold: Hold, channel: ChannelName, signed: Nano) {
        state.withLockedValue { state in
            Self.end(hold, in: &state)
            let before = state.channels[channel] ?? Channel(user: hold.user, signed: .zero, paid: .zero)
            guard signed > before.signed else { return }
            state.channels[channel] = Channel(user: hold.user, signed: signed, paid: before.paid)
            let rise = Self.due(signed, before.paid).clampedSubtracting(Self.due(before.signed, before.paid))
            var standing = state.standings[hold.user] ?? Standing()
            standing.unsettled = standing.unsettled.clampedAdding(rise)
            state.standings[hold.user] = standing
        }
    }

    /// Takes over what the ledger says is paid on a channel.
    func settled(_ channel: ChannelName, paid: Nano) {
        state.withLockedValue { state in
            state.settlements += 1
            guard var entry = state.channels[channel], paid > entry.paid else { return }
            let fall = Self.due(entry.signed, entry.paid).clampedSubtracting(Self.due(entry.signed, paid))
            entry.paid = paid
            state.channels[channel] = entry
            var standing = state.standings[entry.user] ?? Standing()
            standing.unsettled = standing.unsettled.clampedSubtracting(fall)
            state.standings[entry.user] = standing
        }
    }

    private static func due(_ signed: Nano, _ paid: Nano) -> Nano {
        signed.clampedSubtracting(paid)
    }

    private static func end(_ hold: Hold, in state: inout State) {
        guard state.holds.removeValue(forKey: hold.number) != nil else { return }
        state.standings[hold.user]?.reserved.subtract(hold.amount)
    }
}

extension Nano {
    fileprivate mutating func subtract(_ other: Nano) {
        self = clampedSubtracting(other)
    }
}
