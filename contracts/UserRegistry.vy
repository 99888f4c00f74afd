# pragma version 0.4.3
# pragma optimize codesize
"""
@title Users, their keys and their money, and the settlement of vouchers
@notice A user signs with a session key how much a node may charge in total; settle() charges what was signed and not yet paid. Nobody is
        charged beyond a signature, nothing twice, and there is no role that moves users' money.
"""
from ethereum.ercs import IERC20
from interfaces import ILAIToken
from interfaces import INodeRegistry
from interfaces import ITokenomics
from interfaces import IUserRegistry
from modules import parameters
from modules import pause as pausing
from modules import reasons
from modules import roles
from modules import typed
from modules import words

implements: IUserRegistry
initializes: roles
initializes: pausing[roles := roles]
initializes: parameters
initializes: typed

exports: (
    roles.__interface__,
    pausing.__interface__,
    parameters.__interface__,
    typed.__interface__,
)

# A voucher with its signature. With x = 0 it is secp256k1 in the 64 bytes of EIP-2098, otherwise P-256 by the key at (x, y).
struct Entry:
    node: uint64
    amount: uint64
    units: uint64
    receipts: bytes32
    r: bytes32
    s: bytes32
    x: bytes32
    y: bytes32

struct Signature:
    r: bytes32
    s: bytes32
    x: bytes32
    y: bytes32

event UserRegistered:
    user: indexed(uint64)
    kind: uint8
    credential: bytes32

event RootChanged:
    user: indexed(uint64)
    root: indexed(address)
    kind: uint8
    rpIdHash: bytes32
    added: bool

event KeyGranted:
    user: indexed(uint64)
    key: indexed(address)
    kind: uint8
    validUntil: uint64
    cap: uint64

event KeyProposed:
    user: indexed(uint64)
    key: indexed(address)
    kind: uint8
    validUntil: uint64
    cap: uint64
    readyAt: uint64

event KeyVetoed:
    user: indexed(uint64)
    key: indexed(address)

event KeyRevoked:
    user: indexed(uint64)
    key: indexed(address)
    validUntil: uint64

event GenerationBumped:
    user: indexed(uint64)
    generation: uint16
    endsAt: uint64

event Deposited:
    user: indexed(uint64)
    payer: indexed(address)
    amount: uint64

event BonusCredited:
    user: indexed(uint64)
    amount: uint64
    expires: uint64

event BonusExpired:
    user: indexed(uint64)
    amount: uint64

event WithdrawRequested:
    user: indexed(uint64)
    to: indexed(address)
    amount: uint64
    thawEnd: uint64

event WithdrawCancelled:
    user: indexed(uint64)
    amount: uint64

event Withdrawn:
    user: indexed(uint64)
    to: indexed(address)
    amount: uint64

event Settled:
    key: indexed(address)
    node: indexed(uint64)
    amount: uint64
    paid: uint64
    units: uint64
    receipts: bytes32

event Rejected:
    index: uint64
    reason: uint8

# Kinds of user.
WALLET: constant(uint8) = 1
PASSKEY: constant(uint8) = 2
ATTESTED: constant(uint8) = 3

# What settle() answers for an entry.
SETTLED: constant(uint256) = 0
PARTIAL: constant(uint256) = 1
NOTHING_NEW: constant(uint256) = 2
UNKNOWN_KEY: constant(uint256) = 3
KEY_EXPIRED: constant(uint256) = 4
UNKNOWN_NODE: constant(uint256) = 5
NO_FUNDS: constant(uint256) = 6
CAP_REACHED: constant(uint256) = 7

MOST_ENTRIES: constant(uint256) = 200
MOST_ROOTS: constant(uint256) = 4
BONUS_LIFE: constant(uint256) = 180 * 86_400
# Nexus settles every channel at least this often.
SETTLE_INTERVAL: constant(uint64) = 3_600
# After a pause, nodes settle for so long before withdrawals complete.
REST_AFTER_PAUSE: constant(uint64) = 6 * 3_600

VOUCHER: constant(bytes32) = keccak256("Voucher(uint64 node,uint64 amount,uint64 units,bytes32 receipts)")
KEY_GRANT: constant(bytes32) = keccak256("KeyGrant(uint64 user,address key,uint8 kind,uint64 validUntil,uint64 cap,uint64 nonce)")
KEY_REVOKE: constant(bytes32) = keccak256("KeyRevoke(uint64 user,address key,uint64 nonce)")
WITHDRAW: constant(bytes32) = keccak256("Withdraw(uint64 user,uint64 amount,address to,uint64 nonce)")
CANCEL_WITHDRAW: constant(bytes32) = keccak256("CancelWithdraw(uint64 user,uint64 nonce)")
ROOT_CHANGE: constant(bytes32) = keccak256("RootChange(uint64 user,address root,uint8 kind,bytes32 rpIdHash,bool add,uint64 nonce)")
BUMP_GENERATION: constant(bytes32) = keccak256("BumpGeneration(uint64 user,uint64 nonce)")
REGISTER_WALLET: constant(bytes32) = keccak256("RegisterWallet(address owner)")
REGISTER_PASSKEY: constant(bytes32) = keccak256("RegisterPasskey(bytes32 x,bytes32 y,bytes32 rpIdHash)")

