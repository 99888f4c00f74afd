# pragma version 0.4.3
"""
@title Offences of nodes, and what they cost
@notice What a node signed proves three offences to anyone, at once; a fourth is proposed by the committee, with a bond, and can be vetoed
        for three days. What is slashed waits a week, in which the owner may return it. Nobody who decides receives anything.
"""
from interfaces import ILAIToken
from interfaces import INodeRegistry
from interfaces import IStaking
from interfaces import ITokenomics
from modules import roles
from modules import typed

initializes: roles
initializes: typed
exports: (
    roles.owner,
    roles.pending_owner,
    roles.role_of,
    roles.propose_owner,
    roles.accept_owner,
    roles.set_role,
    typed.domain_separator,
)

# In the order of the signed types.
struct Receipt:
    session: bytes32
    seq: uint64
    node: uint64
    key: address
    request: bytes32
    response: bytes32
    quote: bytes32
    inputTokens: uint64
    outputTokens: uint64
    cost: uint64
    amount: uint64
    finishedAt: uint64

struct Quote:
    node: uint64
    model: bytes32
    inputPrice: uint64
    outputPrice: uint64
    validUntil: uint64

struct Probe:
    node: uint64
    challenge: bytes32
    status: bytes32
    at: uint64

struct Case:
    offence: uint8
    node: uint64
    reporter: address      # who proved it, or proposed it
    amount: uint64         # slashed
    evidence: bytes32
    time: uint64           # of the slash; of a proposal, from when it can be executed
    bps: uint16
    bond: uint64
    state: uint8

event Slashed:
    case: indexed(uint64)
    node: indexed(uint64)
    reporter: indexed(address)
    offence: uint8
    amount: uint64
    evidence: bytes32

event SlashReleased:
    case: indexed(uint64)
    reward: uint64
    insured: uint64
    burned: uint64

event SlashReturned:
    case: indexed(uint64)
    amount: uint64

event QualityProposed:
    case: indexed(uint64)
    node: indexed(uint64)
    bps: uint16
    evidence: bytes32
    bond: uint64
    readyAt: uint64

event QualityVetoed:
    case: indexed(uint64)

RECEIPT_TYPE: constant(bytes32) = keccak256(
    "Receipt(bytes32 session,uint64 seq,uint64 node,address key,bytes32 request,bytes32 response,bytes32 quote,uint64 inputTokens,uint64 outputTokens,uint64 cost,uint64 amount,uint64 finishedAt)"
)
QUOTE_TYPE: constant(bytes32) = keccak256(
    "Quote(uint64 node,bytes32 model,uint64 inputPrice,uint64 outputPrice,uint64 validUntil)"
)
PROBE_TYPE: constant(bytes32) = keccak256("Probe(uint64 node,bytes32 challenge,bytes32 status,uint64 at)")

RECEIPTS: constant(uint8) = 1
OVERCHARGE: constant(uint8) = 2
PROBES: constant(uint8) = 3
QUALITY: constant(uint8) = 4

PROPOSED: constant(uint8) = 1
ESCROWED: constant(uint8) = 2
RELEASED: constant(uint8) = 3
RETURNED: constant(uint8) = 4
VETOED: constant(uint8) = 5

RECEIPTS_BPS: constant(uint16) = 2_000
OVERCHARGE_BPS: constant(uint16) = 1_000
PROBES_BPS: constant(uint16) = 500
# The most that quality can cost a node in an epoch.
QUALITY_BPS: constant(uint16) = 500
REWARD_BPS: constant(uint256) = 1_000
INSURED_BPS: constant(uint256) = 4_000
BOND_BPS: constant(uint256) = 100
WHOLE: constant(uint256) = 10_000

EPOCH: constant(uint256) = 86_400
# Older evidence is not heard.
EVIDENCE_LIFE: constant(uint256) = 30 * 86_400
ESCROW_TIME: constant(uint256) = 7 * 86_400
VETO_TIME: constant(uint256) = 3 * 86_400
NANO: constant(uint256) = 10**9
# Prices are nano for so many tokens.
PRICED: constant(uint256) = 10**6

MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_160: constant(uint256) = 2**160 - 1

# Shifts within a case's words.
AMOUNT: constant(uint256) = 64
TIME: constant(uint256) = 128
BPS: constant(uint256) = 168
OFFENCE: constant(uint256) = 184
STATE: constant(uint256) = 192
BOND: constant(uint256) = 160

