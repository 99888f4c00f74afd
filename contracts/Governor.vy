# pragma version 0.4.3
"""
@title Decisions by stake
@notice Stakers propose calls to functions on a list, vote for five days with the stake that they had when it was proposed, and what
        passes goes to the Timelock, whose council this contract is.
"""
from interfaces import IStaking
from interfaces import ITimelock
from modules import roles

initializes: roles
exports: (
    roles.owner,
    roles.pending_owner,
    roles.role_of,
    roles.propose_owner,
    roles.accept_owner,
    roles.set_role,
)

struct Proposal:
    proposer: address
    target: address
    dataHash: bytes32
    description: bytes32
    snapshot: uint64
    total: uint64
    endsAt: uint64
    yes: uint64
    no: uint64
    enacted: bool

event FunctionAllowed:
    target: indexed(address)
    selector: indexed(bytes4)
    allowed: bool

event Proposed:
    id: indexed(uint64)
    proposer: indexed(address)
    target: address
    dataHash: bytes32
    description: bytes32
    endsAt: uint64

event Voted:
    id: indexed(uint64)
    node: indexed(uint64)
    voter: indexed(address)
    support: bool
    weight: uint64

event Enacted:
    id: indexed(uint64)
    timelockID: uint64

MOST_BYTES: constant(uint256) = 4_096
MOST_NODES: constant(uint256) = 20
# The part of all stake that a proposer needs, and that must vote: one of so many.
PROPOSER: constant(uint256) = 100
QUORUM: constant(uint256) = 10
VOTING: constant(uint256) = 5 * 86_400

MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_160: constant(uint256) = 2**160 - 1

# Shifts within a proposal's words.
SNAPSHOT: constant(uint256) = 160
ENDS_AT: constant(uint256) = 200
ENACTED: constant(uint256) = 240
YES: constant(uint256) = 64
NO: constant(uint256) = 128

STAKING: immutable(IStaking)
TIMELOCK: immutable(ITimelock)

# Which functions can be proposed.
is_allowed: public(HashMap[address, HashMap[bytes4, bool]])
# How many proposals there are.
proposals: public(uint64)
# proposer 160 | snapshot 40 | ends at 40 | enacted 8
_proposals: HashMap[uint64, uint256]
# total 64 | yes 64 | no 64
_counts: HashMap[uint64, uint256]
_targets: HashMap[uint64, address]
_hashes: HashMap[uint64, bytes32]
_descriptions: HashMap[uint64, bytes32]
# proposal, node, voter
has_voted: public(HashMap[uint64, HashMap[uint64, HashMap[address, bool]]])


@deploy
def __init__(owner: address, staking: address, timelock: address):
    roles.__init__(owner)
    STAKING = IStaking(staking)
    TIMELOCK = ITimelock(timelock)


@external
@nonreentrant
def allow(target: address, selector: bytes4, allowed: bool):
    """
    @notice Puts a function on the list, or takes it off; by the owner.
    """
    roles._only_owner()
    self.is_allowed[target][selector] = allowed
    log FunctionAllowed(target=target, selector=selector, allowed=allowed)


@external
@nonreentrant
def propose(target: address, data: Bytes[4097], description: bytes32, nodes: DynArray[uint64, 21]) -> uint64:
    """
    @notice Proposes a call; by whoever holds one per cent of all stake with the nodes named, which stand in rising order.
    @return The proposal's number.
    """
    assert len(data) <= MOST_BYTES and len(nodes) <= MOST_NODES, "too many"
    total: uint64 = staticcall STAKING.total()
    held: uint256 = 0
    next: uint256 = 0
    for node: uint64 in nodes:
        assert convert(node, uint256) >= next, "bad data"
        next = convert(node, uint256) + 1
        worth: uint64 = 0
        since: uint64 = 0
        worth, since = staticcall STAKING.worth_of(node, msg.sender)
        held += convert(worth, uint256)
    assert held != 0 and held * PROPOSER >= convert(total, uint256), "insufficient"
    assert len(data) >= 4 and self.is_allowed[target][convert(slice(data, 0, 4), bytes4)], "not on the list"
    id: uint64 = self.proposals + 1
    self.proposals = id
    ends: uint256 = block.timestamp + VOTING
    hash: bytes32 = keccak256(data)
    self._proposals[id] = convert(msg.sender, uint256) | block.timestamp << SNAPSHOT | ends << ENDS_AT
    self._counts[id] = convert(total, uint256)
    self._targets[id] = target
    self._hashes[id] = hash
    self._descriptions[id] = description
    log Proposed(
        id=id, proposer=msg.sender, target=target, dataHash=hash, description=description, endsAt=convert(ends, uint64)
    )
    return id


