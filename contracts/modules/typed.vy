# pragma version 0.4.3
"""
@title Typed messages and their signatures
@notice EIP-712 under the domain `Lattice`, version `1`. With m = 0x1901 | separator | struct hash: secp256k1 signs keccak256(m) in the
        64 bytes of EIP-2098, a P-256 session key signs sha256(m), and a passkey signs an assertion whose challenge is keccak256(m).
"""

# A signature of a root in whichever form the root needs. With x = 0 it is a wallet's, otherwise that of the P-256 key at (x, y): an
# assertion where there is authenticator data, else the plain signature of a session key.
struct Auth:
    r: bytes32
    s: bytes32
    x: bytes32
    y: bytes32
    authenticator_data: Bytes[1024]
    client_data_rest: Bytes[1024]

# What a signature proves. The form is UNSIGNED where it proves nothing; `rp` is the relying party of an assertion.
struct Signer:
    id: address
    form: uint8
    rp: bytes32

UNSIGNED: constant(uint8) = 0
# A plain signature; the number is that of the kind of key.
SECP256K1: constant(uint8) = 1
P256: constant(uint8) = 2
ASSERTION: constant(uint8) = 3

DOMAIN_TYPE: constant(bytes32) = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
NAME: constant(bytes32) = keccak256("Lattice")
VERSION: constant(bytes32) = keccak256("1")

# Half of the order of secp256k1: a greater s is the second form of a signature, and refused (EIP-2).
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168
# EIP-7951.
P256_VERIFY: constant(address) = 0x0000000000000000000000000000000000000100

# WebAuthn level 3, §6.1: hash of the relying party id, flags, counter.
SHORTEST_AUTHENTICATOR_DATA: constant(uint256) = 37
USER_PRESENT_AND_VERIFIED: constant(uint256) = 5

# One in every byte; one in every 16, 32, 64 and 128 bits.
ONES: constant(uint256) = max_value(uint256) // (2**8 - 1)
ONES_16: constant(uint256) = max_value(uint256) // (2**16 - 1)
ONES_32: constant(uint256) = max_value(uint256) // (2**32 - 1)
ONES_64: constant(uint256) = max_value(uint256) // (2**64 - 1)
ONES_128: constant(uint256) = max_value(uint256) // (2**128 - 1)

VERIFIER: immutable(address)
CHAIN: immutable(uint256)
SEPARATOR: immutable(bytes32)


@deploy
def __init__(verifier: address):
    """
    @param verifier The contract for which messages are signed.
    """
    VERIFIER = verifier
    CHAIN = chain.id
    SEPARATOR = self._make_separator(verifier)


@internal
@view
def _make_separator(verifier: address) -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPE, NAME, VERSION, chain.id, verifier))


@internal
@view
def _separator() -> bytes32:
    """
    @notice Follows the chain id, so that a signature does not hold on both sides of a fork.
    """
    if chain.id == CHAIN:
        return SEPARATOR
    return self._make_separator(VERIFIER)


@external
@view
def domain_separator() -> bytes32:
    return self._separator()


@internal
@pure
def _preimage(separator: bytes32, struct_hash: bytes32) -> Bytes[66]:
    return concat(b"\x19\x01", separator, struct_hash)


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    return keccak256(self._preimage(self._separator(), struct_hash))


@internal
@pure
def _recover(digest: bytes32, r: bytes32, vs: bytes32) -> address:
    """
    @notice The address that signed, with the top bit of vs for the parity; zero where the signature is not valid.
    """
    s: uint256 = convert(vs, uint256) & (2**255 - 1)
    if s > HALF_ORDER:
        return empty(address)
    return ecrecover(digest, 27 + (convert(vs, uint256) >> 255), convert(r, uint256), s)


@internal
@view
def _p256(digest: bytes32, r: bytes32, s: bytes32, x: bytes32, y: bytes32) -> bool:
    answer: Bytes[32] = raw_call(P256_VERIFY, concat(digest, r, s, x, y), max_outsize=32, is_static_call=True)
    return len(answer) == 32 and convert(answer, uint256) == 1