# Where the fields of a word begin; each record's comment has the widths.
USER_ROOTS: constant(uint256) = 8
USER_NONCE: constant(uint256) = 16
USER_CREATED: constant(uint256) = 80
ROOT_KIND: constant(uint256) = 64
ROOT_SINCE: constant(uint256) = 72
KEY_VALID_UNTIL: constant(uint256) = 64
KEY_KIND: constant(uint256) = 104
KEY_GENERATION: constant(uint256) = 112
KEY_CAP: constant(uint256) = 128
KEY_SPENT: constant(uint256) = 192
FUNDS_BONUS: constant(uint256) = 64
FUNDS_THAWING: constant(uint256) = 128
FUNDS_THAW_END: constant(uint256) = 192
FUNDS_GENERATION: constant(uint256) = 232
ENDS_BONUS: constant(uint256) = 160
ENDS_GENERATION: constant(uint256) = 200
PROPOSAL_KIND: constant(uint256) = 160
PROPOSAL_VALID_UNTIL: constant(uint256) = 168
PROPOSAL_READY_AT: constant(uint256) = 208
CHANNEL_UNITS: constant(uint256) = 64

TOKEN: public(immutable(address))
NODES: public(immutable(address))
TOKENOMICS: public(immutable(address))
FAUCET: public(immutable(address))

# The number of the last user.
users: public(uint64)
# kind 8 | roots 8 | nonce 64 | created 40
_users: HashMap[uint64, uint256]
# user 64 | kind 8 | since 40
_roots: HashMap[address, uint256]
_relying_parties: HashMap[address, bytes32]
user_of_commitment: public(HashMap[bytes32, uint64])
# user 64 | valid_until 40 | kind 8 | generation 16 | cap 64 | spent 64
_keys: HashMap[address, uint256]
# available 64 | bonus 64 | thawing 64 | thaw_end 40 | generation 16
_funds: HashMap[uint64, uint256]
# withdraw_to 160 | bonus_end 40 | generation_end 40: what settling does not need
_ends: HashMap[uint64, uint256]
# key, node -> paid 64 | units 64
_channels: HashMap[address, HashMap[uint64, uint256]]
# key 160 | kind 8 | valid_until 40 | ready_at 40, and the cap
_proposals: HashMap[uint64, uint256]
_proposed_caps: HashMap[uint64, uint64]


@deploy
def __init__(
    lai_token: address,
    node_registry: address,
    tokenomics: address,
    faucet: address,
    owner: address,
    guardian: address,
    registrar: address,
    withdraw_delay: uint64,
    revoke_delay: uint64,
    recovery_delay: uint64,
    key_validity: uint64,
):
    roles.__init__(owner)
    roles._make_role(roles.GUARDIAN, guardian)
    roles._make_role(roles.REGISTRAR, registrar)
    typed.__init__(self)
    TOKEN = lai_token
    NODES = node_registry
    TOKENOMICS = tokenomics
    FAUCET = faucet
    self._make_parameter(parameters.WITHDRAW_DELAY, withdraw_delay)
    self._make_parameter(parameters.REVOKE_DELAY, revoke_delay)
    self._make_parameter(parameters.RECOVERY_DELAY, recovery_delay)
    self._make_parameter(parameters.KEY_VALIDITY, key_validity)
    self._check_rule()
    # A chain without the precompile answers nothing. The message is "Lattice".
    assert typed._p256(
        0x4864e5af58e7bc8a61c79ea22e20bf6b9bbab4f7f3e92baf158c8674265a05de,
        0x26766cfd624b8a7f41d62acf5302a462bcf773de315120fd324be07392d2b974,
        0x76c5a15824e9c415563d00d06a299ac2b928cf6c88869451dec24f5033807a38,
        0x9184b3d9249d1cfcf13ef423984b4ec91d4b2f7683cb44bc2eb77c9625ce9da7,
        0xc1f411764c0d6c295c0beaca6c0afc6898783153403e5ca8d4a3a62239db8b07,
    ), "no P-256 precompile"


# Identity


@external
@nonreentrant
def register_wallet(owner: address, r: bytes32, vs: bytes32) -> uint64:
    """
    @notice By the wallet itself, then r and vs are zero, or by anyone with its signature over RegisterWallet.
    """
    if r == empty(bytes32) and vs == empty(bytes32):
        reasons._check(msg.sender == owner, "not allowed")
    else:
        digest: bytes32 = typed._digest(keccak256(abi_encode(REGISTER_WALLET, owner)))
        reasons._check(owner != empty(address) and typed._recover(digest, r, vs) == owner, "bad signature")
    return self._register_root(owner, typed.SECP256K1, empty(bytes32), WALLET)


@external
@nonreentrant
def register_passkey(x: bytes32, y: bytes32, rp: bytes32, assertion: typed.Auth) -> uint64:
    """
    @notice By anyone with an assertion over RegisterPasskey.
    """
    signer: typed.Signer = typed._signer(keccak256(abi_encode(REGISTER_PASSKEY, x, y, rp)), assertion)
    root: address = typed._key_id(x, y)
    reasons._check(signer.form == typed.ASSERTION and signer.id == root and signer.rp == rp, "bad signature")
    return self._register_root(root, typed.P256, rp, PASSKEY)


@external
@nonreentrant
def register_attested(commitment: bytes32) -> uint64:
    """
    @notice By the registrar, for someone who can sign nothing.
    """
    roles._only(roles.REGISTRAR)
    reasons._check(self.user_of_commitment[commitment] == 0, "already registered")
    user: uint64 = self._add_user(ATTESTED, 0)
    self.user_of_commitment[commitment] = user
    log UserRegistered(user=user, kind=ATTESTED, credential=commitment)
    return user