@external
@nonreentrant
def vote(id: uint64, support: bool, nodes: DynArray[uint64, 21]):
    """
    @notice Votes with the caller's stakes with these nodes, at their present worth. A stake that was added to since the proposal does
            not vote; each votes once.
    """
    word: uint256 = self._proposal(id)
    assert block.timestamp < (word >> ENDS_AT) & MASK_40, "too late"
    assert len(nodes) <= MOST_NODES, "too many"
    assert len(nodes) != 0, "insufficient"
    sum: uint256 = 0
    for node: uint64 in nodes:
        assert not self.has_voted[id][node][msg.sender], "already voted"
        self.has_voted[id][node][msg.sender] = True
        weight: uint64 = 0
        since: uint64 = 0
        weight, since = staticcall STAKING.worth_of(node, msg.sender)
        assert weight != 0 and convert(since, uint256) <= (word >> SNAPSHOT) & MASK_40, "insufficient"
        sum += convert(weight, uint256)
        log Voted(id=id, node=node, voter=msg.sender, support=support, weight=weight)
    counts: uint256 = self._counts[id]
    at: uint256 = YES if support else NO
    # Worth can grow while a vote is open, and a position can change hands: more than 64 bits of it there never are.
    assert ((counts >> at) & MASK_64) + sum <= MASK_64, "overflow"
    self._counts[id] = counts + (sum << at)


@external
@nonreentrant
def enact(id: uint64, target: address, data: Bytes[4097]):
    """
    @notice Queues what passed; anyone may, once the vote is over.
    """
    word: uint256 = self._proposal(id)
    assert block.timestamp >= (word >> ENDS_AT) & MASK_40, "too early"
    assert word >> ENACTED == 0, "already settled"
    assert target == self._targets[id] and keccak256(data) == self._hashes[id], "bad data"
    counts: uint256 = self._counts[id]
    yes: uint256 = (counts >> YES) & MASK_64
    no: uint256 = (counts >> NO) & MASK_64
    assert (yes + no) * QUORUM >= counts & MASK_64, "no quorum"
    assert yes > no, "outvoted"
    self._proposals[id] = word | 1 << ENACTED
    queued: uint64 = extcall TIMELOCK.queue(target, data)
    log Enacted(id=id, timelockID=queued)


@external
@view
def proposal_of(id: uint64) -> Proposal:
    word: uint256 = self._proposals[id]
    counts: uint256 = self._counts[id]
    return Proposal(
        proposer=convert(word & MASK_160, address),
        target=self._targets[id],
        dataHash=self._hashes[id],
        description=self._descriptions[id],
        snapshot=convert((word >> SNAPSHOT) & MASK_40, uint64),
        total=convert(counts & MASK_64, uint64),
        endsAt=convert((word >> ENDS_AT) & MASK_40, uint64),
        yes=convert((counts >> YES) & MASK_64, uint64),
        no=convert((counts >> NO) & MASK_64, uint64),
        enacted=word >> ENACTED != 0,
    )


@internal
@view
def _proposal(id: uint64) -> uint256:
    word: uint256 = self._proposals[id]
    assert word != 0, "unknown case"
    return word
