# pragma version 0.4.3
"""
@title Nodes: who owns them, who signs for them, where they are paid, where they stand
@notice A node is a number from 1. Its stake lies in Staking, its earnings in Tokenomics. Only active nodes are routed; every node, in
        every status, is paid. A signing address serves one node for ever, so that evidence always names a node.
"""
from interfaces import INodeRegistry
from interfaces import IStaking
from modules import parameters
from modules import roles

implements: INodeRegistry
initializes: roles
initializes: parameters
exports: (
    roles.owner,
    roles.pending_owner,
    roles.role_of,
    roles.propose_owner,
    roles.accept_owner,
    roles.set_role,
    parameters.parameter,
)

event NodeRegistered:
    node: indexed(uint64)
    owner: indexed(address)
    kind: uint8
    model: bytes32
    meta: bytes32
    payout: address
    signer: address
    commission: uint16

event MetaSet:
    node: indexed(uint64)
    meta: bytes32

event ModelSet:
    node: indexed(uint64)
    model: bytes32

event SignerSet:
    node: indexed(uint64)
    signer: address

event PayoutProposed:
    node: indexed(uint64)
    payout: address
    readyAt: uint64

event PayoutSet:
    node: indexed(uint64)
    payout: address

event CommissionSet:
    node: indexed(uint64)
    commission: uint16
    effectiveAt: uint64

event NodeOwnerProposed:
    node: indexed(uint64)
    owner: indexed(address)

event NodeOwnerSet:
    node: indexed(uint64)
    owner: indexed(address)

event StatusChanged:
    node: indexed(uint64)
    status: uint8
    reason: bytes32

event ComputeSet:
    node: indexed(uint64)
    units: uint64

KINDS: constant(uint8) = 3

PENDING: constant(uint8) = 1
ACTIVE: constant(uint8) = 2
SUSPENDED: constant(uint8) = 3
EXITING: constant(uint8) = 4
EXITED: constant(uint8) = 5
BANNED: constant(uint8) = 6

WHOLE: constant(uint16) = 10_000
PAYOUT_DELAY: constant(uint64) = 86_400
COMMISSION_DELAY: constant(uint64) = 7 * 86_400
COMPUTE_INTERVAL: constant(uint64) = 86_400

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_160: constant(uint256) = 2**160 - 1

# Shifts within a node's words.
KIND: constant(uint256) = 160
STATUS: constant(uint256) = 168
COMMISSION: constant(uint256) = 176
NEXT_COMMISSION: constant(uint256) = 192
COMMISSION_AT: constant(uint256) = 208
TIME: constant(uint256) = 160      # beside an address
COMPUTE_AT: constant(uint256) = 64

STAKING: immutable(IStaking)
NETWORK_STATUS: immutable(address)

# How many nodes there are, and how many of them are active.
nodes: public(uint64)
active: public(uint64)

# owner 160 | kind 8 | status 8 | commission 16 | next commission 16 | when it is in force 40
_control: HashMap[uint64, uint256]
# payout 160 | registered 40
_payouts: HashMap[uint64, uint256]
# pending payout 160 | when it may be accepted 40
_pending_payouts: HashMap[uint64, uint256]
# signer 160 | when the exit may be completed 40
_signers: HashMap[uint64, uint256]
_pending_owners: HashMap[uint64, address]
# compute units 64 | when they were set 40; an array costs no hash for each of the 250 nodes of a report
_compute: uint256[2**64]
_models: HashMap[uint64, bytes32]
_metas: HashMap[uint64, bytes32]
# The node that an address signs, or signed, for.
node_of_signer: public(HashMap[address, uint64])


@deploy
def __init__(
    owner: address,
    attester: address,
    min_stake_llm: uint64,
    min_stake_knowledge: uint64,
    min_stake_agent: uint64,
    staking: address,
    network_status: address,
):
    roles.__init__(owner)
    roles._make_role(roles.ATTESTER, attester)
    parameters._make(parameters.MIN_STAKE_LLM, min_stake_llm, parameters.LAI, 100_000 * parameters.LAI)
    parameters._make(parameters.MIN_STAKE_KNOWLEDGE, min_stake_knowledge, parameters.LAI, 100_000 * parameters.LAI)
    parameters._make(parameters.MIN_STAKE_AGENT, min_stake_agent, parameters.LAI, 100_000 * parameters.LAI)
    STAKING = IStaking(staking)
    NETWORK_STATUS = network_status


