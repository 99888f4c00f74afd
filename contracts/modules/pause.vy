# pragma version 0.4.3
"""
@title A pause of seven days at most
@notice The guardian may pause, and again only 30 days after the last pause ended. A pause ends by itself, or by the owner.
"""
from modules import reasons
from modules import roles

uses: roles

event Paused:
    until: uint64

event Unpaused:
    pass

LENGTH: constant(uint64) = 7 * 86_400
# Between the end of a pause and the guardian's next.
REST: constant(uint64) = 30 * 86_400

# The end of the last pause; zero while there was none.
paused_until: public(uint64)


@internal
@view
def _not_paused():
    reasons._check(convert(block.timestamp, uint64) >= self.paused_until, "paused")


@internal
@view
def _not_paused_since(rest: uint64):
    """
    @notice Refuses during a pause and for `rest` seconds after it.
    """
    until: uint64 = self.paused_until
    reasons._check(until == 0 or convert(block.timestamp, uint64) >= until + rest, "paused")


@external
@nonreentrant
def pause():
    """
    @notice By the owner at any time, also to prolong a pause.
    """
    at: uint64 = convert(block.timestamp, uint64)
    if msg.sender != roles.owner:
        roles._only(roles.GUARDIAN)
        until: uint64 = self.paused_until
        reasons._check(at >= until, "paused")
        reasons._check(until == 0 or at >= until + REST, "too early")
    self.paused_until = at + LENGTH
    log Paused(until=at + LENGTH)


@external
@nonreentrant
def unpause():
    roles._only_owner()
    at: uint64 = convert(block.timestamp, uint64)
    reasons._check(at < self.paused_until, "not paused")
    self.paused_until = at
    log Unpaused()
