# pragma version 0.4.3
"""
@title What nodes did, epoch by epoch
@notice The reporter posts one row a node for each finished epoch and seals it; for six hours the guardian may reject it, once, and the
        reporter posts again. Then it is final, and rewards are worked out from it. Bounds in code meet a stolen reporter's key.
"""
from interfaces import INetworkStatus
from interfaces import INodeRegistry
from interfaces import IStaking
from modules import parameters
from modules import roles

implements: INetworkStatus
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

event Reported:
    epoch: indexed(uint64)
    evidence: bytes32
    rows: DynArray[uint256, 250]

event Sealed:
    epoch: indexed(uint64)
    finalAt: uint64

event ReportRejected:
    epoch: indexed(uint64)

ACTIVE: constant(uint8) = 2
SUSPENDED: constant(uint8) = 3

EPOCH: constant(uint256) = 86_400
# In which the guardian may reject what was sealed.
WINDOW: constant(uint256) = 6 * 3_600
# How many epochs back a report may reach; rewards are claimed as long.
HISTORY: constant(uint64) = 90
# Rows are kept for so many epochs: more than those that can be reported, claimed or looked back upon.
RING: constant(uint256) = 128
WHOLE: constant(uint256) = 10_000
FIRST_REPUTATION: constant(uint256) = 5_000
REPUTATION_STEP: constant(uint256) = 1_000
# One of so many nodes may be suspended in an epoch, and always one.
SUSPENSIONS: constant(uint256) = 5

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1

# Shifts within a reported row: node 64 | uptime 16 | units 64 | health 16 | reputation 16 | latency 32
ROW_UPTIME: constant(uint256) = 64
ROW_UNITS: constant(uint256) = 80
ROW_HEALTH: constant(uint256) = 144
ROW_REPUTATION: constant(uint256) = 160
ROW_END: constant(uint256) = 208

# Shifts within a stored row: epoch 32 | uptime 16 | units 64 | health 16 | reputation 16 | latency 32 | C 64 | round 8.
# From the uptime to the latency it is a reported row, moved by 32 bits.
UPTIME: constant(uint256) = 32
UNITS: constant(uint256) = 48
HEALTH: constant(uint256) = 112
REPUTATION: constant(uint256) = 128
LATENCY: constant(uint256) = 144
COMPUTE: constant(uint256) = 176
ROUND: constant(uint256) = 240
# Round and epoch, by which a row is known to be valid.
MARK: constant(uint256) = (2**8 - 1) * 2**240 + 2**32 - 1
# What no row carries.
NO_MARK: constant(uint256) = max_value(uint256)

# Shifts within an epoch's word.
EPOCH_ROUND: constant(uint256) = 40
EPOCH_COUNT: constant(uint256) = 48
EPOCH_C_SUM: constant(uint256) = 80
EPOCH_V_SUM: constant(uint256) = 144

REGISTRY: immutable(INodeRegistry)
STAKING: immutable(IStaking)

# Stored rows at node * RING + epoch % RING: no array can be that long, and none of its places costs a hash.
_rows: uint256[2**64]
# sealed at 40 | round 8 | count 32 | sum of C 64 | sum of units 96
_epochs: HashMap[uint64, uint256]
# epoch 64 | suspensions in it 64
_suspensions: uint256


@deploy
def __init__(
    owner: address, reporter: address, guardian: address, stake_per_unit: uint64, node_registry: address, staking: address
):
    roles.__init__(owner)
    roles._make_role(roles.REPORTER, reporter)
    roles._make_role(roles.GUARDIAN, guardian)
    parameters._make(parameters.STAKE_PER_UNIT, stake_per_unit, parameters.LAI, 10_000 * parameters.LAI)
    REGISTRY = INodeRegistry(node_registry)
    STAKING = IStaking(staking)


