public import Ledger

/// A node with the wallet that owns it and the key that signs for it.
public struct HostedNode: Sendable {
    /// The node.
    public let id: NodeID
    /// Who owns it.
    public let owner: Secp256k1Key
    /// What signs its receipts.
    public let signer: Secp256k1Key
}

extension Stage {
    /// An application with a signing key of its own.
    public func application(
        _ owner: Secp256k1Key,
        _ kind: NodeKind = .llm,
        commission: UInt16 = 2_000,
        stake: Nano = Nano(lai: 1_000),
        signer: Secp256k1Key = Secp256k1Key()
    ) -> NodeApplication {
        NodeApplication(
            kind: kind,
            model: .zero,
            meta: .zero,
            payout: owner.address,
            signer: signer.address,
            commission: commission,
            selfStake: stake
        )
    }

    /// A registered node, let in unless it is to stay pending.
    public func host(
        _ owner: Secp256k1Key? = nil,
        status: NodeStatus = .active,
        commission: UInt16 = 2_000,
        stake: Nano = Nano(lai: 1_000)
    ) async throws -> HostedNode {
        let wallet: Secp256k1Key
        if let owner { wallet = owner } else { wallet = try await self.wallet() }
        try await run(.transfer(to: wallet.address, amount: TokenAmount(stake)))
        let signer = Secp256k1Key()
        let application = application(wallet, commission: commission, stake: stake, signer: signer)
        let node = try require(try await run(.registerNode(application), by: wallet).registeredNode)
        if status != .pending { try await run(.resume(node: node), by: cast.reporter) }
        return HostedNode(id: node, owner: wallet, signer: signer)
    }

    /// A registered node of which only the number matters.
    public func node(_ owner: Secp256k1Key? = nil, status: NodeStatus = .active) async throws -> NodeID {
        try await host(owner, status: status).id
    }

    /// A voucher of a wallet-like key.
    public func voucher(_ key: Secp256k1Key, _ node: NodeID, _ amount: Nano, units: UInt64 = 1) throws -> SettleEntry {
        let voucher = Voucher(node: node, amount: amount, units: units, receipts: Keccak256.hash([7]))
        return SettleEntry(voucher, signature: try key.sign(voucher, in: ledger.domain))
    }

    /// A voucher of a device's key.
    public func voucher(
        _ key: P256SessionKey,
        _ node: NodeID,
        _ amount: Nano,
        units: UInt64 = 1
    ) throws -> SettleEntry {
        let voucher = Voucher(node: node, amount: amount, units: units, receipts: Keccak256.hash([7]))
        return SettleEntry(voucher, signature: try key.sign(voucher, in: ledger.domain))
    }

    /// Settles; the preview must have said the same, unless the time of the block decides.
    @discardableResult
    public func settle(
        _ entries: [SettleEntry],
        by caller: Secp256k1Key? = nil,
        atItsTime: Bool = false,
        file: StaticString = #fileID,
        line: UInt = #line
    ) async throws -> [SettleStatus] {
        let preview = atItsTime ? nil : try await ledger.preview(entries)
        let inclusion = try await run(.settle(entries), by: caller ?? stranger, file: file, line: line)
        let statuses = try require(inclusion.settleStatuses(count: entries.count), file: file, line: line)
        if let preview { try expect(preview, is: statuses, "preview", file: file, line: line) }
        return statuses
    }

    /// The day, since 1970, of the newest block.
    public func today() async throws -> UInt64 { try await now() / .day }

    /// A row of a report.
    public func row(
        _ node: NodeID,
        uptime: UInt16 = 10_000,
        units: UInt64 = 0,
        reputation: UInt16 = 5_000
    ) -> ReportRow {
        ReportRow(node: node, uptime: uptime, units: units, health: 10_000, reputation: reputation, latency: 40)
    }

    /// Reports and seals an epoch that is over, and waits until it is final.
    public func finalize(_ epoch: UInt64, _ rows: [ReportRow]) async throws {
        try await run(.report(epoch: epoch, evidence: .zero, rows: rows), by: cast.reporter)
        try await run(.seal(epoch: epoch), by: cast.reporter)
        try await advance(6 * .hour)
    }
}
