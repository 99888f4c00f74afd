# pragma version 0.4.3
"""
@title Fees, what nodes earn, and rewards
@notice Every nano that settlement sends here is a fee, or earned by a node, or a node's earning out of faucet money, which can only ever
        become stake. Rewards are minted within the token's schedule and bounded by the fees that a node brought.
"""
from ethereum.ercs import IERC20
from interfaces import ILAIToken
from interfaces import INetworkStatus
from interfaces import INodeRegistry
from interfaces import IStaking
from interfaces import ITokenomics
from modules import parameters
from modules import pause as pausing
from modules import roles
from modules import words

implements: ITokenomics
initializes: roles
initializes: pausing[roles := roles]
initializes: parameters

exports: (
    roles.__interface__,
    pausing.__interface__,
    parameters.__interface__,
)

event Collected:
    node: indexed(uint64)
    gross: uint64
    bonus: uint64
    fee: uint64

event Harvested:
    node: indexed(uint64)
    claimable: uint64
    pool: uint64
    stake: uint64

event Claimed:
    node: indexed(uint64)
    to: indexed(address)
    amount: uint64

event Swept:
    amount: uint64
    burned: uint64

event RewardClaimed:
    epoch: indexed(uint64)
    node: indexed(uint64)
    amount: uint64

event InsurancePaid:
    to: indexed(address)
    amount: uint64

MOST_CREDITS: constant(uint256) = 200
BPS: constant(uint256) = 10_000
# Uptime that earns nothing, and how much above it earns all.
UPTIME_LOW: constant(uint256) = 9_000
UPTIME_RANGE: constant(uint256) = 1_000
# For so many epochs a reward may be claimed.
CLAIM_EPOCHS: constant(uint256) = 90

# Where the fields of a node's word begin.
BONUS_EARNED: constant(uint256) = 64
EPOCH_FEE: constant(uint256) = 128
EPOCH: constant(uint256) = 192

TOKEN: public(immutable(address))
USERS: public(immutable(address))
NODES: public(immutable(address))
STATUS: public(immutable(address))
STAKING: public(immutable(address))
SLASHING: public(immutable(address))
TREASURY: public(immutable(address))

# Fees that were not swept.
fees: public(uint64)
# What slashing sent for those whom a node harmed.
insurance: public(uint64)
# earned 64 | bonus earned 64 | fee of the epoch 64 | epoch 32
_nodes: HashMap[uint64, uint256]
_claimable: HashMap[uint64, uint64]
# epoch, node -> the fee that its users paid out of their own money, of epochs before that of the node's word
_fees: HashMap[uint256, HashMap[uint64, uint64]]
_claimed: HashMap[uint256, HashMap[uint64, bool]]


@deploy
def __init__(
    lai_token: address,
    user_registry: address,
    node_registry: address,
    network_status: address,
    staking: address,
    slashing: address,
    treasury: address,
    owner: address,
    guardian: address,
    fee_bps: uint64,
    burn_bps: uint64,
    alpha: uint64,
    lambda_: uint64,
    epoch_budget: uint64,
):
    roles.__init__(owner)
    roles._make_role(roles.GUARDIAN, guardian)
    TOKEN = lai_token
    USERS = user_registry
    NODES = node_registry
    STATUS = network_status
    STAKING = staking
    SLASHING = slashing
    TREASURY = treasury
    self._make_parameter(parameters.FEE_BPS, fee_bps)
    self._make_parameter(parameters.BURN_BPS, burn_bps)
    self._make_parameter(parameters.ALPHA, alpha)
    self._make_parameter(parameters.REWARD_BOUND, lambda_)
    self._make_parameter(parameters.EPOCH_BUDGET, epoch_budget)


# Earnings


@external
@nonreentrant
def collect(credits: DynArray[uint256, MOST_CREDITS]):
    """
    @notice By the registry, after the tokens came: keeps the fee, rounded up, and credits the rest.
    @param credits node 64 | gross 64 | of which users' bonus paid 64
    """
    assert msg.sender == USERS, "not allowed"
    fee_bps: uint256 = convert(parameters._get(parameters.FEE_BPS), uint256)
    epoch: uint256 = block.timestamp // words.DAY
    all_fees: uint256 = convert(self.fees, uint256)
    for credit: uint256 in credits:
        node: uint64 = convert(credit & words.MASK_64, uint64)
        gross: uint256 = (credit >> 64) & words.MASK_64
        bonus: uint256 = (credit >> 128) & words.MASK_64
        # At most the gross, since the figure is below 10 000.
        fee: uint256 = words._share_up(gross, fee_bps, BPS)
        net: uint256 = gross - fee
        # Rounded up: whoever chose the numbers must not turn a nano of faucet money into one that can be claimed.
        bonus_net: uint256 = 0
        own_fee: uint256 = fee
        if bonus != 0:
            bonus_net = words._share_up(net, bonus, gross)
            own_fee = words._share(fee, gross - bonus, gross)
        word: uint256 = self._current(node, epoch)
        earned: uint256 = (word & words.MASK_64) + net - bonus_net
        bonus_earned: uint256 = ((word >> BONUS_EARNED) & words.MASK_64) + bonus_net
        epoch_fee: uint256 = ((word >> EPOCH_FEE) & words.MASK_64) + own_fee
        assert earned <= words.MASK_64 and bonus_earned <= words.MASK_64 and epoch_fee <= words.MASK_64, "overflow"
        self._nodes[node] = earned | bonus_earned << BONUS_EARNED | epoch_fee << EPOCH_FEE | epoch << EPOCH
        all_fees += fee
        log Collected(
            node=node, gross=convert(gross, uint64), bonus=convert(bonus, uint64), fee=convert(fee, uint64)
        )
    self.fees = words._nano(all_fees)


