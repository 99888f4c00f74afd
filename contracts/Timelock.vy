# pragma version 0.4.3
"""
@title The owner of every contract, which acts only after a wait
@notice The council queues a call, anyone carries it out once its wait is over and for two weeks, council and guardian can cancel it
        until then. It is its own owner.
"""
from modules import parameters
from modules import roles

initializes: roles
initializes: parameters
exports: (
    roles.owner,
    roles.pending_owner,
    roles.role_of,
    roles.propose_owner,
    roles.accept_owner,
    roles.set_role,
    parameters.parameter,
)

struct Entry:
    target: address
    dataHash: bytes32
    readyAt: uint64
    state: uint8

event Queued:
    id: indexed(uint64)
    target: indexed(address)
    dataHash: bytes32
    readyAt: uint64

event Executed:
    id: indexed(uint64)

event Cancelled:
    id: indexed(uint64)

QUEUED: constant(uint8) = 1
EXECUTED: constant(uint8) = 2
CANCELLED: constant(uint8) = 3

MOST_BYTES: constant(uint256) = 4_096
DAY: constant(uint64) = 86_400
# How long a call can be carried out once its wait is over.
GRACE: constant(uint256) = 14 * 86_400

MASK_40: constant(uint256) = 2**40 - 1
MASK_160: constant(uint256) = 2**160 - 1

# Shifts within an entry's word.
READY_AT: constant(uint256) = 160
STATE: constant(uint256) = 200

# How many calls were queued.
entries: public(uint64)
# target 160 | ready at 40 | state 8
_entries: HashMap[uint64, uint256]
_hashes: HashMap[uint64, bytes32]


@deploy
def __init__(council: address, guardian: address, timelock: uint64):
    """
    @param timelock How long a call waits, in seconds.
    """
    roles.__init__(self)
    roles._make_role(roles.COUNCIL, council)
    roles._make_role(roles.GUARDIAN, guardian)
    parameters._make(parameters.TIMELOCK, timelock, DAY, 30 * DAY)


@external
@nonreentrant
def queue(target: address, data: Bytes[4097]) -> uint64:
    """
    @notice Queues a call; by the council.
    @return Its number.
    """
    roles._only(roles.COUNCIL)
    assert len(data) <= MOST_BYTES, "too many"
    assert target.is_contract, "bad address"
    id: uint64 = self.entries + 1
    self.entries = id
    ready: uint256 = block.timestamp + convert(parameters._get(parameters.TIMELOCK), uint256)
    hash: bytes32 = keccak256(data)
    self._entries[id] = convert(target, uint256) | ready << READY_AT | convert(QUEUED, uint256) << STATE
    self._hashes[id] = hash
    log Queued(id=id, target=target, dataHash=hash, readyAt=convert(ready, uint64))
    return id


# The one function that changes state and takes no lock: it must be able to call this contract, which owns itself. The entry is settled
# before the call, so that the call finds nothing that it could do twice.
@external
def execute(id: uint64, target: address, data: Bytes[4097]):
    """
    @notice Carries out a call whose wait is over; anyone may. What the call refuses is refused with its reason.
    """
    word: uint256 = self._queued(id)
    ready: uint256 = (word >> READY_AT) & MASK_40
    assert block.timestamp >= ready, "too early"
    assert block.timestamp <= ready + GRACE, "too late"
    assert convert(target, uint256) == word & MASK_160 and keccak256(data) == self._hashes[id], "bad data"
    self._set_state(id, word, EXECUTED)
    raw_call(target, data)
    log Executed(id=id)


@external
@nonreentrant
def cancel(id: uint64):
    """
    @notice Takes a call back; by the guardian or the council.
    """
    assert roles._is(roles.GUARDIAN) or roles._is(roles.COUNCIL), "not allowed"
    self._set_state(id, self._queued(id), CANCELLED)
    log Cancelled(id=id)


@external
@nonreentrant
def set_parameter(name: bytes32, figure: uint64):
    roles._only_owner()
    assert name == parameters.TIMELOCK, "unknown parameter"
    parameters._change(name, figure, DAY, 30 * DAY)


@external
@view
def entry_of(id: uint64) -> Entry:
    word: uint256 = self._entries[id]
    return Entry(
        target=convert(word & MASK_160, address),
        dataHash=self._hashes[id],
        readyAt=convert((word >> READY_AT) & MASK_40, uint64),
        state=convert(word >> STATE, uint8),
    )


@internal
@view
def _queued(id: uint64) -> uint256:
    word: uint256 = self._entries[id]
    assert word != 0, "unknown case"
    assert word >> STATE == convert(QUEUED, uint256), "already settled"
    return word


@internal
def _set_state(id: uint64, word: uint256, state: uint8):
    self._entries[id] = word & (2**STATE - 1) | convert(state, uint256) << STATE
