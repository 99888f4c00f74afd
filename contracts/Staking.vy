# pragma version 0.4.3
"""
@title Stakes: one pool a node, and what leaves it
@notice A pool has assets and shares; whoever stakes buys shares at the pool's price, earnings raise the price, a slash lowers it. The
        owner's shares are the node's self shares; those among them that came out of bonus earnings are locked for ever. What leaves
        goes through the node's unbonding pool, which is slashed alongside. A thousand virtual shares and one virtual nano keep the
        price of an empty pool from being moved. Tokens that were sent here by accident change nothing.
"""
from interfaces import ILAIToken
from interfaces import INodeRegistry
from interfaces import IStaking
from interfaces import ITokenomics
from modules import parameters
from modules import pause as pausing
from modules import roles

implements: IStaking
initializes: roles
initializes: pausing[roles := roles]
initializes: parameters
exports: (
    roles.owner,
    roles.pending_owner,
    roles.role_of,
    roles.propose_owner,
    roles.accept_owner,
    roles.set_role,
    pausing.paused_until,
    pausing.pause,
    pausing.unpause,
    parameters.parameter,
)

event Staked:
    node: indexed(uint64)
    staker: indexed(address)
    amount: uint64
    shares: uint128

event ExitRequested:
    node: indexed(uint64)
    staker: indexed(address)
    shares: uint128
    amount: uint64
    exitShares: uint128
    endsAt: uint64

event StakeWithdrawn:
    node: indexed(uint64)
    staker: indexed(address)
    amount: uint64

event StakeSlashed:
    node: indexed(uint64)
    fromPool: uint64
    fromUnbonding: uint64

# A pool in memory, as its two words hold it.
struct Sheet:
    assets: uint256
    shares: uint256
    incarnation: uint256
    own: uint256
    locked: uint256

# The last status in which a node can take stake.
SUSPENDED: constant(uint8) = 3
# Delegated stake is at most so many times the self stake, both counted in the pool's assets.
MOST_DELEGATION: constant(uint256) = 10
VIRTUAL_SHARES: constant(uint256) = 1000
WHOLE: constant(uint256) = 10_000
NANO: constant(uint256) = 10**9
DAY: constant(uint64) = 86_400

MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_128: constant(uint256) = 2**128 - 1

# Stands in the unbonding word of every pool, so that the first exit pays no more for storage than the next.
MARK: constant(uint256) = 2**255

# Shifts.
SHARES: constant(uint256) = 64         # in a pool's words
INCARNATION: constant(uint256) = 192
LOCKED: constant(uint256) = 128
TIME: constant(uint256) = 128          # in a stake's and an exit's word
AGE: constant(uint256) = 168
ESCROW: constant(uint256) = 64

TOKEN: immutable(ILAIToken)
REGISTRY: immutable(INodeRegistry)
TOKENOMICS: immutable(ITokenomics)
SLASHING: immutable(address)

# assets 64 | shares 128 | incarnation 32; an array costs no hash for each of the 250 nodes of a report
_pools: uint256[2**64]
# self shares 128 | locked shares 128
_selves: HashMap[uint64, uint256]
# assets 64 | shares 128 | mark
_unbondings: HashMap[uint64, uint256]
# shares 128 | since 40 | incarnation 32; no shares for the owner, whose shares are the node's
_stakes: HashMap[uint64, HashMap[address, uint256]]
# unbonding shares 128 | end 40 | incarnation 32
_exits: HashMap[uint64, HashMap[address, uint256]]
# assets of all pools 64 | escrow 64
_sums: uint256


@deploy
def __init__(
    owner: address,
    guardian: address,
    unbonding: uint64,
    lai_token: address,
    node_registry: address,
    tokenomics: address,
    slashing: address,
):
    roles.__init__(owner)
    roles._make_role(roles.GUARDIAN, guardian)
    parameters._make(parameters.UNBONDING, unbonding, 3 * DAY, 28 * DAY)
    TOKEN = ILAIToken(lai_token)
    REGISTRY = INodeRegistry(node_registry)
    TOKENOMICS = ITokenomics(tokenomics)
    SLASHING = slashing