@external
@nonreentrant
def change_root(user: uint64, root: address, kind: uint8, rp: bytes32, add: bool, nonce: uint64, auth: typed.Auth):
    """
    @notice Adds a root or takes one away. The first root of an attested user is approved by a live key.
    """
    before: uint256 = self._users[user]
    reasons._check(before != 0, "unknown user")
    struct_hash: bytes32 = keccak256(abi_encode(ROOT_CHANGE, user, root, kind, rp, add, nonce))
    if (before >> USER_ROOTS) & words.MASK_8 == 0:
        self._authorize_by_key(user, nonce, struct_hash, auth)
    else:
        self._authorize(user, nonce, struct_hash, auth)
    record: uint256 = self._users[user]
    roots: uint256 = (record >> USER_ROOTS) & words.MASK_8
    held: uint256 = self._roots[root]
    if add:
        reasons._check(root != empty(address), "bad address")
        fits: bool = rp == empty(bytes32)
        if kind != typed.SECP256K1:
            fits = kind == typed.P256 and rp != empty(bytes32)
        reasons._check(fits, "wrong kind")
        reasons._check(roots < MOST_ROOTS, "too many roots")
        reasons._check(held == 0, "already registered")
        self._store_root(user, root, kind, rp)
        self._users[user] = record + (1 << USER_ROOTS)
        # The registrar's power over the user ends here for good: a user with roots keeps at least one.
        self._drop_proposal(user)
    else:
        reasons._check(held & words.MASK_64 == convert(user, uint256), "unknown root")
        same: bool = (held >> ROOT_KIND) & words.MASK_8 == convert(kind, uint256) and self._relying_parties[root] == rp
        reasons._check(same, "wrong kind")
        reasons._check(roots > 1, "last root")
        self._roots[root] = 0
        self._relying_parties[root] = empty(bytes32)
        self._users[user] = record - (1 << USER_ROOTS)
    log RootChanged(user=user, root=root, kind=kind, rpIdHash=rp, added=add)


# Keys


@external
@nonreentrant
def grant_key(user: uint64, key: address, kind: uint8, valid_until: uint64, cap: uint64, nonce: uint64, auth: typed.Auth):
    """
    @notice Grants a key, or moves its cap and validity.
    """
    pausing._not_paused()
    struct_hash: bytes32 = keccak256(abi_encode(KEY_GRANT, user, key, kind, valid_until, cap, nonce))
    self._authorize(user, nonce, struct_hash, auth)
    self._store_key(user, key, kind, valid_until, cap)


@external
@nonreentrant
def revoke_key(user: uint64, key: address, nonce: uint64, auth: typed.Auth):
    """
    @notice Ends a key after the revocation delay, in which nodes settle what they hold.
    """
    self._authorize(user, nonce, keccak256(abi_encode(KEY_REVOKE, user, key, nonce)), auth)
    word: uint256 = self._keys[key]
    reasons._check(word & words.MASK_64 == convert(user, uint256), "unknown key")
    end: uint256 = min((word >> KEY_VALID_UNTIL) & words.MASK_40, self._later(parameters.REVOKE_DELAY))
    self._keys[key] = words._set(word, KEY_VALID_UNTIL, words.MASK_40, end)
    log KeyRevoked(user=user, key=key, validUntil=convert(end, uint64))


@external
@nonreentrant
def bump_generation(user: uint64, nonce: uint64, auth: typed.Auth):
    """
    @notice Ends all keys of a user after the revocation delay. Another bump waits for the end of the first, which would otherwise end
            keys before their delay.
    """
    self._authorize(user, nonce, keccak256(abi_encode(BUMP_GENERATION, user, nonce)), auth)
    ends: uint256 = self._ends[user]
    pending: uint256 = (ends >> ENDS_GENERATION) & words.MASK_40
    reasons._check(pending == 0 or block.timestamp > pending, "bump pending")
    funds: uint256 = self._funds[user]
    generation: uint256 = ((funds >> FUNDS_GENERATION) & words.MASK_16) + 1
    reasons._check(generation <= words.MASK_16, "overflow")
    end: uint256 = self._later(parameters.REVOKE_DELAY)
    self._funds[user] = words._set(funds, FUNDS_GENERATION, words.MASK_16, generation)
    self._ends[user] = words._set(ends, ENDS_GENERATION, words.MASK_40, end)
    log GenerationBumped(user=user, generation=convert(generation, uint16), endsAt=convert(end, uint64))


