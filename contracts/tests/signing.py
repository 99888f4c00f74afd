"""Keys of both curves, passkeys, and the typed messages that they sign."""
import base64

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from harness import Account, checksum, encode, keccak, plain, sha256

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECP256K1, P256 = 1, 2
NO_AUTH = (bytes(32), bytes(32), bytes(32), bytes(32), b"", b"")

TYPES = {
    "Voucher": "uint64 node,uint64 amount,uint64 units,bytes32 receipts",
    "KeyGrant": "uint64 user,address key,uint8 kind,uint64 validUntil,uint64 cap,uint64 nonce",
    "KeyRevoke": "uint64 user,address key,uint64 nonce",
    "Withdraw": "uint64 user,uint64 amount,address to,uint64 nonce",
    "CancelWithdraw": "uint64 user,uint64 nonce",
    "RootChange": "uint64 user,address root,uint8 kind,bytes32 rpIdHash,bool add,uint64 nonce",
    "BumpGeneration": "uint64 user,uint64 nonce",
    "RegisterWallet": "address owner",
    "RegisterPasskey": "bytes32 x,bytes32 y,bytes32 rpIdHash",
    "Quote": "uint64 node,bytes32 model,uint64 inputPrice,uint64 outputPrice,uint64 validUntil",
    "Receipt": "bytes32 session,uint64 seq,uint64 node,address key,bytes32 request,bytes32 response,bytes32 quote,"
    "uint64 inputTokens,uint64 outputTokens,uint64 cost,uint64 amount,uint64 finishedAt",
    "Probe": "uint64 node,bytes32 challenge,bytes32 status,uint64 at",
    "Permit": "address owner,address spender,uint256 value,uint256 nonce,uint256 deadline",
}


def struct_hash(name, *values):
    types = [field.split()[0] for field in TYPES[name].split(",")]
    head = keccak(f"{name}({TYPES[name]})".encode())
    return keccak(encode([{"type": t} for t in ["bytes32"] + types], [head] + [plain(v) for v in values]))


def separator(contract, chain_id=31337, version="1"):
    kind = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    types = [{"type": t} for t in ("bytes32", "bytes32", "bytes32", "uint256", "address")]
    return keccak(encode(types, [kind, keccak(b"Lattice"), keccak(version.encode()), chain_id, plain(contract)]))


class Domain:
    """The contract for which messages are signed."""

    def __init__(self, contract, **kw):
        self.separator = separator(contract, **kw)

    def message(self, name, *values):
        return b"\x19\x01" + self.separator + struct_hash(name, *values)


def word(number):
    return number.to_bytes(32, "big")


class Wallet(Account):
    """A secp256k1 key."""

    kind = SECP256K1

    def __init__(self, seed):
        super().__init__(keccak(b"wallet " + str(seed).encode()))

    @property
    def id(self):
        return self.address

    def sign(self, message):
        """(r, vs) over bytes that begin with 0x1901."""
        return sign_digest(self.key, keccak(message))

    def quad(self, message):
        """r, s, x, y as an entry of settle has them."""
        return (*self.sign(message), bytes(32), bytes(32))

    def auth(self, message):
        return (*self.quad(message), b"", b"")


def sign_digest(key, digest):
    mark = key.sign_recoverable(digest, hasher=None)
    return mark[:32], word(int.from_bytes(mark[32:64], "big") | mark[64] << 255)


class DeviceKey:
    """A P-256 session key."""

    kind = P256

    def __init__(self, seed):
        secret = int.from_bytes(keccak(b"device " + str(seed).encode()), "big") % (P256_ORDER - 1) + 1
        self.key = ec.derive_private_key(secret, ec.SECP256R1())
        point = self.key.public_key().public_numbers()
        self.x, self.y = word(point.x), word(point.y)
        self.id = checksum(keccak(self.x + self.y)[12:])

    def sign(self, message):
        # The curve's sha256 is that of the specification.
        return tuple(map(word, decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))))

    def quad(self, message):
        return (*self.sign(message), self.x, self.y)

    def auth(self, message):
        """The plain signature, as it stands in an Auth."""
        return (*self.quad(message), b"", b"")


class Passkey(DeviceKey):
    """A P-256 key in an authenticator."""

    def __init__(self, seed, relying_party="lattice.example"):
        super().__init__(f"passkey {seed}")
        self.rp = sha256(relying_party.encode())

    def auth(self, message, flags=5, type="webauthn.get", rp=None, challenge=None, rest=b',"origin":"https://lattice.example"}'):
        data = (rp or self.rp) + bytes([flags]) + bytes(4)
        encoded = base64.urlsafe_b64encode(challenge or keccak(message)).rstrip(b"=")
        client = b'{"type":"' + type.encode() + b'","challenge":"' + encoded + b'"' + rest
        return (*self.sign(data + sha256(client)), self.x, self.y, data, rest)


def entry(domain, key, node, amount, units=0, receipts=bytes(32)):
    """A voucher as settle takes it."""
    return (node, amount, units, receipts, *key.quad(domain.message("Voucher", node, amount, units, receipts)))