# What stakers do


@external
@nonreentrant
def stake(node: uint64, amount: uint64):
    """
    @notice Buys shares of a node's pool; by the node's owner, self shares. Earnings of before belong to those who were there.
    """
    pausing._not_paused()
    owner: address = empty(address)
    kind: uint8 = 0
    status: uint8 = 0
    owner, kind, status = staticcall REGISTRY.control_of(node)
    assert owner != empty(address), "unknown node"
    assert status <= SUSPENDED, "wrong status"
    assert amount != 0, "bad amount"
    pool: Sheet = self._harvested(node, True)
    before: uint256 = pool.own
    bought: uint256 = self._buy(pool, convert(amount, uint256))
    assert bought != 0, "bad amount"
    pool.assets += convert(amount, uint256)
    pool.shares += bought
    record: uint256 = block.timestamp << TIME | pool.incarnation << AGE
    if msg.sender == owner:
        pool.own += bought
    else:
        own: uint256 = self._worth(pool.own, pool.assets, pool.shares)
        assert pool.assets <= MOST_DELEGATION * own, "too much delegation"
        record |= self._live(self._stakes[node][msg.sender], pool.incarnation) + bought
    self._stakes[node][msg.sender] = record
    self._write(node, pool, before != pool.own)
    self._sums += convert(amount, uint256)
    self._take(msg.sender, amount)
    log Staked(node=node, staker=msg.sender, amount=amount, shares=convert(bought, uint128))


@external
@nonreentrant
def request_exit(node: uint64, shares: uint128):
    """
    @notice Moves shares into the unbonding pool. One exit a staker and node; another request adds to it and starts its clock anew.
    """
    owner: address = empty(address)
    kind: uint8 = 0
    status: uint8 = 0
    owner, kind, status = staticcall REGISTRY.control_of(node)
    assert owner != empty(address), "unknown node"
    assert shares != 0, "bad amount"
    pool: Sheet = self._harvested(node, msg.sender == owner)
    sold: uint256 = convert(shares, uint256)
    if msg.sender == owner:
        assert sold <= pool.own - pool.locked, "insufficient"
        pool.own -= sold
    else:
        record: uint256 = self._stakes[node][msg.sender]
        have: uint256 = self._live(record, pool.incarnation)
        assert sold <= have, "insufficient"
        self._stakes[node][msg.sender] = record - sold
    amount: uint256 = self._worth(sold, pool.assets, pool.shares)
    assert amount != 0, "bad amount"
    pool.assets -= amount
    pool.shares -= sold
    assert self._unbond(node, msg.sender, sold, amount, pool.incarnation), "bad amount"
    if msg.sender == owner and status <= SUSPENDED:
        left: uint256 = self._worth(pool.own, pool.assets, pool.shares)
        assert left >= convert(staticcall REGISTRY.minimum_of(kind), uint256), "stake too small"
    self._write(node, pool, msg.sender == owner)


@external
@nonreentrant
def withdraw(node: uint64):
    """
    @notice Pays out the caller's exit once its time has passed.
    """
    word: uint256 = self._exits[node][msg.sender]
    assert word != 0, "nothing pending"
    assert block.timestamp >= (word >> TIME) & MASK_40, "too early"
    self._exits[node][msg.sender] = 0
    amount: uint256 = 0
    shares: uint256 = self._live(word, self._pools[node] >> INCARNATION)
    if shares != 0:
        unbonding: uint256 = self._unbondings[node]
        amount = self._worth(shares, unbonding & MASK_64, (unbonding >> SHARES) & MASK_128)
        self._unbondings[node] = unbonding - amount - (shares << SHARES)
    self._pay(msg.sender, amount)
    log StakeWithdrawn(node=node, staker=msg.sender, amount=convert(amount, uint64))


# What the other contracts do