@internal
@pure
def _key_id(x: bytes32, y: bytes32) -> address:
    """
    @notice The id of a P-256 key: the last 20 bytes of the hash of its point.
    """
    return convert(convert(keccak256(concat(x, y)), uint256) & (2**160 - 1), address)


@internal
@pure
def _base64(bits: uint256) -> bytes32:
    """
    @notice 192 bits as 32 characters of base64url (RFC 4648, §5), all at once.
    """
    # Half after half moves apart until each byte has six bits.
    v: uint256 = (bits & (2**96 - 1)) | ((bits >> 96) << 128)
    v = (v & (2**48 - 1) * ONES_128) | ((v & (2**48 - 1) * 2**48 * ONES_128) << 16)
    v = (v & (2**24 - 1) * ONES_64) | ((v & (2**24 - 1) * 2**24 * ONES_64) << 8)
    v = (v & (2**12 - 1) * ONES_32) | ((v & (2**12 - 1) * 2**12 * ONES_32) << 4)
    v = (v & (2**6 - 1) * ONES_16) | ((v & (2**6 - 1) * 2**6 * ONES_16) << 2)
    # A sum of 128 - k and a byte that is at least k has the top bit.
    from_26: uint256 = ((v + 102 * ONES) >> 7) & ONES
    from_52: uint256 = ((v + 76 * ONES) >> 7) & ONES
    from_62: uint256 = ((v + 66 * ONES) >> 7) & ONES
    from_63: uint256 = ((v + 65 * ONES) >> 7) & ONES
    return convert(v + 65 * ONES + 6 * from_26 + 49 * from_63 - 75 * from_52 - 13 * from_62, bytes32)


@internal
@view
def _assertion(challenge: bytes32, auth: Auth) -> bool:
    """
    @notice Whether the passkey at (x, y) signed the challenge, with its user present and verified.
    """
    if len(auth.authenticator_data) < SHORTEST_AUTHENTICATOR_DATA:
        return False
    flags: uint256 = convert(extract32(auth.authenticator_data, 1), uint256)
    if flags & USER_PRESENT_AND_VERIFIED != USER_PRESENT_AND_VERIFIED:
        return False
    bits: uint256 = convert(challenge, uint256)
    client_data: bytes32 = sha256(
        concat(
            b'{"type":"webauthn.get","challenge":"',
            self._base64(bits >> 64),
            slice(self._base64((bits & (2**64 - 1)) << 128), 0, 11),
            b'"',
            auth.client_data_rest,
        )
    )
    digest: bytes32 = sha256(concat(auth.authenticator_data, client_data))
    return self._p256(digest, auth.r, auth.s, auth.x, auth.y)


@internal
@view
def _signer(struct_hash: bytes32, auth: Auth) -> Signer:
    """
    @notice Who signed a message, in which form.
    """
    preimage: Bytes[66] = self._preimage(self._separator(), struct_hash)
    if auth.x == empty(bytes32):
        wallet: address = self._recover(keccak256(preimage), auth.r, auth.s)
        if wallet == empty(address):
            return empty(Signer)
        return Signer(id=wallet, form=SECP256K1, rp=empty(bytes32))
    id: address = self._key_id(auth.x, auth.y)
    if len(auth.authenticator_data) == 0:
        if not self._p256(sha256(preimage), auth.r, auth.s, auth.x, auth.y):
            return empty(Signer)
        return Signer(id=id, form=P256, rp=empty(bytes32))
    if not self._assertion(keccak256(preimage), auth):
        return empty(Signer)
    return Signer(id=id, form=ASSERTION, rp=extract32(auth.authenticator_data, 0))


@internal
@pure
def _is_empty(auth: Auth) -> bool:
    """
    @notice Whether it is what stands in a call by the wallet itself.
    """
    words: bytes32 = convert(convert(auth.r, uint256) | convert(auth.s, uint256) | convert(auth.x, uint256) | convert(auth.y, uint256), bytes32)
    return words == empty(bytes32) and len(auth.authenticator_data) == 0 and len(auth.client_data_rest) == 0
