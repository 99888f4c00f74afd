# pragma version 0.4.3
# In place of Tokenomics: earnings are what a test says.
from interfaces import ILAIToken
from interfaces import IStaking

TOKEN: immutable(ILAIToken)
STAKING: immutable(IStaking)

due_rest: HashMap[uint64, uint64]
due_bonus: HashMap[uint64, uint64]
insurance: public(uint64)

@deploy
def __init__(lai_token: address, staking: address):
    TOKEN = ILAIToken(lai_token)
    STAKING = IStaking(staking)

@external
def earn(node: uint64, rest: uint64, bonus: uint64):
    self.due_rest[node] += rest
    self.due_bonus[node] += bonus

@external
def collect(credits: DynArray[uint256, 200]):
    pass

@internal
def _move(node: uint64) -> (uint64, uint64):
    rest: uint64 = self.due_rest[node]
    bonus: uint64 = self.due_bonus[node]
    self.due_rest[node] = 0
    self.due_bonus[node] = 0
    if rest + bonus != 0:
        assert extcall TOKEN.transfer(STAKING.address, convert(rest + bonus, uint256) * 10**9)
    return rest, bonus

@external
def pull(node: uint64) -> (uint64, uint64):
    if self.due_rest[node] | self.due_bonus[node] == 0:
        return 0, 0
    return self._move(node)

@external
def harvest(node: uint64):
    rest: uint64 = 0
    bonus: uint64 = 0
    rest, bonus = self._move(node)
    extcall STAKING.distribute(node, rest, bonus)

@external
def insure(amount: uint64):
    self.insurance += amount