@external
@nonreentrant
def report(epoch: uint64, evidence: bytes32, rows: DynArray[uint256, 250]):
    """
    @notice Posts rows of a finished epoch, one a node. Reputation moves by ten points of a hundred at most from the newest valid row
            of the seven epochs before, or from the middle.
    @param evidence The Merkle root of the signed probes.
    """
    roles._only(roles.REPORTER)
    assert epoch < self._epoch(), "too early"
    assert self._epoch() - epoch < HISTORY, "too late"
    head: uint256 = self._epochs[epoch]
    assert head & MASK_40 == 0, "sealed"
    round: uint256 = (head >> EPOCH_ROUND) & MASK_8
    mark: uint256 = round << ROUND | convert(epoch, uint256)

    compute: DynArray[uint256, 250] = staticcall REGISTRY.compute_of(rows)
    stakes: DynArray[uint256, 250] = staticcall STAKING.assets_of(rows)
    last: uint256 = convert(staticcall REGISTRY.nodes(), uint256)
    stake_per_unit: uint256 = convert(parameters._get(parameters.STAKE_PER_UNIT), uint256)
    before: uint256 = self._mark_of(epoch, 1)

    posted: DynArray[uint256, 250] = rows
    # Marks of the six epochs before that one, looked up for the first node that was not reported in it.
    earlier: DynArray[uint256, 6] = []
    looked_back: bool = False
    place: uint256 = convert(epoch, uint256) % RING
    place_before: uint256 = (place + RING - 1) % RING
    c_sum: uint256 = 0
    v_sum: uint256 = 0
    i: uint256 = 0
    # This runs 250 times in a transaction. What is not checked cannot overflow: fields of 64 bits at most, and 250 of them.
    for row: uint256 in rows:
        node: uint256 = row & MASK_64
        assert unsafe_sub(node, 1) < last, "unknown node"
        reputation: uint256 = (row >> ROW_REPUTATION) & MASK_16
        assert (row >> ROW_UPTIME) & MASK_16 <= WHOLE, "out of bounds"
        assert (row >> ROW_HEALTH) & MASK_16 <= WHOLE, "out of bounds"
        assert reputation <= WHOLE and row >> ROW_END == 0, "out of bounds"
        ring: uint256 = unsafe_mul(node, RING)
        held: uint256 = self._rows[unsafe_add(ring, place)]
        assert held & MARK != mark or held == 0, "already reported"

        old: uint256 = NO_MARK
        if before != NO_MARK:
            old = self._rows[unsafe_add(ring, place_before)]
        if old & MARK == before:
            old = (old >> REPUTATION) & MASK_16
        else:
            if not looked_back:
                looked_back = True
                earlier = self._marks_before(epoch)
            old = self._reputation_before(ring, earlier)
        kept: uint256 = row
        if unsafe_sub(unsafe_add(reputation, REPUTATION_STEP), old) > 2 * REPUTATION_STEP:
            reputation = unsafe_add(old, REPUTATION_STEP) if reputation > old else unsafe_sub(old, REPUTATION_STEP)
            kept = row & ~(MASK_16 << ROW_REPUTATION) | reputation << ROW_REPUTATION
            posted[i] = kept

        c: uint256 = min(compute[i], stakes[i] // stake_per_unit)
        c_sum = unsafe_add(c_sum, c)
        v_sum = unsafe_add(v_sum, (row >> ROW_UNITS) & MASK_64)
        self._rows[unsafe_add(ring, place)] = kept >> ROW_UPTIME << UPTIME | mark | c << COMPUTE
        i = unsafe_add(i, 1)

    # C is stake divided by a LAI at least, so all of them fit 64 bits; and there are fewer than 2**32 nodes.
    self._epochs[epoch] = head + (i << EPOCH_COUNT) + (c_sum << EPOCH_C_SUM) + (v_sum << EPOCH_V_SUM)
    log Reported(epoch=epoch, evidence=evidence, rows=posted)


@external
@nonreentrant
def seal(epoch: uint64):
    """
    @notice Ends the reports of an epoch; six hours later they are final.
    """
    roles._only(roles.REPORTER)
    assert epoch < self._epoch(), "too early"
    head: uint256 = self._epochs[epoch]
    assert head & MASK_40 == 0, "sealed"
    assert (head >> EPOCH_COUNT) & MASK_32 != 0, "nothing reported"
    self._epochs[epoch] = head | block.timestamp
    log Sealed(epoch=epoch, finalAt=convert(block.timestamp + WINDOW, uint64))


@external
@nonreentrant
def reject(epoch: uint64):
    """
    @notice Voids the rows of a sealed epoch, which the reporter may post again; once an epoch, by the guardian.
    """
    roles._only(roles.GUARDIAN)
    head: uint256 = self._epochs[epoch]
    sealed_at: uint256 = head & MASK_40
    assert sealed_at != 0, "not sealed"
    assert block.timestamp < sealed_at + WINDOW, "too late"
    assert (head >> EPOCH_ROUND) & MASK_8 == 0, "already rejected"
    self._epochs[epoch] = 1 << EPOCH_ROUND
    log ReportRejected(epoch=epoch)


@external
@nonreentrant
def suspend(node: uint64, reason: bytes32):
    """
    @notice Takes an active node out until it is let in again. A fifth of the active nodes an epoch, and always one; who is let in again
            still counts.
    """
    roles._only(roles.REPORTER)
    epoch: uint256 = convert(self._epoch(), uint256)
    count: uint256 = self._suspensions >> 64 if self._suspensions & MASK_64 == epoch else 0
    active: uint256 = convert(staticcall REGISTRY.active(), uint256)
    assert count + 1 <= max(1, (active + count) // SUSPENSIONS), "too many suspensions"
    self._suspensions = epoch | (count + 1) << 64
    extcall REGISTRY.set_status(node, SUSPENDED, reason)


@external
@nonreentrant
def resume(node: uint64):
    """
    @notice Lets a pending or suspended node in.
    """
    roles._only(roles.REPORTER)
    extcall REGISTRY.set_status(node, ACTIVE, empty(bytes32))


@external
@nonreentrant
def set_parameter(name: bytes32, figure: uint64):
    roles._only_owner()
    assert name == parameters.STAKE_PER_UNIT, "unknown parameter"
    parameters._change(name, figure, parameters.LAI, 10_000 * parameters.LAI)


@external
@view
def row_of(epoch: uint64, node: uint64) -> INetworkStatus.Row:
    """
    @return What was reported of a node in an epoch; all zero where nothing valid was.
    """
    return self._row(epoch, node)


@external
@view
def status_of(node: uint64) -> (uint64, uint16, uint64, uint16, uint16, uint32):
    """
    @return Epoch, uptime, units, health, reputation and latency of the newest valid row of the last seven epochs; without one all zero,
            but for the reputation that new nodes have.
    """
    present: uint64 = self._epoch()
    for back: uint64 in range(1, 8):
        if back > present:
            break
        row: INetworkStatus.Row = self._row(present - back, node)
        if row.valid:
            return present - back, row.uptime, row.units, row.health, row.reputation, row.latency
    return 0, 0, 0, 0, convert(FIRST_REPUTATION, uint16), 0


@external
@view
def epoch_of(epoch: uint64) -> INetworkStatus.Epoch:
    head: uint256 = self._epochs[epoch]
    return INetworkStatus.Epoch(
        sealed_at=convert(head & MASK_40, uint64),
        round=convert((head >> EPOCH_ROUND) & MASK_8, uint8),
        c_sum=convert((head >> EPOCH_C_SUM) & MASK_64, uint128),
        v_sum=convert(head >> EPOCH_V_SUM, uint128),
        count=convert((head >> EPOCH_COUNT) & MASK_32, uint64),
    )


@external
@view
def is_final(epoch: uint64) -> bool:
    """
    @return Whether the epoch was sealed and can no longer be rejected.
    """
    sealed_at: uint256 = self._epochs[epoch] & MASK_40
    return sealed_at != 0 and block.timestamp >= sealed_at + WINDOW


@internal
@view
def _epoch() -> uint64:
    return convert(block.timestamp // EPOCH, uint64)


@internal
@view
def _mark_of(epoch: uint64, back: uint64) -> uint256:
    """
    @notice What a valid row carries of an epoch before this one; NO_MARK where nothing was reported.
    """
    if back > epoch:
        return NO_MARK
    head: uint256 = self._epochs[epoch - back]
    if (head >> EPOCH_COUNT) & MASK_32 == 0:
        return NO_MARK
    return ((head >> EPOCH_ROUND) & MASK_8) << ROUND | convert(epoch - back, uint256)


@internal
@view
def _marks_before(epoch: uint64) -> DynArray[uint256, 6]:
    """
    @notice The marks of the second to the seventh epoch before, newest first; epochs without a report are left out.
    """
    marks: DynArray[uint256, 6] = []
    for back: uint64 in range(2, 8):
        mark: uint256 = self._mark_of(epoch, back)
        if mark != NO_MARK:
            marks.append(mark)
    return marks


@internal
@view
def _reputation_before(ring: uint256, marks: DynArray[uint256, 6]) -> uint256:
    """
    @notice The reputation of a node in the newest of these epochs in which it was reported.
    """
    for mark: uint256 in marks:
        word: uint256 = self._rows[ring + (mark & MASK_32) % RING]
        if word & MARK == mark:
            return (word >> REPUTATION) & MASK_16
    return FIRST_REPUTATION


@internal
@view
def _row(epoch: uint64, node: uint64) -> INetworkStatus.Row:
    head: uint256 = self._epochs[epoch]
    word: uint256 = self._rows[convert(node, uint256) * RING + convert(epoch, uint256) % RING]
    mark: uint256 = ((head >> EPOCH_ROUND) & MASK_8) << ROUND | convert(epoch, uint256)
    if (head >> EPOCH_COUNT) & MASK_32 == 0 or word & MARK != mark:
        return empty(INetworkStatus.Row)
    return INetworkStatus.Row(
        valid=True,
        uptime=convert((word >> UPTIME) & MASK_16, uint16),
        units=convert((word >> UNITS) & MASK_64, uint64),
        health=convert((word >> HEALTH) & MASK_16, uint16),
        reputation=convert((word >> REPUTATION) & MASK_16, uint16),
        latency=convert((word >> LATENCY) & MASK_32, uint32),
        compute=convert((word >> COMPUTE) & MASK_64, uint64),
    )