@external
@nonreentrant
def bond(node: uint64, staker: address, amount: uint64):
    """
    @notice The first stake of a node that registers; by NodeRegistry.
    """
    assert msg.sender == REGISTRY.address, "not allowed"
    pool: Sheet = self._read(node, True)
    bought: uint256 = self._buy(pool, convert(amount, uint256))
    assert bought != 0, "bad amount"
    pool.assets += convert(amount, uint256)
    pool.shares += bought
    pool.own += bought
    self._stakes[node][staker] = block.timestamp << TIME | pool.incarnation << AGE
    self._unbondings[node] |= MARK
    self._write(node, pool, True)
    self._sums += convert(amount, uint256)
    self._take(staker, amount)
    log Staked(node=node, staker=staker, amount=amount, shares=convert(bought, uint128))


@external
@nonreentrant
def adopt(node: uint64, owner: address):
    """
    @notice The delegated shares of a node's new owner become self shares; by NodeRegistry.
    """
    assert msg.sender == REGISTRY.address, "not allowed"
    incarnation: uint256 = self._pools[node] >> INCARNATION
    self._selves[node] += self._live(self._stakes[node][owner], incarnation)
    self._stakes[node][owner] = block.timestamp << TIME | incarnation << AGE


@external
@nonreentrant
def unbond_self(node: uint64, owner: address):
    """
    @notice Moves all self shares that are not locked to an exit of the owner; by NodeRegistry.
    """
    assert msg.sender == REGISTRY.address, "not allowed"
    pool: Sheet = self._harvested(node, True)
    sold: uint256 = pool.own - pool.locked
    amount: uint256 = self._worth(sold, pool.assets, pool.shares)
    if amount != 0 and self._unbond(node, owner, sold, amount, pool.incarnation):
        pool.own -= sold
        pool.assets -= amount
        pool.shares -= sold
    self._write(node, pool, True)


@external
@nonreentrant
def distribute(node: uint64, rest: uint64, bonus: uint64):
    """
    @notice Takes a node's earnings that Tokenomics sent: `rest` raises the price of the pool's shares, `bonus` buys locked self shares.
    """
    assert msg.sender == TOKENOMICS.address, "not allowed"
    pool: Sheet = self._earn(self._read(node, bonus != 0), convert(rest, uint256), convert(bonus, uint256))
    self._write(node, pool, bonus != 0)


@external
@nonreentrant
def slash(node: uint64, bps: uint16, case: uint64) -> uint64:
    """
    @notice Moves a part of the pool and the same part of what unbonds into escrow; by Slashing. A slash of all of it makes every share
            of before worthless: the pool begins anew.
    @return How much it was.
    """
    assert msg.sender == SLASHING, "not allowed"
    part: uint256 = convert(bps, uint256)
    assert part <= WHOLE, "out of bounds"
    word: uint256 = self._pools[node]
    unbonding: uint256 = self._unbondings[node]
    from_pool: uint256 = (word & MASK_64) * part // WHOLE
    from_unbonding: uint256 = (unbonding & MASK_64) * part // WHOLE
    if part == WHOLE:
        self._pools[node] = ((word >> INCARNATION) + 1) << INCARNATION
        self._selves[node] = 0
        self._unbondings[node] = MARK
    else:
        self._pools[node] = word - from_pool
        if from_unbonding != 0:
            self._unbondings[node] = unbonding - from_unbonding
    self._sums = self._sums - from_pool + (from_pool + from_unbonding << ESCROW)
    log StakeSlashed(node=node, fromPool=convert(from_pool, uint64), fromUnbonding=convert(from_unbonding, uint64))
    return convert(from_pool + from_unbonding, uint64)


@external
@nonreentrant
def unescrow(node: uint64, amount: uint64):
    """
    @notice Gives slashed tokens back to the pool; by Slashing.
    """
    assert msg.sender == SLASHING, "not allowed"
    self._pools[node] += convert(amount, uint256)
    self._sums = self._sums + convert(amount, uint256) - (convert(amount, uint256) << ESCROW)


@external
@nonreentrant
def pay_escrow(to: address, amount: uint64):
    assert msg.sender == SLASHING, "not allowed"
    self._sums -= convert(amount, uint256) << ESCROW
    self._pay(to, convert(amount, uint256))


