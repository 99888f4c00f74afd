"""What the deployment and the tests need of Ethereum: addresses, calldata, signed transactions, JSON-RPC.

Only packages of the development network's environment, and none that takes long to load.
"""
import json
import urllib.request

import coincurve
import eth_abi
from ethereum.crypto.hash import keccak256
from ethereum_rlp import rlp
from ethereum_types.bytes import Bytes
from ethereum_types.numeric import Uint

GWEI = 10**9
# EIP-7825: no transaction may ask for more.
MOST_GAS = 2**24


def keccak(data):
    return bytes(keccak256(data))


def bytes_of(text):
    return bytes.fromhex(text.removeprefix("0x"))


def checksum(address):
    """EIP-55."""
    digits = address.hex() if isinstance(address, bytes) else address.removeprefix("0x").lower()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(d.upper() if m > "7" else d for d, m in zip(digits, marks))


def created_address(sender, nonce):
    """The address of the contract that a transaction of this nonce makes."""
    return checksum(keccak(rlp.encode([Bytes(bytes_of(sender)), Uint(nonce)]))[12:])


def name_word(name):
    """A name in ASCII, padded with zeros."""
    return name.encode().ljust(32, b"\0")


def type_of(field):
    """The type of an ABI field as signatures spell it."""
    if not field["type"].startswith("tuple"):
        return field["type"]
    return "(" + ",".join(map(type_of, field["components"])) + ")" + field["type"].removeprefix("tuple")


def signature(entry):
    return entry["name"] + "(" + ",".join(map(type_of, entry["inputs"])) + ")"


def encode(fields, values):
    return eth_abi.encode([type_of(f) for f in fields], values)


def decode(fields, data):
    return eth_abi.decode([type_of(f) for f in fields], data)


class Account:
    """A private key that pays for transactions."""

    def __init__(self, secret):
        self.key = coincurve.PrivateKey(bytes_of(secret) if isinstance(secret, str) else secret)
        self.address = checksum(keccak(self.key.public_key.format(compressed=False)[1:])[12:])

    def transaction(self, chain_id, nonce, to, data, gas=MOST_GAS, fee=1000 * GWEI, tip=GWEI, value=0):
        """A signed EIP-1559 transaction; `to` is None for a contract's making."""
        target = Bytes(bytes_of(to)) if to else Bytes(b"")
        body = [Uint(chain_id), Uint(nonce), Uint(tip), Uint(fee), Uint(gas), target, Uint(value), Bytes(data), []]
        mark = self.key.sign_recoverable(keccak(b"\x02" + rlp.encode(body)), hasher=None)
        r, s = (int.from_bytes(mark[i : i + 32], "big") for i in (0, 32))
        return b"\x02" + rlp.encode(body + [Uint(mark[64]), Uint(r), Uint(s)])


class Refused(Exception):
    """A call reverted; `reason` is empty where the contract gave none."""

    def __init__(self, reason):
        super().__init__(reason or "no reason")
        self.reason = reason


class Endpoint:
    """JSON-RPC over HTTP."""

    def __init__(self, url, timeout=30):
        self.url, self.timeout = url, timeout

    def rpc(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:
            reply = json.load(answer)
        if "error" in reply:
            raise RuntimeError(f"{method}: {reply['error'].get('message')}")
        return reply["result"]