# What the owner of a node does


@external
@nonreentrant
def register(
    kind: uint8, model: bytes32, meta: bytes32, payout: address, signer: address, commission: uint16, self_stake: uint64
) -> uint64:
    """
    @notice Registers a node of the caller, with its first stake, which Staking pulls from the caller.
    @return The node's number.
    """
    assert kind != 0 and kind <= KINDS, "wrong kind"
    assert payout != empty(address) and signer != empty(address), "bad address"
    assert commission <= WHOLE, "bad commission"
    assert self_stake >= self._minimum(kind), "stake too small"
    assert self.node_of_signer[signer] == 0, "signer taken"
    node: uint64 = self.nodes + 1
    self.nodes = node
    self._control[node] = (
        convert(msg.sender, uint256)
        | convert(kind, uint256) << KIND
        | convert(PENDING, uint256) << STATUS
        | convert(commission, uint256) << COMMISSION
    )
    self._payouts[node] = convert(payout, uint256) | block.timestamp << TIME
    self._signers[node] = convert(signer, uint256)
    self.node_of_signer[signer] = node
    self._models[node] = model
    self._metas[node] = meta
    extcall STAKING.bond(node, msg.sender, self_stake)
    log NodeRegistered(
        node=node, owner=msg.sender, kind=kind, model=model, meta=meta, payout=payout, signer=signer, commission=commission
    )
    return node


@external
@nonreentrant
def set_meta(node: uint64, meta: bytes32):
    self._own(node)
    self._metas[node] = meta
    log MetaSet(node=node, meta=meta)


@external
@nonreentrant
def set_model(node: uint64, model: bytes32):
    self._own(node)
    self._models[node] = model
    log ModelSet(node=node, model=model)


@external
@nonreentrant
def set_signer(node: uint64, signer: address):
    """
    @notice Replaces the signing address; the one before stays the node's, and evidence that it signed counts.
    """
    self._own(node)
    assert signer != empty(address), "bad address"
    assert self.node_of_signer[signer] == 0, "signer taken"
    self.node_of_signer[signer] = node
    self._signers[node] = self._signers[node] & ~MASK_160 | convert(signer, uint256)
    log SignerSet(node=node, signer=signer)


@external
@nonreentrant
def propose_payout(node: uint64, payout: address):
    """
    @notice Proposes an address for the earnings, which may be accepted a day later; proposing again starts anew.
    """
    self._own(node)
    assert payout != empty(address), "bad address"
    ready: uint64 = self._now() + PAYOUT_DELAY
    self._pending_payouts[node] = convert(payout, uint256) | convert(ready, uint256) << TIME
    log PayoutProposed(node=node, payout=payout, readyAt=ready)


@external
@nonreentrant
def set_commission(node: uint64, commission: uint16):
    """
    @notice Sets the owner's part of what the pool earns. A cut is in force at once and ends a rise that waits; a rise waits seven days,
            so that those who delegated can leave, and replaces one that waits.
    """
    control: uint256 = self._own(node)
    assert commission <= WHOLE, "bad commission"
    present: uint16 = self._commission(control)
    at: uint64 = self._now()
    kept: uint256 = control & (2**COMMISSION - 1)
    if commission <= present:
        self._control[node] = kept | convert(commission, uint256) << COMMISSION
    else:
        at += COMMISSION_DELAY
        self._control[node] = (
            kept
            | convert(present, uint256) << COMMISSION
            | convert(commission, uint256) << NEXT_COMMISSION
            | convert(at, uint256) << COMMISSION_AT
        )
    log CommissionSet(node=node, commission=commission, effectiveAt=at)


@external
@nonreentrant
def transfer(node: uint64, owner: address):
    """
    @notice Offers the node to another owner, who must accept. Zero takes the offer back.
    """
    self._own(node)
    self._pending_owners[node] = owner
    log NodeOwnerProposed(node=node, owner=owner)


