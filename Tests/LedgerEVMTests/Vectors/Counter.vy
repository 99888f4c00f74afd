# pragma version ~=0.4.3
"""
@title What the tests of the outbox send: a number that grows, by whom, and never above a limit
@notice Counter.json holds its code: vyper --evm-version cancun -f bytecode Counter.vy
"""
event Bumped:
    who: indexed(address)
    by: uint256
    total: uint256

total: public(uint256)
of: public(HashMap[address, uint256])
limit: public(uint256)

@deploy
def __init__(limit: uint256):
    self.limit = limit

@external
def bump(by: uint256):
    assert self.total + by <= self.limit, "over the limit"
    self.total += by
    self.of[msg.sender] += by
    log Bumped(who=msg.sender, by=by, total=self.total)
