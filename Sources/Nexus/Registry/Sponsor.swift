public import Ledger
import NodeAPI

/// Who acts for this cluster on the ledger, each with an address of its own (ledger specification, §5 "Roles").
public struct NexusRoles: Sendable {
    /// Holds the supply of a private cluster and deposits budgets.
    public var administrator: Address
    /// Registers attested users and grants their keys.
    public var registrar: Address
    /// Grants the faucet's credits.
    public var faucetSigner: Address
    /// Submits settlements; any address may.
    public var settler: Address

    /// Names the roles.
    public init(administrator: Address, registrar: Address, faucetSigner: Address, settler: Address) {
        self.administrator = administrator
        self.registrar = registrar
        self.faucetSigner = faucetSigner
        self.settler = settler
    }
}

/// Puts nodes that join a private cluster on the ledger and lends them the stake that registering takes.
///
/// The stake comes from the administrator's supply and is locked behind the node; an operator of a private cluster need
/// not own tokens to add a machine.
struct Sponsor: Sendable {
    let commands: LedgerCommands
    let roles: NexusRoles
    /// Whether the administrator owns the nodes, and their operators are paid only.
    let ownsNodes: Bool

    func register(_ registration: NodeRegistration, kind: NodeKind, owner operator: Address) async throws -> NodeID {
        let ledger = commands.ledger
        let owner = ownsNodes ? roles.administrator : `operator`
        let stake = try await ledger.parameters().minimumSelfStake(kind)
        let isLent = ownsNodes ? false : try await ledger.account(owner) < TokenAmount(stake)
        if isLent {
            let loan = Command.transfer(to: owner, amount: TokenAmount(stake))
            _ = try await commands.perform(loan, caller: roles.administrator)
        }
        let application = NodeApplication(
            kind: kind,
            model: registration.model,
            meta: registration.metadata,
            payout: registration.payout,
            signer: registration.signer,
            commission: UInt16(clamping: registration.commission),
            selfStake: stake
        )
        let node: NodeID
        do {
            guard let fresh = try await commands.perform(.registerNode(application), caller: owner).registeredNode
            else {
                throw CommandFault.undecided
            }
            node = fresh
        } catch CommandFault.refused(let reason) {
            // A refused application must not be a way to be given money.
            if isLent {
                let back = Command.transfer(to: roles.administrator, amount: TokenAmount(stake))
                _ = try await commands.perform(back, caller: owner)
            }
            throw CommandFault.refused(reason)
        }
        // In a private cluster whoever may join is let in at once.
        _ = try await commands.perform(.resume(node: node), caller: roles.administrator)
        return node
    }
}
