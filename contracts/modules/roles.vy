# pragma version 0.4.3
"""
@title Ownership in two steps, and roles
@notice The owner changes figures and names the holders of roles. A role exists on a contract when its constructor made it; a role
        without a holder is held by nobody.
"""
from modules import reasons

event OwnerProposed:
    owner: indexed(address)

event OwnerChanged:
    owner: indexed(address)

event RoleSet:
    role: indexed(bytes32)
    holder: address

# Names in ASCII, padded with zeros.
GUARDIAN: constant(bytes32) = 0x677561726469616e000000000000000000000000000000000000000000000000
REGISTRAR: constant(bytes32) = 0x7265676973747261720000000000000000000000000000000000000000000000
REPORTER: constant(bytes32) = 0x7265706f72746572000000000000000000000000000000000000000000000000
ATTESTER: constant(bytes32) = 0x6174746573746572000000000000000000000000000000000000000000000000
SIGNER: constant(bytes32) = 0x7369676e65720000000000000000000000000000000000000000000000000000
COMMITTEE: constant(bytes32) = 0x636f6d6d69747465650000000000000000000000000000000000000000000000
COUNCIL: constant(bytes32) = 0x636f756e63696c00000000000000000000000000000000000000000000000000

# Marks a role that exists, above the 160 bits of its holder.
EXISTS: constant(uint256) = 2**160

owner: public(address)
pending_owner: public(address)
_holders: HashMap[bytes32, uint256]


@deploy
def __init__(owner: address):
    reasons._check(owner != empty(address), "bad address")
    self.owner = owner
    log OwnerChanged(owner=owner)


@internal
def _make_role(role: bytes32, holder: address):
    """
    @notice Makes a role; for constructors.
    """
    self._holders[role] = EXISTS | convert(holder, uint256)
    log RoleSet(role=role, holder=holder)


@internal
@view
def _only_owner():
    reasons._check(msg.sender == self.owner, "not allowed")


@internal
@view
def _is(role: bytes32) -> bool:
    """
    @notice Whether the caller holds the role.
    """
    return self._holders[role] == EXISTS | convert(msg.sender, uint256)


@internal
@view
def _only(role: bytes32):
    reasons._check(self._is(role), "not allowed")


@external
@view
def role_of(role: bytes32) -> address:
    """
    @notice The holder of a role; zero where nobody holds it.
    """
    return convert(self._holders[role] & (EXISTS - 1), address)


@external
@nonreentrant
def propose_owner(owner: address):
    """
    @notice Offers the ownership, which passes when the other accepts. Zero takes the offer back.
    """
    self._only_owner()
    self.pending_owner = owner
    log OwnerProposed(owner=owner)


@external
@nonreentrant
def accept_owner():
    reasons._check(self.pending_owner != empty(address), "nothing pending")
    reasons._check(msg.sender == self.pending_owner, "not allowed")
    self.owner = msg.sender
    self.pending_owner = empty(address)
    log OwnerChanged(owner=msg.sender)


@external
@nonreentrant
def set_role(role: bytes32, holder: address):
    """
    @notice Names the holder of a role; zero leaves it to nobody.
    """
    self._only_owner()
    reasons._check(self._holders[role] != 0, "wrong kind")
    self._holders[role] = EXISTS | convert(holder, uint256)
    log RoleSet(role=role, holder=holder)
