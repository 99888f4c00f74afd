import Ledger

extension RandomCommands {
    /// Calls that the timelock may be asked to make; none names an address, so that their hashes are alike on every ledger.
    private static let calls: [(contract: Contract, command: Command)] = [
        (.timelock, .setParameter(.timelock, value: 3 * .day)), (.timelock, .setParameter(.timelock, value: 2 * .day)),
        (.tokenomics, .setParameter(.feeBPS, value: 450)), (.faucet, .setParameter(.grantAmount, value: 5)),
        (.staking, .pause(.staking)), (.treasury, .acceptOwner(.treasury)),
    ]

    mutating func authority(_ ledger: any Ledger) async throws -> Step {
        let (owner, guardian) = (try mostly(cast.owner), try mostly(cast.guardian))
        switch number(0...13) {
        case 0, 1:
            let name = try pick(Parameters.Name.allCases)
            let value = try await ledger.parameters()[name]
            let moved = value - value / number(3...20) + number(0...(value / 4 + 1))
            return plain(.setParameter(name, value: happens(oneIn: 10) ? value * 3 : moved), owner)
        case 2 where happens(oneIn: 4): return plain(.pause(try pick(Pause.contracts)), guardian)
        case 3: return plain(.unpause(try pick(Pause.contracts)), owner)
        case 4: return plain(.publish(name: Bytes32(number: number(1...3)), at: try pick(people).address), owner)
        case 5: return plain(.cancelQueued(CallID(number(1...8))), guardian)
        case 6...9: return try await queued(ledger)
        default: return try await votes(ledger)
        }
    }

    private mutating func queued(_ ledger: any Ledger) async throws -> Step {
        let (contract, command) = try pick(Self.calls)
        let call = command.encoded()
        guard happens(oneIn: 2) else {
            return step(try mostly(cast.council), "queue \(command)") { ledger in
                .queue(target: ledger.contracts[contract], call: call)
            }
        }
        let id = CallID(number(1...8))
        let record = try await ledger.queuedCall(id)
        let match = Self.calls.first { Keccak256.hash($0.command.encoded()) == record?.dataHash } ?? (contract, command)
        if let record, happens(oneIn: 2), time < record.readyAt { time = record.readyAt }
        let made = match.command.encoded()
        return step(try anyone(), "execute \(id) \(match.command)") { ledger in
            .executeQueued(id, target: ledger.contracts[match.contract], call: made)
        }
    }

    private mutating func votes(_ ledger: any Ledger) async throws -> Step {
        let (person, id) = (try pick(people), ProposalID(number(1...5)))
        let nodes = (UInt64(1)...4).map { NodeID($0) }.filter { _ in happens(oneIn: 2) }
        let function = FunctionSelector("set_parameter(bytes32,uint64)")
        let command = Self.calls[0].command
        let call = command.encoded()
        switch number(0...9) {
        case 0, 1:
            let isAllowed = !happens(oneIn: 5)
            return step(try mostly(cast.owner), "allow set_parameter \(isAllowed)") { ledger in
                .allowFunction(target: ledger.contracts[.timelock], function, isAllowed: isAllowed)
            }
        case 2...4:
            return step(person, "propose \(command) with \(nodes)") { ledger in
                .propose(target: ledger.contracts[.timelock], call: call, description: .zero, nodes: nodes)
            }
        case 5...7:
            let support = !happens(oneIn: 3)
            return plain(.vote(id, support: support, nodes: nodes.isEmpty ? [node()] : [nodes[0]]), person)
        default:
            if let record = try await ledger.proposal(id), time < record.endsAt { time = record.endsAt }
            return step(try anyone(), "enact \(id)") { ledger in
                .enact(id, target: ledger.contracts[.timelock], call: call)
            }
        }
    }
}
