# pragma version 0.4.3
"""
@title A token in place of LAI that calls back, or answers badly, when its tokens move
"""
struct Allocation:
    holder: address
    units: uint256

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

balanceOf: public(HashMap[address, uint256])
totalSupply: public(uint256)
# How moves are answered: 0 true, 1 false, 2 not at all, 3 by a refusal without reason.
manner: public(uint256)
# Whom a move calls, with what, and what became of it.
target: public(address)
data: public(Bytes[4096])
calls: public(uint256)
successes: public(uint256)


@deploy
def __init__(allocation: DynArray[Allocation, 16], tokenomics: address):
    for part: Allocation in allocation:
        self.balanceOf[part.holder] += part.units
        self.totalSupply += part.units


@external
def behave(manner: uint256):
    self.manner = manner


@external
def attack(target: address, data: Bytes[4096]):
    self.target = target
    self.data = data
    self.calls = 0
    self.successes = 0


@external
def give(to: address, units: uint256):
    """
    @notice Tokens without a cap.
    """
    self.balanceOf[to] += units
    self.totalSupply += units


@external
def approve(spender: address, units: uint256) -> bool:
    return True


@external
def mint(to: address, units: uint256):
    self.balanceOf[to] += units


@external
def burn(units: uint256):
    self.balanceOf[msg.sender] -= units


@external
@raw_return
def transfer(to: address, units: uint256) -> Bytes[32]:
    return self._move(msg.sender, to, units)


@external
@raw_return
def transferFrom(holder: address, to: address, units: uint256) -> Bytes[32]:
    return self._move(holder, to, units)


@internal
def _move(source: address, to: address, units: uint256) -> Bytes[32]:
    assert self.manner != 3
    if self.target != empty(address):
        # Once, or two doubles would call one another for ever.
        target: address = self.target
        self.target = empty(address)
        self.calls += 1
        success: bool = raw_call(target, self.data, revert_on_failure=False)
        if success:
            self.successes += 1
    self.balanceOf[source] -= units
    self.balanceOf[to] += units
    log Transfer(sender=source, receiver=to, value=units)
    if self.manner == 1:
        return abi_encode(False)
    if self.manner == 2:
        return b""
    return abi_encode(True)
