# pragma version 0.4.3
"""
@title Fields of a storage word
@notice One word holds one record. A field is `width` bits that begin at bit `place`; what a field cannot hold is refused, never cut.
        Functions that run for every voucher shift by hand with the same constants.
"""
from modules import reasons

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_128: constant(uint256) = 2**128 - 1
MASK_160: constant(uint256) = 2**160 - 1

# Token units in one nano; all accounting is in nano.
NANO: constant(uint256) = 10**9
# Seconds of an epoch.
DAY: constant(uint256) = 86_400


@internal
@pure
def _get(word: uint256, place: uint256, mask: uint256) -> uint256:
    return (word >> place) & mask


@internal
@pure
def _set(word: uint256, place: uint256, mask: uint256, field: uint256) -> uint256:
    reasons._check(field <= mask, "overflow")
    return (word & ~(mask << place)) | (field << place)


@internal
@pure
def _nano(count: uint256) -> uint64:
    """
    @notice A sum as a count of nano.
    """
    reasons._check(count <= MASK_64, "overflow")
    return convert(count, uint64)


@internal
@pure
def _share(amount: uint256, part: uint256, whole: uint256) -> uint256:
    """
    @notice floor(amount * part / whole), for figures of 128 bits at most.
    """
    return amount * part // whole


@internal
@pure
def _share_up(amount: uint256, part: uint256, whole: uint256) -> uint256:
    """
    @notice ceil(amount * part / whole), for figures of 120 bits at most.
    """
    return (amount * part + whole - 1) // whole
