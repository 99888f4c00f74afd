# pragma version 0.4.3
"""
@title LAI, the token of Lattice
@notice ERC-20 with EIP-2612 permits and burning. Whatever the minter does, no day makes more than the schedule allows.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from modules import typed
from modules import words

implements: IERC20
implements: IERC20Detailed
initializes: typed

struct Allocation:
    holder: address
    units: uint256

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256

event Approval:
    owner: indexed(address)
    spender: indexed(address)
    value: uint256

name: public(constant(String[10])) = "Lattice AI"
symbol: public(constant(String[3])) = "LAI"
decimals: public(constant(uint8)) = 18

# All tokens that may ever be made, in units.
CAP: public(constant(uint256)) = 10**9 * 10**18
# What a day of the first two years may make; half of it in the next two, and so on.
FIRST_DAYS: constant(uint256) = 100_000 * 10**18
HALVING_DAYS: constant(uint256) = 730

PERMIT_TYPE: constant(bytes32) = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")

MINTER: public(immutable(address))
GENESIS: public(immutable(uint256))

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
totalSupply: public(uint256)
# All that was ever burned.
burned: public(uint256)
# day 64 | units made on it 128
_minted: uint256


@deploy
def __init__(allocation: DynArray[Allocation, 16], tokenomics: address):
    """
    @param allocation Who holds the genesis supply.
    @param tokenomics Who may mint within the schedule.
    """
    typed.__init__(self)
    MINTER = tokenomics
    GENESIS = block.timestamp
    for part: Allocation in allocation:
        self._make(part.holder, part.units)


@external
@nonreentrant
def transfer(to: address, units: uint256) -> bool:
    self._move(msg.sender, to, units)
    return True


@external
@nonreentrant
def transferFrom(holder: address, to: address, units: uint256) -> bool:
    allowed: uint256 = self.allowance[holder][msg.sender]
    if allowed != max_value(uint256):
        assert allowed >= units, "insufficient"
        self.allowance[holder][msg.sender] = allowed - units
    self._move(holder, to, units)
    return True


@external
@nonreentrant
def approve(spender: address, units: uint256) -> bool:
    self._approve(msg.sender, spender, units)
    return True


@external
@nonreentrant
def permit(owner: address, spender: address, units: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """
    @notice EIP-2612, under the domain `Lattice`, version `1`; eip712Domain() tells so to wallets.
    """
    assert block.timestamp <= deadline, "expired"
    nonce: uint256 = self.nonces[owner]
    digest: bytes32 = typed._digest(keccak256(abi_encode(PERMIT_TYPE, owner, spender, units, nonce, deadline)))
    parity: uint256 = convert(v, uint256) - 27 if v == 27 or v == 28 else 2
    valid: bool = parity < 2 and convert(s, uint256) < 2**255 and owner != empty(address)
    assert valid and typed._recover(digest, r, convert(convert(s, uint256) | parity << 255, bytes32)) == owner, "bad signature"
    self.nonces[owner] = nonce + 1
    self._approve(owner, spender, units)


@external
@nonreentrant
def burn(units: uint256):
    """
    @notice Destroys the caller's tokens. It makes no room under the cap.
    """
    held: uint256 = self.balanceOf[msg.sender]
    assert held >= units, "insufficient"
    self.balanceOf[msg.sender] = held - units
    self.totalSupply -= units
    self.burned += units
    log Transfer(sender=msg.sender, receiver=empty(address), value=units)


@external
@nonreentrant
def mint(to: address, units: uint256):
    assert msg.sender == MINTER, "not allowed"
    assert units <= CAP, "beyond schedule"
    day: uint256 = (block.timestamp - GENESIS) // words.DAY
    before: uint256 = self._minted
    # What a day did not make is lost.
    made: uint256 = units
    if before >> 128 == day:
        made += before & words.MASK_128
    assert made <= FIRST_DAYS >> (day // HALVING_DAYS), "beyond schedule"
    self._minted = (day << 128) | made
    self._make(to, units)


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    return typed._separator()


@external
@view
def eip712Domain() -> (bytes1, String[7], String[1], uint256, address, bytes32, DynArray[uint256, 1]):
    """
    @notice EIP-5267; a wallet would take name() for the domain's name otherwise.
    """
    return 0x0f, "Lattice", "1", chain.id, self, empty(bytes32), []


@internal
def _move(source: address, to: address, units: uint256):
    assert to != empty(address), "bad address"
    held: uint256 = self.balanceOf[source]
    assert held >= units, "insufficient"
    self.balanceOf[source] = held - units
    # The sum of all balances is below the cap.
    self.balanceOf[to] = unsafe_add(self.balanceOf[to], units)
    log Transfer(sender=source, receiver=to, value=units)


@internal
def _make(to: address, units: uint256):
    assert to != empty(address), "bad address"
    supply: uint256 = self.totalSupply + units
    assert supply + self.burned <= CAP, "beyond schedule"
    self.totalSupply = supply
    self.balanceOf[to] += units
    log Transfer(sender=empty(address), receiver=to, value=units)


@internal
def _approve(owner: address, spender: address, units: uint256):
    self.allowance[owner][spender] = units
    log Approval(owner=owner, spender=spender, value=units)