TOKEN: immutable(ILAIToken)
REGISTRY: immutable(INodeRegistry)
STAKING: immutable(IStaking)
TOKENOMICS: immutable(ITokenomics)

# How many cases there are.
cases: public(uint64)
# node 64 | amount 64 | time 40 | bps 16 | offence 8 | state 8
_cases: HashMap[uint64, uint256]
# reporter 160 | bond 64
_reporters: HashMap[uint64, uint256]
_evidence: HashMap[uint64, bytes32]
# What was punished, or proposed.
punished: public(HashMap[bytes32, bool])
# node -> epoch 64 | bps of quality in it 16
_quality: HashMap[uint64, uint256]


@deploy
def __init__(
    owner: address,
    guardian: address,
    committee: address,
    lai_token: address,
    user_registry: address,
    node_registry: address,
    tokenomics: address,
    staking: address,
):
    """
    @param user_registry The contract for which everything of this ledger is signed.
    """
    roles.__init__(owner)
    roles._make_role(roles.GUARDIAN, guardian)
    roles._make_role(roles.COMMITTEE, committee)
    typed.__init__(user_registry)
    TOKEN = ILAIToken(lai_token)
    REGISTRY = INodeRegistry(node_registry)
    STAKING = IStaking(staking)
    TOKENOMICS = ITokenomics(tokenomics)


# What anyone proves


@external
@nonreentrant
def prove_receipts(a: Receipt, ra: bytes32, vsa: bytes32, b: Receipt, rb: bytes32, vsb: bytes32):
    """
    @notice Two receipts of one node for one request, with different content.
    """
    hash_a: bytes32 = self._hash_receipt(a)
    hash_b: bytes32 = self._hash_receipt(b)
    assert a.node == b.node and a.session == b.session and a.seq == b.seq and hash_a != hash_b, "not an offence"
    self._check_signature(a.node, hash_a, ra, vsa)
    self._check_signature(a.node, hash_b, rb, vsb)
    self._check_time(a.finishedAt)
    self._check_time(b.finishedAt)
    self._punish(a.node, RECEIPTS, RECEIPTS_BPS, keccak256(abi_encode("receipts", a.node, a.session, a.seq)))


@external
@nonreentrant
def prove_overcharge(q: Quote, rq: bytes32, vsq: bytes32, r: Receipt, rr: bytes32, vsr: bytes32):
    """
    @notice A receipt whose cost is above what the quote it names makes of its token counts.
    """
    hash_q: bytes32 = keccak256(abi_encode(QUOTE_TYPE, q))
    hash_r: bytes32 = self._hash_receipt(r)
    price: uint256 = (
        convert(r.inputTokens, uint256) * convert(q.inputPrice, uint256)
        + convert(r.outputTokens, uint256) * convert(q.outputPrice, uint256)
    )
    due: uint256 = (price + PRICED - 1) // PRICED
    assert r.quote == hash_q and q.node == r.node and convert(r.cost, uint256) > due, "not an offence"
    self._check_signature(q.node, hash_q, rq, vsq)
    self._check_signature(q.node, hash_r, rr, vsr)
    self._check_time(r.finishedAt)
    self._punish(q.node, OVERCHARGE, OVERCHARGE_BPS, keccak256(abi_encode("overcharge", hash_r)))


@external
@nonreentrant
def prove_probes(a: Probe, ra: bytes32, vsa: bytes32, b: Probe, rb: bytes32, vsb: bytes32):
    """
    @notice Two answers of one node to one challenge, with different status.
    """
    assert a.node == b.node and a.challenge == b.challenge and a.status != b.status, "not an offence"
    self._check_signature(a.node, keccak256(abi_encode(PROBE_TYPE, a)), ra, vsa)
    self._check_signature(a.node, keccak256(abi_encode(PROBE_TYPE, b)), rb, vsb)
    self._check_time(a.at)
    self._check_time(b.at)
    self._punish(a.node, PROBES, PROBES_BPS, keccak256(abi_encode("probes", a.node, a.challenge)))


# What happens to what was slashed