@external
@nonreentrant
def harvest(node: uint64):
    """
    @notice Splits what a node earned, by anyone: commission to its owner's claimable amount, the rest to its pool, what came out of
            bonus to its locked stake.
    """
    self._check_node(node)
    own: uint64 = 0
    rest: uint64 = 0
    bonus: uint64 = 0
    own, rest, bonus = self._split(node)
    if rest != 0 or bonus != 0:
        extcall IStaking(STAKING).distribute(node, rest, bonus)
    if own != 0 or rest != 0 or bonus != 0:
        log Harvested(node=node, claimable=own, pool=rest, stake=bonus)


@external
@nonreentrant
def pull(node: uint64) -> (uint64, uint64):
    """
    @notice The same by Staking, which is locked then and adds the figures itself.
    @return What goes to the pool, and what to the locked stake.
    """
    assert msg.sender == STAKING, "not allowed"
    own: uint64 = 0
    rest: uint64 = 0
    bonus: uint64 = 0
    own, rest, bonus = self._split(node)
    if own != 0 or rest != 0 or bonus != 0:
        log Harvested(node=node, claimable=own, pool=rest, stake=bonus)
    return rest, bonus


@external
@nonreentrant
def claim(node: uint64):
    """
    @notice Pays a node's claimable amount to its payout address, by anyone.
    """
    self._check_node(node)
    amount: uint64 = self._claimable[node]
    if amount == 0:
        return
    self._claimable[node] = 0
    to: address = staticcall INodeRegistry(NODES).payout_of(node)
    self._push(to, amount)
    log Claimed(node=node, to=to, amount=amount)


@external
@nonreentrant
def sweep():
    """
    @notice Sends the fees to the treasury, by anyone, less what is burned.
    """
    all_fees: uint64 = self.fees
    if all_fees == 0:
        return
    burn_bps: uint256 = convert(parameters._get(parameters.BURN_BPS), uint256)
    burned: uint64 = convert(words._share(convert(all_fees, uint256), burn_bps, BPS), uint64)
    rest: uint64 = all_fees - burned
    self.fees = 0
    if rest != 0:
        self._push(TREASURY, rest)
    if burned != 0:
        extcall ILAIToken(TOKEN).burn(convert(burned, uint256) * words.NANO)
    log Swept(amount=rest, burned=burned)


# Rewards


@external
@nonreentrant
def claim_reward(epoch: uint64, node: uint64):
    """
    @notice Mints a node's reward for an epoch, by anyone, and treats it like earnings. What a day's schedule has no room for waits for
            another day.
    """
    pausing._not_paused()
    self._check_node(node)
    assert staticcall INetworkStatus(STATUS).is_final(epoch), "not final"
    key: uint256 = convert(epoch, uint256)
    today: uint256 = block.timestamp // words.DAY
    assert today - key <= CLAIM_EPOCHS, "too late"
    assert not self._claimed[key][node], "already claimed"
    row: INetworkStatus.Row = staticcall INetworkStatus(STATUS).row_of(epoch, node)
    assert row.valid, "nothing reported"
    word: uint256 = self._current(node, today)
    reward: uint64 = self._reward(epoch, row, self._fees[key][node])
    self._claimed[key][node] = True
    self._nodes[node] = words._set(word, 0, words.MASK_64, (word & words.MASK_64) + convert(reward, uint256))
    if reward != 0:
        extcall ILAIToken(TOKEN).mint(self, convert(reward, uint256) * words.NANO)
    log RewardClaimed(epoch=epoch, node=node, amount=reward)


# Insurance


@external
@nonreentrant
def insure(amount: uint64):
    """
    @notice By Slashing, after the tokens came.
    """
    assert msg.sender == SLASHING, "not allowed"
    self.insurance = words._nano(convert(self.insurance, uint256) + convert(amount, uint256))


@external
@nonreentrant
def pay_insurance(to: address, amount: uint64):
    """
    @notice Pays those whom a node harmed, by the owner, out of what slashing sent and nothing else.
    """
    roles._only_owner()
    held: uint64 = self.insurance
    assert amount <= held, "insufficient"
    self.insurance = held - amount
    if amount != 0:
        self._push(to, amount)
    log InsurancePaid(to=to, amount=amount)


# Figures


@external
@nonreentrant
def set_parameter(name: bytes32, figure: uint64):
    roles._only_owner()
    parameters._change(name, figure, 0, self._most(name))


# Views