@external
@nonreentrant
def grant_key_attested(user: uint64, key: address, kind: uint8, valid_until: uint64, cap: uint64):
    """
    @notice By the registrar, for a user without roots. At once while the user has only bonus; otherwise the call proposes the key, and
            the next for the same key and cap grants it as proposed, once the recovery delay has passed and no live key has vetoed it.
    """
    pausing._not_paused()
    roles._only(roles.REGISTRAR)
    record: uint256 = self._users[user]
    reasons._check(record != 0, "unknown user")
    reasons._check(record & words.MASK_8 == convert(ATTESTED, uint256), "wrong kind")
    reasons._check((record >> USER_ROOTS) & words.MASK_8 == 0, "has roots")
    funds: uint256 = self._funds[user]
    if funds & words.MASK_64 == 0 and (funds >> FUNDS_THAWING) & words.MASK_64 == 0:
        self._drop_proposal(user)
        self._store_key(user, key, kind, valid_until, cap)
        return
    asked: uint256 = convert(key, uint256) | convert(kind, uint256) << PROPOSAL_KIND
    proposal: uint256 = self._proposals[user]
    if proposal != 0 and proposal & (2**PROPOSAL_VALID_UNTIL - 1) == asked and self._proposed_caps[user] == cap:
        reasons._check(block.timestamp >= (proposal >> PROPOSAL_READY_AT) & words.MASK_40, "too early")
        self._drop_proposal(user)
        self._store_key(user, key, kind, convert((proposal >> PROPOSAL_VALID_UNTIL) & words.MASK_40, uint64), cap)
        return
    self._check_key(user, key, kind, valid_until)
    ready_at: uint256 = self._later(parameters.RECOVERY_DELAY)
    self._proposals[user] = asked | convert(valid_until, uint256) << PROPOSAL_VALID_UNTIL | ready_at << PROPOSAL_READY_AT
    self._proposed_caps[user] = cap
    log KeyProposed(user=user, key=key, kind=kind, validUntil=valid_until, cap=cap, readyAt=convert(ready_at, uint64))


@external
@nonreentrant
def veto(user: uint64, key: address, nonce: uint64, signature: Signature):
    """
    @notice Refuses the registrar's proposal, by a live key's signature over the KeyRevoke of the proposed key.
    """
    auth: typed.Auth = typed.Auth(
        r=signature.r, s=signature.s, x=signature.x, y=signature.y, authenticator_data=b"", client_data_rest=b""
    )
    self._authorize_by_key(user, nonce, keccak256(abi_encode(KEY_REVOKE, user, key, nonce)), auth)
    proposal: uint256 = self._proposals[user]
    reasons._check(proposal != 0 and proposal & words.MASK_160 == convert(key, uint256), "nothing pending")
    self._drop_proposal(user)
    log KeyVetoed(user=user, key=key)


# Balance


@external
@nonreentrant
def deposit(user: uint64, units: uint256):
    """
    @notice Pays the caller's tokens into any user's balance.
    """
    pausing._not_paused()
    reasons._check(self._users[user] != 0, "unknown user")
    self._deposit(user, units, msg.sender)


@external
@nonreentrant
def deposit_with_permit(user: uint64, owner: address, units: uint256, deadline: uint256, r: bytes32, vs: bytes32):
    """
    @notice Pays in with a permit. It names no user, so that only the owner of the tokens chooses one; anyone else may hand it in for a
            user of whom the owner's wallet is a root.
    """
    pausing._not_paused()
    s: bytes32 = convert(convert(vs, uint256) & (2**255 - 1), bytes32)
    v: uint8 = convert(27 + (convert(vs, uint256) >> 255), uint8)
    extcall ILAIToken(TOKEN).permit(owner, self, units, deadline, v, r, s)
    reasons._check(self._users[user] != 0, "unknown user")
    root: uint256 = self._roots[owner]
    reasons._check(msg.sender == owner or root & words.MASK_64 == convert(user, uint256), "not allowed")
    self._deposit(user, units, owner)


@external
@nonreentrant
def credit_bonus(user: uint64, amount: uint64):
    """
    @notice By the faucet, out of its tokens: spent first, never withdrawn.
    """
    reasons._check(msg.sender == FAUCET, "not allowed")
    reasons._check(self._users[user] != 0, "unknown user")
    reasons._check(amount != 0, "bad amount")
    funds: uint256 = self._funds[user]
    expires: uint256 = block.timestamp + BONUS_LIFE
    bonus: uint256 = ((funds >> FUNDS_BONUS) & words.MASK_64) + convert(amount, uint256)
    self._funds[user] = words._set(funds, FUNDS_BONUS, words.MASK_64, bonus)
    self._ends[user] = words._set(self._ends[user], ENDS_BONUS, words.MASK_40, expires)
    self._pull(FAUCET, convert(amount, uint256) * words.NANO)
    log BonusCredited(user=user, amount=amount, expires=convert(expires, uint64))


@external
@nonreentrant
def expire_bonus(user: uint64):
    """
    @notice Returns a bonus to the faucet, by anyone, 180 days after the last was credited.
    """
    reasons._check(self._users[user] != 0, "unknown user")
    funds: uint256 = self._funds[user]
    bonus: uint256 = (funds >> FUNDS_BONUS) & words.MASK_64
    reasons._check(bonus != 0, "nothing pending")
    ends: uint256 = self._ends[user]
    reasons._check(block.timestamp >= (ends >> ENDS_BONUS) & words.MASK_40, "too early")
    self._funds[user] = words._set(funds, FUNDS_BONUS, words.MASK_64, 0)
    self._ends[user] = words._set(ends, ENDS_BONUS, words.MASK_40, 0)
    self._push(FAUCET, bonus)
    log BonusExpired(user=user, amount=convert(bonus, uint64))