@external
@nonreentrant
def burn_escrow(amount: uint64):
    assert msg.sender == SLASHING, "not allowed"
    self._sums -= convert(amount, uint256) << ESCROW
    if amount != 0:
        extcall TOKEN.burn(convert(amount, uint256) * NANO)


@external
@nonreentrant
def set_parameter(name: bytes32, figure: uint64):
    roles._only_owner()
    assert name == parameters.UNBONDING, "unknown parameter"
    parameters._change(name, figure, 3 * DAY, 28 * DAY)


# Views


@external
@view
def total() -> uint64:
    """
    @return The assets of all pools, in nano.
    """
    return convert(self._sums & MASK_64, uint64)


@external
@view
def escrow() -> uint64:
    """
    @return What was slashed and is neither paid out nor given back, in nano.
    """
    return convert(self._sums >> ESCROW, uint64)


@external
@view
def unbonding() -> uint64:
    """
    @return Seconds between an exit and its payment.
    """
    return parameters._get(parameters.UNBONDING)


@external
@view
def pool_of(node: uint64) -> IStaking.Pool:
    pool: Sheet = self._read(node, True)
    unbonding: uint256 = self._unbondings[node]
    return IStaking.Pool(
        assets=convert(pool.assets, uint64),
        shares=convert(pool.shares, uint128),
        self_shares=convert(pool.own, uint128),
        locked_shares=convert(pool.locked, uint128),
        unbonding=convert(unbonding & MASK_64, uint64),
        unbonding_shares=convert((unbonding >> SHARES) & MASK_128, uint128),
        incarnation=convert(pool.incarnation, uint32),
    )


@external
@view
def stake_of(node: uint64, staker: address) -> (uint128, uint64):
    """
    @return Delegated shares, none for the node's owner, and when the staker last added to them.
    """
    word: uint256 = self._stakes[node][staker]
    return (
        convert(self._live(word, self._pools[node] >> INCARNATION), uint128), convert((word >> TIME) & MASK_40, uint64)
    )


@external
@view
def worth_of(node: uint64, staker: address) -> (uint64, uint64):
    """
    @return What the staker's shares are worth, the self shares for the node's owner, and when they were last added to.
    """
    pool: Sheet = self._read(node, True)
    word: uint256 = self._stakes[node][staker]
    shares: uint256 = self._live(word, pool.incarnation)
    owner: address = empty(address)
    kind: uint8 = 0
    status: uint8 = 0
    owner, kind, status = staticcall REGISTRY.control_of(node)
    if staker == owner:
        shares = pool.own
    return convert(self._worth(shares, pool.assets, pool.shares), uint64), convert((word >> TIME) & MASK_40, uint64)


@external
@view
def exit_of(node: uint64, staker: address) -> (uint128, uint64):
    """
    @return Unbonding shares, and when they may be withdrawn; zero without an exit.
    """
    word: uint256 = self._exits[node][staker]
    return (
        convert(self._live(word, self._pools[node] >> INCARNATION), uint128), convert((word >> TIME) & MASK_40, uint64)
    )


@external
@view
def assets(node: uint64) -> uint64:
    """
    @return The assets of a node's pool.
    """
    return convert(self._pools[node] & MASK_64, uint64)


@external
@view
def shares(node: uint64) -> uint128:
    """
    @return The shares of a node's pool; without any nobody is there to share earnings with, whatever rounding left in it.
    """
    return convert((self._pools[node] >> SHARES) & MASK_128, uint128)


@external
@view
def assets_of(nodes: DynArray[uint256, 250]) -> DynArray[uint256, 250]:
    """
    @param nodes Words whose lowest 64 bits are nodes, as for NodeRegistry.compute_of.
    @return The assets of each node's pool.
    """
    assets: DynArray[uint256, 250] = []
    for node: uint256 in nodes:
        assets.append(self._pools[node & MASK_64] & MASK_64)
    return assets


@internal
@view
def _read(node: uint64, selves: bool) -> Sheet:
    """
    @param selves Whether the self shares are asked for; else they read as none.
    """
    word: uint256 = self._pools[node]
    own: uint256 = self._selves[node] if selves else 0
    return Sheet(
        assets=word & MASK_64,
        shares=(word >> SHARES) & MASK_128,
        incarnation=word >> INCARNATION,
        own=own & MASK_128,
        locked=own >> LOCKED,
    )