@external
@view
def earnings_of(node: uint64) -> (uint64, uint64, uint64):
    """
    @return Earned, earned out of bonus, claimable.
    """
    word: uint256 = self._nodes[node]
    return (
        convert(word & words.MASK_64, uint64),
        convert((word >> BONUS_EARNED) & words.MASK_64, uint64),
        self._claimable[node],
    )


@external
@view
def fee_of(epoch: uint64, node: uint64) -> uint64:
    """
    @notice The fee that a node's users paid out of their own money in an epoch; it bounds the reward.
    """
    return self._fee_of(convert(epoch, uint256), node)


@external
@view
def reward_of(epoch: uint64, node: uint64) -> (uint64, bool):
    """
    @return The reward as the report stands, final or not, and whether it was claimed.
    """
    key: uint256 = convert(epoch, uint256)
    row: INetworkStatus.Row = staticcall INetworkStatus(STATUS).row_of(epoch, node)
    reward: uint64 = 0
    if row.valid:
        reward = self._reward(epoch, row, self._fee_of(key, node))
    return reward, self._claimed[key][node]


# Inside


@internal
@view
def _check_node(node: uint64):
    assert node != 0 and node <= staticcall INodeRegistry(NODES).nodes(), "unknown node"


@internal
def _current(node: uint64, epoch: uint256) -> uint256:
    """
    @notice The node's word with no fee of an earlier epoch in it; that one gets its own place.
    """
    word: uint256 = self._nodes[node]
    if word >> EPOCH == epoch:
        return word
    fee: uint256 = (word >> EPOCH_FEE) & words.MASK_64
    if fee != 0:
        self._fees[word >> EPOCH][node] = convert(fee, uint64)
    return word & words.MASK_128 | epoch << EPOCH


@internal
@view
def _fee_of(epoch: uint256, node: uint64) -> uint64:
    word: uint256 = self._nodes[node]
    if word >> EPOCH == epoch:
        return convert((word >> EPOCH_FEE) & words.MASK_64, uint64)
    return self._fees[epoch][node]


@internal
def _split(node: uint64) -> (uint64, uint64, uint64):
    """
    @return What is claimable, what goes to the pool, what to the locked stake; the tokens of the last two are sent.
    """
    word: uint256 = self._nodes[node]
    earned: uint256 = word & words.MASK_64
    bonus: uint256 = (word >> BONUS_EARNED) & words.MASK_64
    if earned == 0 and bonus == 0:
        return 0, 0, 0
    own: uint256 = earned
    # A pool without shares has nobody to share with, also where rounding left a nano in it.
    if staticcall IStaking(STAKING).shares(node) != 0:
        own = words._share(earned, convert(staticcall INodeRegistry(NODES).commission_of(node), uint256), BPS)
    rest: uint256 = earned - own
    self._nodes[node] = word & ~words.MASK_128
    self._claimable[node] = words._nano(convert(self._claimable[node], uint256) + own)
    if rest + bonus != 0:
        self._push(STAKING, words._nano(rest + bonus))
    return convert(own, uint64), convert(rest, uint64), convert(bonus, uint64)


@internal
@view
def _reward(epoch: uint64, row: INetworkStatus.Row, fee: uint64) -> uint64:
    """
    @notice Compute and work as shares of the network's sums, scaled by uptime, and bounded by lambda times the fee: below one, whoever
            pays himself always loses the rest of the fee.
    """
    sums: INetworkStatus.Epoch = staticcall INetworkStatus(STATUS).epoch_of(epoch)
    budget: uint256 = convert(parameters._get(parameters.EPOCH_BUDGET), uint256)
    for_compute: uint256 = words._share(budget, convert(parameters._get(parameters.ALPHA), uint256), BPS)
    share: uint256 = 0
    if sums.c_sum != 0:
        share = words._share(for_compute, convert(row.compute, uint256), convert(sums.c_sum, uint256))
    if sums.v_sum != 0:
        share += words._share(budget - for_compute, convert(row.units, uint256), convert(sums.v_sum, uint256))
    uptime: uint256 = min(convert(row.uptime, uint256), UPTIME_LOW + UPTIME_RANGE)
    uptime = uptime - min(uptime, UPTIME_LOW)
    bound: uint256 = words._share(convert(fee, uint256), convert(parameters._get(parameters.REWARD_BOUND), uint256), BPS)
    return words._nano(min(words._share(share, uptime, UPTIME_RANGE), bound))


@internal
def _push(to: address, amount: uint64):
    assert extcall IERC20(TOKEN).transfer(to, convert(amount, uint256) * words.NANO), "transfer failed"


@internal
@pure
def _most(name: bytes32) -> uint64:
    """
    @notice The upper bound of a figure; the lower is zero for all.
    """
    if name == parameters.FEE_BPS:
        return 2_000
    if name == parameters.BURN_BPS or name == parameters.ALPHA:
        return 10_000
    if name == parameters.REWARD_BOUND:
        return 30_000
    assert name == parameters.EPOCH_BUDGET, "unknown parameter"
    return 100_000 * parameters.LAI


@internal
def _make_parameter(name: bytes32, figure: uint64):
    parameters._make(name, figure, 0, self._most(name))