@external
@nonreentrant
def request_withdraw(user: uint64, amount: uint64, to: address, nonce: uint64, auth: typed.Auth):
    """
    @notice Moves an amount from available to thawing, in place of the one that is pending. A greater amount or another recipient waits
            as long as a new request: the user has the whole delay to see where the money goes.
    """
    self._authorize(user, nonce, keccak256(abi_encode(WITHDRAW, user, amount, to, nonce)), auth)
    reasons._check(amount != 0, "bad amount")
    reasons._check(to != empty(address), "bad address")
    funds: uint256 = self._funds[user]
    ends: uint256 = self._ends[user]
    thawing: uint256 = (funds >> FUNDS_THAWING) & words.MASK_64
    thaw_end: uint256 = (funds >> FUNDS_THAW_END) & words.MASK_40
    wanted: uint256 = convert(amount, uint256)
    owned: uint256 = (funds & words.MASK_64) + thawing
    reasons._check(owned <= words.MASK_64, "overflow")
    reasons._check(owned >= wanted, "insufficient")
    if thaw_end == 0 or wanted > thawing or ends & words.MASK_160 != convert(to, uint256):
        thaw_end = self._later(parameters.WITHDRAW_DELAY)
        self._ends[user] = words._set(ends, 0, words.MASK_160, convert(to, uint256))
    self._store_thaw(user, funds, owned - wanted, wanted, thaw_end)
    log WithdrawRequested(user=user, to=to, amount=amount, thawEnd=convert(thaw_end, uint64))


@external
@nonreentrant
def cancel_withdraw(user: uint64, nonce: uint64, auth: typed.Auth):
    self._authorize(user, nonce, keccak256(abi_encode(CANCEL_WITHDRAW, user, nonce)), auth)
    funds: uint256 = self._funds[user]
    reasons._check((funds >> FUNDS_THAW_END) & words.MASK_40 != 0, "nothing pending")
    thawing: uint256 = (funds >> FUNDS_THAWING) & words.MASK_64
    self._end_withdrawal(user, funds, (funds & words.MASK_64) + thawing)
    log WithdrawCancelled(user=user, amount=convert(thawing, uint64))


@external
@nonreentrant
def complete_withdraw(user: uint64):
    """
    @notice Pays what settlement left of a withdrawal to its recipient, by anyone, after the delay.
    """
    pausing._not_paused_since(REST_AFTER_PAUSE)
    reasons._check(self._users[user] != 0, "unknown user")
    funds: uint256 = self._funds[user]
    thaw_end: uint256 = (funds >> FUNDS_THAW_END) & words.MASK_40
    reasons._check(thaw_end != 0, "nothing pending")
    reasons._check(block.timestamp >= thaw_end, "too early")
    to: address = convert(self._ends[user] & words.MASK_160, address)
    amount: uint256 = (funds >> FUNDS_THAWING) & words.MASK_64
    self._end_withdrawal(user, funds, funds & words.MASK_64)
    if amount != 0:
        self._push(to, amount)
    log Withdrawn(user=user, to=to, amount=convert(amount, uint64))


# Settlement


@external
@nonreentrant
def settle(entries: DynArray[Entry, MOST_ENTRIES]) -> DynArray[uint8, MOST_ENTRIES]:
    """
    @notice Charges vouchers, by anyone. No entry makes the call fail; neighbouring entries of one node are credited together.
    """
    pausing._not_paused()
    statuses: DynArray[uint8, MOST_ENTRIES] = []
    if len(entries) == 0:
        return statuses
    credits: DynArray[uint256, MOST_ENTRIES] = []
    separator: bytes32 = typed._separator()
    nodes: uint64 = staticcall INodeRegistry(NODES).nodes()
    node: uint256 = 0
    credit: uint256 = 0
    total: uint256 = 0
    for i: uint256 in range(len(entries), bound=MOST_ENTRIES):
        outcome: uint256 = self._charge(entries[i], i, separator, nodes)
        statuses.append(convert(outcome & words.MASK_8, uint8))
        charged: uint256 = outcome >> 64
        if charged == 0:
            continue
        if convert(entries[i].node, uint256) != node:
            if node != 0:
                credits.append(credit)
            node = convert(entries[i].node, uint256)
            credit = node
        credit = unsafe_add(credit, charged << 64)
        total = unsafe_add(total, charged & words.MASK_64)
    if total != 0:
        # No credit's gross is above the sum of all.
        reasons._check(total <= words.MASK_64, "overflow")
        credits.append(credit)
        self._push(TOKENOMICS, total)
        extcall ITokenomics(TOKENOMICS).collect(credits)
    return statuses


@external
def preview(entries: DynArray[Entry, MOST_ENTRIES]) -> DynArray[uint8, MOST_ENTRIES]:
    """
    @notice What settle() would answer. Changes nothing: an inner call of the same function charges, and reverts with the statuses.
    """
    if msg.sender != self:
        success: bool = False
        answer: Bytes[MOST_ENTRIES * 32 + 64] = b""
        success, answer = raw_call(self, msg.data, max_outsize=MOST_ENTRIES * 32 + 64, revert_on_failure=False)
        # A refusal begins with the selector of Error(string), or is nothing.
        if len(answer) < 64 or extract32(answer, 0) != convert(32, bytes32):
            raw_revert(answer)
        return abi_decode(answer, DynArray[uint8, MOST_ENTRIES])
    statuses: DynArray[uint8, MOST_ENTRIES] = []
    separator: bytes32 = typed._separator()
    nodes: uint64 = staticcall INodeRegistry(NODES).nodes()
    for i: uint256 in range(len(entries), bound=MOST_ENTRIES):
        statuses.append(convert(self._charge(entries[i], i, separator, nodes) & words.MASK_8, uint8))
    raw_revert(abi_encode(statuses))