@internal
def _write(node: uint64, pool: Sheet, selves: bool):
    """
    @param selves Whether the self shares changed.
    """
    self._pools[node] = pool.assets | pool.shares << SHARES | pool.incarnation << INCARNATION
    if selves:
        self._selves[node] = pool.own | pool.locked << LOCKED


@internal
def _harvested(node: uint64, selves: bool) -> Sheet:
    """
    @notice The pool with what its node earned, which is written already.
    @param selves Whether the self shares are asked for.
    """
    rest: uint64 = 0
    bonus: uint64 = 0
    rest, bonus = extcall TOKENOMICS.pull(node)
    pool: Sheet = self._read(node, selves or bonus != 0)
    if rest == 0 and bonus == 0:
        return pool
    pool = self._earn(pool, convert(rest, uint256), convert(bonus, uint256))
    self._write(node, pool, bonus != 0)
    return pool


@internal
def _earn(pool: Sheet, rest: uint256, bonus: uint256) -> Sheet:
    """
    @notice Adds earnings to a pool, first those of the stakers, then those that become locked self stake. Bonus that buys no share
            raises the price.
    """
    earned: Sheet = pool
    earned.assets += rest
    bought: uint256 = bonus * (earned.shares + VIRTUAL_SHARES) // (earned.assets + 1)
    if earned.shares + bought > MASK_128:
        bought = 0
    earned.assets += bonus
    earned.shares += bought
    earned.own += bought
    earned.locked += bought
    self._sums += rest + bonus
    return earned


@internal
@pure
def _buy(pool: Sheet, amount: uint256) -> uint256:
    """
    @notice How many shares an amount buys, rounded down.
    """
    bought: uint256 = amount * (pool.shares + VIRTUAL_SHARES) // (pool.assets + 1)
    assert pool.shares + bought <= MASK_128, "overflow"
    return bought


@internal
@pure
def _worth(shares: uint256, assets: uint256, all_shares: uint256) -> uint256:
    """
    @notice What shares are worth, rounded down.
    """
    return shares * (assets + 1) // (all_shares + VIRTUAL_SHARES)


@internal
@pure
def _live(word: uint256, incarnation: uint256) -> uint256:
    """
    @notice The shares of a stake or an exit; none where the pool began anew since.
    """
    return word & MASK_128 if word >> AGE == incarnation else 0


@internal
def _unbond(node: uint64, staker: address, sold: uint256, amount: uint256, incarnation: uint256) -> bool:
    """
    @notice Moves an amount that left the pool into the unbonding pool, as an exit of the staker.
    @return False, and nothing is done, where the amount is too small to buy a share of the unbonding pool.
    """
    unbonding: uint256 = self._unbondings[node]
    assets: uint256 = unbonding & MASK_64
    shares: uint256 = (unbonding >> SHARES) & MASK_128
    bought: uint256 = amount * (shares + VIRTUAL_SHARES) // (assets + 1)
    if bought == 0:
        return False
    assert shares + bought <= MASK_128, "overflow"
    self._unbondings[node] = assets + amount | (shares + bought) << SHARES | MARK
    end: uint256 = block.timestamp + convert(parameters._get(parameters.UNBONDING), uint256)
    have: uint256 = self._live(self._exits[node][staker], incarnation)
    self._exits[node][staker] = have + bought | end << TIME | incarnation << AGE
    self._sums -= amount
    log ExitRequested(
        node=node,
        staker=staker,
        shares=convert(sold, uint128),
        amount=convert(amount, uint64),
        exitShares=convert(bought, uint128),
        endsAt=convert(end, uint64),
    )
    return True


@internal
def _take(sender: address, amount: uint64):
    assert extcall TOKEN.transferFrom(sender, self, convert(amount, uint256) * NANO), "transfer failed"


@internal
def _pay(to: address, amount: uint256):
    if amount != 0:
        assert extcall TOKEN.transfer(to, amount * NANO), "transfer failed"