@external
@nonreentrant
def exit(node: uint64):
    """
    @notice Begins to leave: all self stake that is not locked begins to unbond.
    """
    control: uint256 = self._own(node)
    assert self._status(control) <= SUSPENDED, "wrong status"
    self._set_status(node, control, EXITING)
    end: uint64 = self._now() + staticcall STAKING.unbonding()
    self._signers[node] = self._signers[node] & MASK_160 | convert(end, uint256) << TIME
    extcall STAKING.unbond_self(node, msg.sender)
    log StatusChanged(node=node, status=EXITING, reason=empty(bytes32))


# What others do


@external
@nonreentrant
def accept_payout(node: uint64):
    """
    @notice Puts the proposed payout address in force; anyone may, once its day has passed.
    """
    self._known(node)
    pending: uint256 = self._pending_payouts[node]
    assert pending != 0, "nothing pending"
    assert block.timestamp >= pending >> TIME, "too early"
    payout: address = convert(pending & MASK_160, address)
    self._payouts[node] = self._payouts[node] & ~MASK_160 | convert(payout, uint256)
    self._pending_payouts[node] = 0
    log PayoutSet(node=node, payout=payout)


@external
@nonreentrant
def accept(node: uint64):
    """
    @notice Takes over a node that was offered to the caller, with its self stake. What the owner before unbonds stays theirs.
    """
    control: uint256 = self._known(node)
    pending: address = self._pending_owners[node]
    assert pending != empty(address), "nothing pending"
    assert msg.sender == pending, "not allowed"
    self._pending_owners[node] = empty(address)
    self._control[node] = control & ~MASK_160 | convert(msg.sender, uint256)
    extcall STAKING.adopt(node, msg.sender)
    log NodeOwnerSet(node=node, owner=msg.sender)


@external
@nonreentrant
def complete_exit(node: uint64):
    """
    @notice Ends an exit once the unbonding time since it began has passed; anyone may.
    """
    control: uint256 = self._known(node)
    assert self._status(control) == EXITING, "wrong status"
    assert block.timestamp >= self._signers[node] >> TIME, "too early"
    self._set_status(node, control, EXITED)
    log StatusChanged(node=node, status=EXITED, reason=empty(bytes32))


@external
@nonreentrant
def ban(node: uint64, reason: bytes32):
    """
    @notice Shuts a node out for good; by the owner of this contract.
    """
    roles._only_owner()
    control: uint256 = self._known(node)
    assert self._status(control) <= EXITING, "wrong status"
    self._set_status(node, control, BANNED)
    log StatusChanged(node=node, status=BANNED, reason=reason)


@external
@nonreentrant
def set_status(node: uint64, status: uint8, reason: bytes32):
    """
    @notice Suspends an active node, or lets a pending or suspended one in; by NetworkStatus.
    """
    assert msg.sender == NETWORK_STATUS, "not allowed"
    control: uint256 = self._known(node)
    old: uint8 = self._status(control)
    if status == SUSPENDED:
        assert old == ACTIVE, "wrong status"
    else:
        assert status == ACTIVE and (old == PENDING or old == SUSPENDED), "wrong status"
    self._set_status(node, control, status)
    log StatusChanged(node=node, status=status, reason=reason)


