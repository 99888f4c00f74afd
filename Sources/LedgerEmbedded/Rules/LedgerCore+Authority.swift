import Ledger

// Owners, roles, pauses and parameters (ledger specification, §5 "Roles", "Pause" and §8).
extension LedgerCore {
    /// Checks that the caller holds a role on a contract.
    func require(_ role: Role, on contract: Contract) throws(Reason) {
        guard holds(role, on: contract) else { throw .notAllowed }
    }

    /// Whether the caller holds a role on a contract.
    func holds(_ role: Role, on contract: Contract) -> Bool {
        state.seats[Seat(contract: contract, kind: .role(role))] == caller
    }

    /// Checks that the caller owns a contract.
    func requireOwner(of contract: Contract) throws(Reason) {
        guard state.seats[Seat(contract: contract, kind: .owner)] == caller else { throw .notAllowed }
    }

    mutating func proposeOwner(_ contract: Contract, _ owner: Address) throws(Reason) {
        try requireOwner(of: contract)
        state.seats[Seat(contract: contract, kind: .pendingOwner)] = owner == .zero ? nil : owner
        emit(.ownerProposed(contract, owner: owner))
    }

    mutating func acceptOwner(_ contract: Contract) throws(Reason) {
        let pending = Seat(contract: contract, kind: .pendingOwner)
        guard let owner = state.seats[pending] else { throw .nothingPending }
        guard owner == caller else { throw .notAllowed }
        state.seats[pending] = nil
        state.seats[Seat(contract: contract, kind: .owner)] = owner
        emit(.ownerChanged(contract, owner: owner))
    }

    mutating func setRole(_ contract: Contract, _ role: Role, _ holder: Address) throws(Reason) {
        try requireOwner(of: contract)
        guard role.contracts.contains(contract) else { throw .wrongKind }
        state.seats[Seat(contract: contract, kind: .role(role))] = holder
        emit(.roleSet(contract, role: role.word, holder: holder))
    }

    // MARK: Pauses

    /// Refuses while a contract is paused, and for a lead after that.
    func checkNotPaused(_ contract: Contract, lead: UInt64 = 0) throws(Reason) {
        guard let end = state.pauses[contract] else { return }
        guard now >= end, now - end >= lead else { throw .paused }
    }

    /// The guardian stops a contract for a while, and not soon again; the owner at any time.
    mutating func pause(_ contract: Contract) throws(Reason) {
        if state.seats[Seat(contract: contract, kind: .owner)] != caller {
            try require(.guardian, on: contract)
            if let end = state.pauses[contract] {
                guard now >= end else { throw .paused }
                guard now - end >= Pause.interval else { throw .tooEarly }
            }
        }
        let (end, overflow) = now.addingReportingOverflow(Pause.length)
        guard !overflow else { throw .overflow }
        state.pauses[contract] = end
        emit(.paused(contract, until: end))
    }

    mutating func unpause(_ contract: Contract) throws(Reason) {
        try requireOwner(of: contract)
        guard let end = state.pauses[contract], now < end else { throw .notPaused }
        state.pauses[contract] = now
        emit(.unpaused(contract))
    }

    // MARK: Parameters and the directory

    mutating func setParameter(_ name: Parameters.Name, _ value: UInt64) throws(Reason) {
        try requireOwner(of: name.contract)
        _ = try state.parameters.setting(name, to: value)
        state.params[name] = value
        emit(.parameterSet(name: name.word, value: value))
    }

    mutating func publish(_ name: Bytes32, _ address: Address) throws(Reason) {
        try requireOwner(of: .directory)
        state.directory[name] = address
        emit(.published(name: name, at: address))
    }
}