# Figures


@external
@nonreentrant
def set_parameter(name: bytes32, figure: uint64):
    roles._only_owner()
    low: uint64 = 0
    high: uint64 = 0
    low, high = self._bounds(name)
    parameters._change(name, figure, low, high)
    self._check_rule()


# Views


@external
@view
def user_of(user: uint64) -> (uint8, uint8, uint64, uint64):
    """
    @return Kind (0: no such user), number of roots, next nonce, time of registration.
    """
    word: uint256 = self._users[user]
    return (
        convert(word & words.MASK_8, uint8),
        convert((word >> USER_ROOTS) & words.MASK_8, uint8),
        convert((word >> USER_NONCE) & words.MASK_64, uint64),
        convert((word >> USER_CREATED) & words.MASK_40, uint64),
    )


@external
@view
def root_of(root: address) -> (uint64, uint8, uint64, bytes32):
    """
    @return User (0: no such root), kind, time it was added, hash of the relying party's id.
    """
    word: uint256 = self._roots[root]
    return (
        convert(word & words.MASK_64, uint64),
        convert((word >> ROOT_KIND) & words.MASK_8, uint8),
        convert((word >> ROOT_SINCE) & words.MASK_40, uint64),
        self._relying_parties[root],
    )


@external
@view
def key_of(key: address) -> (uint64, uint8, uint64, uint16, uint64, uint64):
    """
    @return User (0: no such key), kind, valid until, generation, cap, spent.
    """
    word: uint256 = self._keys[key]
    return (
        convert(word & words.MASK_64, uint64),
        convert((word >> KEY_KIND) & words.MASK_8, uint8),
        convert((word >> KEY_VALID_UNTIL) & words.MASK_40, uint64),
        convert((word >> KEY_GENERATION) & words.MASK_16, uint16),
        convert((word >> KEY_CAP) & words.MASK_64, uint64),
        convert(word >> KEY_SPENT, uint64),
    )


@external
@view
def funds_of(user: uint64) -> (uint64, uint64, uint64, uint64, uint64, address, uint16, uint64):
    """
    @return Available, bonus, end of the bonus, thawing, end of the thaw, its recipient, generation, end of the keys of the one before.
    """
    funds: uint256 = self._funds[user]
    ends: uint256 = self._ends[user]
    return (
        convert(funds & words.MASK_64, uint64),
        convert((funds >> FUNDS_BONUS) & words.MASK_64, uint64),
        convert((ends >> ENDS_BONUS) & words.MASK_40, uint64),
        convert((funds >> FUNDS_THAWING) & words.MASK_64, uint64),
        convert((funds >> FUNDS_THAW_END) & words.MASK_40, uint64),
        convert(ends & words.MASK_160, address),
        convert((funds >> FUNDS_GENERATION) & words.MASK_16, uint16),
        convert((ends >> ENDS_GENERATION) & words.MASK_40, uint64),
    )


@external
@view
def channel_of(key: address, node: uint64) -> (uint64, uint64):
    """
    @return Paid, units.
    """
    word: uint256 = self._channels[key][node]
    return convert(word & words.MASK_64, uint64), convert(word >> CHANNEL_UNITS, uint64)


@external
@view
def proposal_of(user: uint64) -> (address, uint8, uint64, uint64, uint64):
    """
    @return The key that the registrar proposed (0: none), its kind, valid until, cap, ready at.
    """
    word: uint256 = self._proposals[user]
    return (
        convert(word & words.MASK_160, address),
        convert((word >> PROPOSAL_KIND) & words.MASK_8, uint8),
        convert((word >> PROPOSAL_VALID_UNTIL) & words.MASK_40, uint64),
        self._proposed_caps[user],
        convert((word >> PROPOSAL_READY_AT) & words.MASK_40, uint64),
    )


# Inside


@internal
def _add_user(kind: uint8, roots: uint256) -> uint64:
    user: uint64 = self.users + 1
    self.users = user
    self._users[user] = convert(kind, uint256) | roots << USER_ROOTS | block.timestamp << USER_CREATED
    return user


@internal
def _register_root(root: address, kind: uint8, rp: bytes32, user_kind: uint8) -> uint64:
    reasons._check(self._roots[root] == 0, "already registered")
    user: uint64 = self._add_user(user_kind, 1)
    self._store_root(user, root, kind, rp)
    log UserRegistered(user=user, kind=user_kind, credential=convert(root, bytes32))
    log RootChanged(user=user, root=root, kind=kind, rpIdHash=rp, added=True)
    return user


@internal
def _store_root(user: uint64, root: address, kind: uint8, rp: bytes32):
    self._roots[root] = convert(user, uint256) | convert(kind, uint256) << ROOT_KIND | block.timestamp << ROOT_SINCE
    if rp != empty(bytes32):
        self._relying_parties[root] = rp


@internal
def _use_nonce(user: uint64, nonce: uint64):
    word: uint256 = self._users[user]
    reasons._check(word != 0, "unknown user")
    reasons._check((word >> USER_NONCE) & words.MASK_64 == convert(nonce, uint256), "bad nonce")
    reasons._check(nonce != max_value(uint64), "overflow")
    self._users[user] = word + (1 << USER_NONCE)