@external
@nonreentrant
def release(case: uint64):
    """
    @notice Ends the escrow of a slash after a week: a tenth to the reporter, four tenths to the insurance, the rest is burned. The
            tenth of a quality case goes to the insurance too. Anyone may.
    """
    word: uint256 = self._slashed(case)
    assert block.timestamp >= ((word >> TIME) & MASK_40) + ESCROW_TIME, "too early"
    assert (word >> STATE) & MASK_8 == convert(ESCROWED, uint256), "already settled"
    self._set_state(case, word, RELEASED)
    amount: uint256 = (word >> AMOUNT) & MASK_64
    reward: uint256 = amount * REWARD_BPS // WHOLE
    insured: uint256 = amount * INSURED_BPS // WHOLE
    if (word >> OFFENCE) & MASK_8 == convert(QUALITY, uint256):
        insured += reward
        reward = 0
    burned: uint256 = amount - reward - insured
    if reward != 0:
        extcall STAKING.pay_escrow(self._reporter(case), convert(reward, uint64))
    if insured != 0:
        extcall STAKING.pay_escrow(TOKENOMICS.address, convert(insured, uint64))
        extcall TOKENOMICS.insure(convert(insured, uint64))
    if burned != 0:
        extcall STAKING.burn_escrow(convert(burned, uint64))
    log SlashReleased(
        case=case, reward=convert(reward, uint64), insured=convert(insured, uint64), burned=convert(burned, uint64)
    )


@external
@nonreentrant
def give_back(case: uint64):
    """
    @notice Returns what was slashed to the node's pool; by the owner, before it is released.
    """
    roles._only_owner()
    word: uint256 = self._slashed(case)
    assert (word >> STATE) & MASK_8 == convert(ESCROWED, uint256), "already settled"
    self._set_state(case, word, RETURNED)
    amount: uint64 = convert((word >> AMOUNT) & MASK_64, uint64)
    extcall STAKING.unescrow(convert(word & MASK_64, uint64), amount)
    log SlashReturned(case=case, amount=amount)


# Quality


