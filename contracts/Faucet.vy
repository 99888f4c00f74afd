# pragma version 0.4.3
"""
@title Bonus credits for those who are new
@notice Once a user, within a day's budget. Its tokens leave it only as bonus, which is spent first and never withdrawn.
"""
from ethereum.ercs import IERC20
from interfaces import IUserRegistry
from modules import parameters
from modules import roles
from modules import words

initializes: roles
initializes: parameters

exports: (
    roles.__interface__,
    parameters.__interface__,
)

event Granted:
    user: indexed(uint64)
    amount: uint64

USERS: public(immutable(address))

# When a user had the grant; zero before.
granted_at: public(HashMap[uint64, uint64])
# day 64 | given on it 64
_given: uint256


@deploy
def __init__(
    lai_token: address, user_registry: address, owner: address, signer: address, grant_amount: uint64, daily_budget: uint64
):
    roles.__init__(owner)
    roles._make_role(roles.SIGNER, signer)
    USERS = user_registry
    parameters._make(parameters.GRANT_AMOUNT, grant_amount, 0, self._most(parameters.GRANT_AMOUNT))
    parameters._make(parameters.DAILY_BUDGET, daily_budget, 0, self._most(parameters.DAILY_BUDGET))
    # The registry takes what it credits, and the faucet holds nothing else.
    assert extcall IERC20(lai_token).approve(user_registry, max_value(uint256)), "approval failed"


@external
@nonreentrant
def grant(user: uint64):
    """
    @notice Gives a user the one grant, by the signer.
    """
    roles._only(roles.SIGNER)
    assert user != 0 and user <= staticcall IUserRegistry(USERS).users(), "unknown user"
    assert self.granted_at[user] == 0, "already granted"
    amount: uint64 = parameters._get(parameters.GRANT_AMOUNT)
    day: uint256 = block.timestamp // words.DAY
    given: uint256 = convert(amount, uint256)
    if self._given >> 64 == day:
        given += self._given & words.MASK_64
    assert given <= convert(parameters._get(parameters.DAILY_BUDGET), uint256), "budget spent"
    self._given = day << 64 | given
    self.granted_at[user] = convert(block.timestamp, uint64)
    extcall IUserRegistry(USERS).credit_bonus(user, amount)
    log Granted(user=user, amount=amount)


@external
@nonreentrant
def set_parameter(name: bytes32, figure: uint64):
    roles._only_owner()
    parameters._change(name, figure, 0, self._most(name))


@external
@view
def given_today() -> uint64:
    """
    @notice What was given since midnight, in nano.
    """
    if self._given >> 64 != block.timestamp // words.DAY:
        return 0
    return convert(self._given & words.MASK_64, uint64)


@internal
@pure
def _most(name: bytes32) -> uint64:
    """
    @notice The upper bound of a figure; the lower is zero for both.
    """
    if name == parameters.GRANT_AMOUNT:
        return 100 * parameters.LAI
    assert name == parameters.DAILY_BUDGET, "unknown parameter"
    return 100_000 * parameters.LAI