@internal
def _authorize(user: uint64, nonce: uint64, struct_hash: bytes32, auth: typed.Auth):
    """
    @notice Checks that a root of the user signed, or calls itself, and uses the nonce up.
    """
    self._use_nonce(user, nonce)
    signer: typed.Signer = typed.Signer(id=msg.sender, form=typed.SECP256K1, rp=empty(bytes32))
    if not typed._is_empty(auth):
        signer = typed._signer(struct_hash, auth)
        reasons._check(signer.form != typed.UNSIGNED, "bad signature")
    root: uint256 = self._roots[signer.id]
    reasons._check(root & words.MASK_64 == convert(user, uint256), "unknown root")
    expected: uint8 = typed.ASSERTION
    if (root >> ROOT_KIND) & words.MASK_8 == convert(typed.SECP256K1, uint256):
        expected = typed.SECP256K1
    reasons._check(signer.form == expected, "bad signature")
    if expected == typed.ASSERTION:
        reasons._check(signer.rp == self._relying_parties[signer.id], "bad signature")


@internal
def _authorize_by_key(user: uint64, nonce: uint64, struct_hash: bytes32, auth: typed.Auth):
    """
    @notice Checks that a live session key of the user signed, and uses the nonce up.
    """
    self._use_nonce(user, nonce)
    signer: typed.Signer = typed._signer(struct_hash, auth)
    reasons._check(signer.form != typed.UNSIGNED, "bad signature")
    key: uint256 = self._keys[signer.id]
    own: bool = key & words.MASK_64 == convert(user, uint256)
    plain: bool = (key >> KEY_KIND) & words.MASK_8 == convert(signer.form, uint256)
    reasons._check(own and plain and self._is_live(key, self._funds[user]), "unknown key")


@internal
@view
def _is_live(key: uint256, funds: uint256) -> bool:
    """
    @notice Whether a voucher of the key settles at this second.
    """
    if block.timestamp > (key >> KEY_VALID_UNTIL) & words.MASK_40:
        return False
    generation: uint256 = (key >> KEY_GENERATION) & words.MASK_16
    current: uint256 = (funds >> FUNDS_GENERATION) & words.MASK_16
    if generation == current:
        return True
    if generation + 1 != current:
        return False
    user: uint64 = convert(key & words.MASK_64, uint64)
    return block.timestamp <= (self._ends[user] >> ENDS_GENERATION) & words.MASK_40


@internal
@view
def _check_key(user: uint64, key: address, kind: uint8, valid_until: uint64):
    reasons._check(key != empty(address), "bad address")
    end: uint256 = convert(valid_until, uint256)
    reasons._check(end > block.timestamp and end <= self._later(parameters.KEY_VALIDITY), "bad validity")
    old: uint256 = self._keys[key]
    if old != 0:
        reasons._check(old & words.MASK_64 == convert(user, uint256), "key taken")
        reasons._check((old >> KEY_KIND) & words.MASK_8 == convert(kind, uint256), "wrong kind")
    reasons._check(kind == typed.SECP256K1 or kind == typed.P256, "wrong kind")


@internal
def _store_key(user: uint64, key: address, kind: uint8, valid_until: uint64, cap: uint64):
    """
    @notice Moves cap and validity as asked, but the cap not below what is spent, and the end of a live key not before the delay of a
            revocation: nodes must be able to settle what they hold.
    """
    self._check_key(user, key, kind, valid_until)
    old: uint256 = self._keys[key]
    spent: uint256 = old >> KEY_SPENT
    end: uint256 = convert(valid_until, uint256)
    if old != 0:
        end = max(end, min((old >> KEY_VALID_UNTIL) & words.MASK_40, self._later(parameters.REVOKE_DELAY)))
    limit: uint256 = max(convert(cap, uint256), spent)
    generation: uint256 = (self._funds[user] >> FUNDS_GENERATION) & words.MASK_16
    self._keys[key] = (
        convert(user, uint256)
        | end << KEY_VALID_UNTIL
        | convert(kind, uint256) << KEY_KIND
        | generation << KEY_GENERATION
        | limit << KEY_CAP
        | spent << KEY_SPENT
    )
    log KeyGranted(user=user, key=key, kind=kind, validUntil=convert(end, uint64), cap=convert(limit, uint64))


@internal
def _drop_proposal(user: uint64):
    if self._proposals[user] != 0:
        self._proposals[user] = 0
        self._proposed_caps[user] = 0


@internal
def _deposit(user: uint64, units: uint256, payer: address):
    amount: uint256 = units // words.NANO
    reasons._check(amount != 0 and amount <= words.MASK_64 and units % words.NANO == 0, "bad amount")
    funds: uint256 = self._funds[user]
    available: uint256 = (funds & words.MASK_64) + amount
    self._funds[user] = funds & ~words.MASK_64 | min(available, words.MASK_64)
    self._pull(payer, units)
    # The token comes first: nobody holds so much of it.
    reasons._check(available <= words.MASK_64, "overflow")
    log Deposited(user=user, payer=payer, amount=convert(amount, uint64))


@internal
def _store_thaw(user: uint64, funds: uint256, available: uint256, thawing: uint256, thaw_end: uint256):
    reasons._check(available <= words.MASK_64, "overflow")
    kept: uint256 = funds & (words.MASK_64 << FUNDS_BONUS | words.MASK_16 << FUNDS_GENERATION)
    self._funds[user] = kept | available | thawing << FUNDS_THAWING | thaw_end << FUNDS_THAW_END