@external
@nonreentrant
def propose_quality(node: uint64, bps: uint16, evidence: bytes32):
    """
    @notice Proposes a slash for bad answers; by the committee, which leaves a bond of one per cent of the pool.
    """
    roles._only(roles.COMMITTEE)
    owner: address = empty(address)
    kind: uint8 = 0
    status: uint8 = 0
    owner, kind, status = staticcall REGISTRY.control_of(node)
    assert owner != empty(address), "unknown node"
    assert bps != 0 and bps <= QUALITY_BPS, "out of bounds"
    assert not self.punished[evidence], "already punished"
    self.punished[evidence] = True
    bond: uint256 = max(1, convert(staticcall STAKING.assets(node), uint256) * BOND_BPS // WHOLE)
    ready: uint256 = block.timestamp + VETO_TIME
    case: uint64 = self._open(node, QUALITY, bps, evidence, bond, PROPOSED, ready, 0)
    assert extcall TOKEN.transferFrom(msg.sender, self, bond * NANO), "transfer failed"
    log QualityProposed(
        case=case, node=node, bps=bps, evidence=evidence, bond=convert(bond, uint64), readyAt=convert(ready, uint64)
    )


@external
@nonreentrant
def veto_quality(case: uint64):
    """
    @notice Ends a proposal within its three days; its bond goes to the insurance. By the guardian.
    """
    roles._only(roles.GUARDIAN)
    word: uint256 = self._quality_case(case)
    assert block.timestamp < (word >> TIME) & MASK_40, "too late"
    assert (word >> STATE) & MASK_8 == convert(PROPOSED, uint256), "already settled"
    self._set_state(case, word, VETOED)
    bond: uint256 = self._reporters[case] >> BOND
    assert extcall TOKEN.transfer(TOKENOMICS.address, bond * NANO), "transfer failed"
    extcall TOKENOMICS.insure(convert(bond, uint64))
    log QualityVetoed(case=case)


@external
@nonreentrant
def execute_quality(case: uint64):
    """
    @notice Slashes after three days without a veto, and returns the bond; anyone may.
    """
    word: uint256 = self._quality_case(case)
    assert block.timestamp >= (word >> TIME) & MASK_40, "too early"
    assert (word >> STATE) & MASK_8 == convert(PROPOSED, uint256), "already settled"
    node: uint64 = convert(word & MASK_64, uint64)
    bps: uint256 = (word >> BPS) & MASK_16
    epoch: uint256 = block.timestamp // EPOCH
    quality: uint256 = self._quality[node]
    used: uint256 = quality >> 64 if quality & MASK_64 == epoch else 0
    assert used + bps <= convert(QUALITY_BPS, uint256), "cap reached"
    self._quality[node] = epoch | (used + bps) << 64
    reporter: address = self._reporter(case)
    bond: uint256 = self._reporters[case] >> BOND
    # Out of the state in which it could be executed, before anything is called; the amount follows.
    word = word & ~(MASK_8 << STATE | MASK_40 << TIME) | convert(ESCROWED, uint256) << STATE | block.timestamp << TIME
    self._cases[case] = word
    assert extcall TOKEN.transfer(reporter, bond * NANO), "transfer failed"
    amount: uint64 = extcall STAKING.slash(node, convert(bps, uint16), case)
    self._cases[case] = word | convert(amount, uint256) << AMOUNT
    log Slashed(
        case=case, node=node, reporter=reporter, offence=QUALITY, amount=amount, evidence=self._evidence[case]
    )


@external
@view
def case_of(case: uint64) -> Case:
    word: uint256 = self._cases[case]
    reporter: uint256 = self._reporters[case]
    return Case(
        offence=convert((word >> OFFENCE) & MASK_8, uint8),
        node=convert(word & MASK_64, uint64),
        reporter=convert(reporter & MASK_160, address),
        amount=convert((word >> AMOUNT) & MASK_64, uint64),
        evidence=self._evidence[case],
        time=convert((word >> TIME) & MASK_40, uint64),
        bps=convert((word >> BPS) & MASK_16, uint16),
        bond=convert(reporter >> BOND, uint64),
        state=convert(word >> STATE, uint8),
    )


@internal
@pure
def _hash_receipt(receipt: Receipt) -> bytes32:
    return keccak256(abi_encode(RECEIPT_TYPE, receipt))


@internal
@view
def _check_signature(node: uint64, struct_hash: bytes32, r: bytes32, vs: bytes32):
    """
    @notice The signer must serve the node, or have served it.
    """
    signer: address = typed._recover(typed._digest(struct_hash), r, vs)
    assert node != 0 and signer != empty(address), "bad signature"
    assert staticcall REGISTRY.node_of_signer(signer) == node, "bad signature"


@internal
@view
def _check_time(at: uint64):
    time: uint256 = convert(at, uint256)
    assert time <= block.timestamp and block.timestamp <= time + EVIDENCE_LIFE, "too old"


@internal
def _punish(node: uint64, offence: uint8, bps: uint16, evidence: bytes32):
    """
    @notice Slashes once for an offence, and opens its case.
    """
    assert not self.punished[evidence], "already punished"
    self.punished[evidence] = True
    amount: uint64 = extcall STAKING.slash(node, bps, self.cases + 1)
    case: uint64 = self._open(node, offence, bps, evidence, 0, ESCROWED, block.timestamp, amount)
    log Slashed(case=case, node=node, reporter=msg.sender, offence=offence, amount=amount, evidence=evidence)


@internal
def _open(
    node: uint64, offence: uint8, bps: uint16, evidence: bytes32, bond: uint256, state: uint8, time: uint256, amount: uint64
) -> uint64:
    case: uint64 = self.cases + 1
    self.cases = case
    self._cases[case] = (
        convert(node, uint256)
        | convert(amount, uint256) << AMOUNT
        | time << TIME
        | convert(bps, uint256) << BPS
        | convert(offence, uint256) << OFFENCE
        | convert(state, uint256) << STATE
    )
    self._reporters[case] = convert(msg.sender, uint256) | bond << BOND
    self._evidence[case] = evidence
    return case


@internal
@view
def _slashed(case: uint64) -> uint256:
    """
    @notice The word of a case that came to a slash.
    """
    word: uint256 = self._cases[case]
    state: uint256 = word >> STATE
    assert state != 0 and state != convert(PROPOSED, uint256) and state != convert(VETOED, uint256), "unknown case"
    return word


@internal
@view
def _quality_case(case: uint64) -> uint256:
    word: uint256 = self._cases[case]
    assert (word >> OFFENCE) & MASK_8 == convert(QUALITY, uint256), "unknown case"
    return word


@internal
@view
def _reporter(case: uint64) -> address:
    return convert(self._reporters[case] & MASK_160, address)


@internal
def _set_state(case: uint64, word: uint256, state: uint8):
    self._cases[case] = word & ~(MASK_8 << STATE) | convert(state, uint256) << STATE
