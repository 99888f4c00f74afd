# pragma version 0.4.3
"""
@title What the network itself holds
@notice Fees come in by themselves; tokens leave by the owner, which is the Timelock.
"""
from ethereum.ercs import IERC20
from modules import roles
from modules import words

initializes: roles

exports: roles.__interface__

event Paid:
    to: indexed(address)
    amount: uint64

TOKEN: public(immutable(address))


@deploy
def __init__(lai_token: address, owner: address):
    roles.__init__(owner)
    TOKEN = lai_token


@external
@nonreentrant
def pay(to: address, amount: uint64):
    roles._only_owner()
    if amount != 0:
        assert extcall IERC20(TOKEN).transfer(to, convert(amount, uint256) * words.NANO), "transfer failed"
    log Paid(to=to, amount=amount)