@internal
def _end_withdrawal(user: uint64, funds: uint256, available: uint256):
    self._store_thaw(user, funds, available, 0, 0)
    self._ends[user] = self._ends[user] & ~words.MASK_160


@internal
def _charge(entry: Entry, index: uint256, separator: bytes32, nodes: uint64) -> uint256:
    """
    @return status 64 | charged 64 | of which out of bonus 64
    """
    if entry.node == 0 or entry.node > nodes:
        return self._reject(index, UNKNOWN_NODE)
    struct_hash: bytes32 = keccak256(abi_encode(VOUCHER, entry.node, entry.amount, entry.units, entry.receipts))
    preimage: Bytes[66] = typed._preimage(separator, struct_hash)
    id: address = empty(address)
    key: uint256 = 0
    if entry.x == empty(bytes32):
        # Zero was never granted.
        id = typed._recover(keccak256(preimage), entry.r, entry.s)
        key = self._keys[id]
        if (key >> KEY_KIND) & words.MASK_8 != convert(typed.SECP256K1, uint256):
            return self._reject(index, UNKNOWN_KEY)
    else:
        # The key first: what nobody granted is not worth a verification.
        id = typed._key_id(entry.x, entry.y)
        key = self._keys[id]
        if (key >> KEY_KIND) & words.MASK_8 != convert(typed.P256, uint256):
            return self._reject(index, UNKNOWN_KEY)
        if not typed._p256(sha256(preimage), entry.r, entry.s, entry.x, entry.y):
            return self._reject(index, UNKNOWN_KEY)
    user: uint64 = convert(key & words.MASK_64, uint64)
    funds: uint256 = self._funds[user]
    if not self._is_live(key, funds):
        return self._reject(index, KEY_EXPIRED)
    channel: uint256 = self._channels[id][entry.node]
    paid: uint256 = channel & words.MASK_64
    amount: uint256 = convert(entry.amount, uint256)
    if amount <= paid:
        return self._reject(index, NOTHING_NEW)
    room: uint256 = unsafe_sub((key >> KEY_CAP) & words.MASK_64, key >> KEY_SPENT)
    if room == 0:
        return self._reject(index, CAP_REACHED)
    available: uint256 = funds & words.MASK_64
    bonus: uint256 = (funds >> FUNDS_BONUS) & words.MASK_64
    thawing: uint256 = (funds >> FUNDS_THAWING) & words.MASK_64
    chargeable: uint256 = unsafe_add(unsafe_add(available, bonus), thawing)
    if chargeable == 0:
        return self._reject(index, NO_FUNDS)
    due: uint256 = unsafe_sub(amount, paid)
    charge: uint256 = min(min(due, room), chargeable)
    bonus = min(bonus, charge)
    available = min(available, unsafe_sub(charge, bonus))
    thawing = unsafe_sub(unsafe_sub(charge, bonus), available)
    paid = unsafe_add(paid, charge)
    units: uint256 = max(channel >> CHANNEL_UNITS, convert(entry.units, uint256))
    # No field borrows from or carries into its neighbour: each is at least what is taken, and spent stays below the cap.
    self._funds[user] = unsafe_sub(funds, available | bonus << FUNDS_BONUS | thawing << FUNDS_THAWING)
    self._keys[id] = unsafe_add(key, charge << KEY_SPENT)
    self._channels[id][entry.node] = paid | units << CHANNEL_UNITS
    log Settled(
        key=id,
        node=entry.node,
        amount=entry.amount,
        paid=convert(paid, uint64),
        units=convert(units, uint64),
        receipts=entry.receipts,
    )
    status: uint256 = SETTLED
    if charge != due:
        status = PARTIAL
    return status | charge << 64 | bonus << 128


@internal
def _reject(index: uint256, status: uint256) -> uint256:
    log Rejected(index=convert(index, uint64), reason=convert(status, uint8))
    return status


@internal
def _pull(payer: address, units: uint256):
    assert extcall IERC20(TOKEN).transferFrom(payer, self, units), "transfer failed"


@internal
def _push(to: address, amount: uint256):
    assert extcall IERC20(TOKEN).transfer(to, amount * words.NANO), "transfer failed"


@internal
@view
def _later(name: bytes32) -> uint256:
    """
    @notice The second that lies a delay ahead.
    """
    return block.timestamp + convert(parameters._get(name), uint256)


@internal
@pure
def _bounds(name: bytes32) -> (uint64, uint64):
    if name == parameters.WITHDRAW_DELAY:
        return 12 * 3_600, 7 * 86_400
    if name == parameters.REVOKE_DELAY:
        return 2 * 3_600, 24 * 3_600
    if name == parameters.RECOVERY_DELAY:
        return 24 * 3_600, 14 * 86_400
    reasons._check(name == parameters.KEY_VALIDITY, "unknown parameter")
    return 86_400, 90 * 86_400


@internal
def _make_parameter(name: bytes32, figure: uint64):
    low: uint64 = 0
    high: uint64 = 0
    low, high = self._bounds(name)
    parameters._make(name, figure, low, high)


@internal
@view
def _check_rule():
    """
    @notice Whoever holds a voucher of a revoked key settles in time, and before the money can leave.
    """
    revoke_delay: uint64 = parameters._get(parameters.REVOKE_DELAY)
    reasons._check(SETTLE_INTERVAL <= revoke_delay // 2, "breaks rule")
    reasons._check(revoke_delay <= parameters._get(parameters.WITHDRAW_DELAY) // 2, "breaks rule")