@external
@nonreentrant
def set_compute(node: uint64, units: uint64):
    """
    @notice Attests what a node can compute; once a day, and by a factor of two at most.
    """
    roles._only(roles.ATTESTER)
    self._known(node)
    word: uint256 = self._compute[convert(node, uint256)]
    at: uint64 = self._now()
    assert word == 0 or at >= convert(word >> COMPUTE_AT, uint64) + COMPUTE_INTERVAL, "too early"
    old: uint256 = word & MASK_64
    wanted: uint256 = convert(units, uint256)
    assert old == 0 or (wanted <= 2 * old and wanted >= old // 2), "step too large"
    self._compute[convert(node, uint256)] = wanted | convert(at, uint256) << COMPUTE_AT
    log ComputeSet(node=node, units=units)


@external
@nonreentrant
def set_parameter(name: bytes32, figure: uint64):
    roles._only_owner()
    assert name in [parameters.MIN_STAKE_LLM, parameters.MIN_STAKE_KNOWLEDGE, parameters.MIN_STAKE_AGENT], "unknown parameter"
    parameters._change(name, figure, parameters.LAI, 100_000 * parameters.LAI)


# Views


@external
@view
def node_of(node: uint64) -> INodeRegistry.Node:
    """
    @notice All that is known of a node; all zero where there is none.
    """
    control: uint256 = self._control[node]
    payout: uint256 = self._payouts[node]
    pending: uint256 = self._pending_payouts[node]
    signer: uint256 = self._signers[node]
    compute: uint256 = self._compute[convert(node, uint256)]
    waits: bool = block.timestamp < control >> COMMISSION_AT
    return INodeRegistry.Node(
        owner=convert(control & MASK_160, address),
        pending_owner=self._pending_owners[node],
        payout=convert(payout & MASK_160, address),
        pending_payout=convert(pending & MASK_160, address),
        payout_at=convert(pending >> TIME, uint64),
        signer=convert(signer & MASK_160, address),
        kind=convert((control >> KIND) & MASK_8, uint8),
        model=self._models[node],
        meta=self._metas[node],
        commission=self._commission(control),
        next_commission=convert((control >> NEXT_COMMISSION) & MASK_16, uint16) if waits else 0,
        commission_at=convert(control >> COMMISSION_AT, uint64) if waits else 0,
        compute=convert(compute & MASK_64, uint64),
        compute_at=convert(compute >> COMPUTE_AT, uint64),
        status=self._status(control),
        registered=convert(payout >> TIME, uint64),
        exit_end=convert(signer >> TIME, uint64),
    )


@external
@view
def control_of(node: uint64) -> (address, uint8, uint8):
    """
    @return Owner, kind and status; all zero where there is no such node.
    """
    control: uint256 = self._control[node]
    return convert(control & MASK_160, address), convert((control >> KIND) & MASK_8, uint8), self._status(control)


@external
@view
def commission_of(node: uint64) -> uint16:
    """
    @return The commission in force.
    """
    return self._commission(self._control[node])


@external
@view
def payout_of(node: uint64) -> address:
    return convert(self._payouts[node] & MASK_160, address)


@external
@view
def minimum_of(kind: uint8) -> uint64:
    """
    @return The smallest self stake of a node of this kind, in nano.
    """
    assert kind != 0 and kind <= KINDS, "wrong kind"
    return self._minimum(kind)


@external
@view
def compute_of(nodes: DynArray[uint256, 250]) -> DynArray[uint256, 250]:
    """
    @param nodes Words whose lowest 64 bits are nodes, such as reported rows: 256 bits need no check, and this runs for every one.
    @return The compute units of each node; zero where there is none.
    """
    units: DynArray[uint256, 250] = []
    for node: uint256 in nodes:
        units.append(self._compute[node & MASK_64] & MASK_64)
    return units


@internal
@view
def _now() -> uint64:
    return convert(block.timestamp, uint64)


@internal
@view
def _known(node: uint64) -> uint256:
    control: uint256 = self._control[node]
    assert control != 0, "unknown node"
    return control


@internal
@view
def _own(node: uint64) -> uint256:
    """
    @notice Refuses whoever does not own the node, and nodes that are gone.
    """
    control: uint256 = self._known(node)
    assert control & MASK_160 == convert(msg.sender, uint256), "not allowed"
    assert self._status(control) < EXITED, "wrong status"
    return control


@internal
@pure
def _status(control: uint256) -> uint8:
    return convert((control >> STATUS) & MASK_8, uint8)


@internal
@view
def _commission(control: uint256) -> uint16:
    """
    @notice The commission in force: a rise whose time has come is read, not written.
    """
    at: uint256 = control >> COMMISSION_AT
    if at != 0 and block.timestamp >= at:
        return convert((control >> NEXT_COMMISSION) & MASK_16, uint16)
    return convert((control >> COMMISSION) & MASK_16, uint16)


@internal
@view
def _minimum(kind: uint8) -> uint64:
    if kind == 1:
        return parameters._get(parameters.MIN_STAKE_LLM)
    if kind == 2:
        return parameters._get(parameters.MIN_STAKE_KNOWLEDGE)
    return parameters._get(parameters.MIN_STAKE_AGENT)


@internal
def _set_status(node: uint64, control: uint256, status: uint8):
    if self._status(control) == ACTIVE:
        self.active -= 1
    if status == ACTIVE:
        self.active += 1
    self._control[node] = control & ~(MASK_8 << STATUS) | convert(status, uint256) << STATUS
