"""Contracts on the development network's chain, in this process.

    world.token.transfer(to, 5, sender=alice)   sends a transaction and answers its Receipt; raises Refused(reason)
    world.token.balanceOf(alice)                answers what the view answers
"""
import hashlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import build  # noqa: E402
import deploy  # noqa: E402
from network import SHARED  # noqa: E402, F401 -- before devnet, which it finds
from devnet import Chain, RpcError, dev_key, unhex  # noqa: E402
from evm import Account, Refused, bytes_of, checksum, decode, encode, keccak, signature  # noqa: E402, F401

GENESIS_TIME = 1_700_000_000
HOUR, DAY = 3600, 86_400
NANO = 10**9
LAI = 10**18
ZERO = "0x" + "00" * 20
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lattice" / "contracts-doubles"


def artefact_of(path):
    """A checked-in artefact, or a fresh one where the sources are ahead of it or the contract is a test double."""
    checked_in = build.BUILD / f"{path.stem}.json"
    if path.parent == ROOT and build.is_fresh(path, checked_in):
        return json.loads(checked_in.read_text())
    cached = CACHE / f"{path.stem}-{build.source_hash(path)[2:18]}.json"
    if not cached.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = cached.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(build.compile(path)))
        part.rename(cached)
    return json.loads(cached.read_text())


def source_of(name):
    """The contract of this name, or the test double that stands for it; None where there is neither."""
    return next((p for p in (ROOT / f"{name}.vy", ROOT / "tests" / "doubles" / f"{name}.vy") if p.exists()), None)


def word_name(name):
    return name.encode().ljust(32, b"\0")


class Receipt:
    """What a transaction did: `result` is what the function returned, `events` are (name, {field: value}) of all contracts."""

    def __init__(self, world, raw, result):
        self.gas, self.block = int(raw["gasUsed"], 16), int(raw["blockNumber"], 16)
        self.logs, self.result = raw["logs"], result
        self.events = [world.event(log) for log in self.logs]

    def named(self, name):
        return [fields for event, fields in self.events if event == name]

    @property
    def names(self):
        return [name for name, _ in self.events]


class Contract:
    """A deployed contract; its functions are attributes."""

    def __init__(self, world, address, abi):
        self.world, self.address, self.abi = world, address, abi
        self.functions = {e["name"]: e for e in abi if e["type"] == "function"}

    def __getattr__(self, name):
        if name.startswith("__") or name not in self.functions:
            raise AttributeError(name)
        entry = self.functions[name]
        view = entry["stateMutability"] in ("view", "pure")

        def function(*values, sender=None, **kw):
            data = self.data(name, *values)
            if view:
                return self.world.call(self.address, data, entry, sender)
            return self.world.send(self.address, data, entry, sender or self.world.owner, **kw)

        return function

    def data(self, name, *values):
        entry = self.functions[name]
        return keccak(signature(entry).encode())[:4] + encode(entry["inputs"], [plain(v) for v in values])

    def ask(self, name, *values, sender=None):
        """What a function that is no view would answer."""
        return self.world.call(self.address, self.data(name, *values), self.functions[name], sender)

    def slot(self, number):
        return int(self.world.chain.rpc("eth_getStorageAt", [self.address, hex(number)]), 16)


def plain(value):
    """Accounts and contracts as their addresses."""
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return getattr(value, "address", value)


class World:
    """A chain with the contracts that exist, and test doubles for those that do not."""

    def __init__(self, doubles=None, **config):
        self.chain = Chain(clock="manual", genesis_time=GENESIS_TIME, accounts=10)
        self.accounts = [Account(key.secret) for key in self.chain.keys]
        self.owner, self.guardian, self.registrar, self.reporter, self.attester = self.accounts[:5]
        self.signer, self.committee, self.council, self.stranger, self.other = self.accounts[5:]
        self.topics, self.by_address = {}, {}
        sources = {name: source_of(name) for name in deploy.CONTRACTS} | {
            name: ROOT / "tests" / "doubles" / f"{file}.vy" for name, file in (doubles or {}).items()}
        self.artefacts = {name: artefact_of(path) for name, path in sources.items() if path}
        roles = {role: getattr(self, role).address for role in deploy.ROLES}
        config = {"owner": self.owner.address, "roles": roles,
                  "allocation": {self.owner.address: 853_000_000 * LAI, "Faucet": 1_000_000 * LAI}} | config
        if "Faucet" not in self.artefacts:
            config["allocation"] = {self.owner.address: deploy.GENESIS_SUPPLY}
        elsewhere = {name: self.stranger.address for name in deploy.CONTRACTS if name not in self.artefacts}
        done = deploy.deploy(self.chain, self.owner, self.artefacts, elsewhere=elsewhere, **config)
        for name, address in ((n, a) for n, a in done["contracts"].items() if n in self.artefacts):
            setattr(self, deploy.snake(name), self.at(address, self.artefacts[name]["abi"]))
        self.token = self.lai_token

    def at(self, address, abi):
        for entry in abi:
            if entry["type"] == "event":
                self.topics[keccak(signature(entry).encode())] = entry
        contract = self.by_address[address.lower()] = Contract(self, address, abi)
        return contract

    def deploy(self, file, *values, sender=None):
        """Deploys a contract or a double by its file's name."""
        artefact = artefact_of(ROOT / f"{file}.vy" if (ROOT / f"{file}.vy").exists() else ROOT / "tests" / "doubles" / f"{file}.vy")
        inputs = next((e["inputs"] for e in artefact["abi"] if e["type"] == "constructor"), [])
        code = bytes_of(artefact["bytecode"]) + encode(inputs, [plain(v) for v in values])
        raw = self.submit(None, code, sender or self.owner)
        return self.at(checksum(bytes_of(raw["contractAddress"])), artefact["abi"])

    # Time

    @property
    def now(self):
        """The time of the last block."""
        return int(self.chain.blocks[-1].header.timestamp)

    @property
    def next(self):
        """The time of the next block; calls see it as well."""
        return self.chain.now()

    def pass_time(self, seconds):
        """The next block comes so much later than it would."""
        self.chain.offset += seconds

    def set_time(self, at):
        """The next block stands at this second."""
        assert at > self.now
        self.chain.next_time = at

    def snapshot(self):
        return self.chain.snapshot()

    def revert(self, number):
        assert self.chain.revert(number)
        self.chain.next_time = None

    # Transactions

    def submit(self, to, data, sender, gas=2**24):
        nonce = int(self.chain.rpc("eth_getTransactionCount", [sender.address]), 16)
        raw = sender.transaction(self.chain.chain_id, nonce, to, data, gas=gas)
        where = self.chain.where[self.chain.submit(raw)]
        receipt = self.chain.receipt_json(*where)
        if receipt["status"] != "0x1":
            raise Refused(self.reason(where[0], to, data, sender, gas))
        return receipt

    def reason(self, block, to, data, sender, gas):
        """Why a transaction of this block was refused: the same call on the state and at the time of its block."""
        at = int(block.header.timestamp)
        self.chain.now = lambda: at
        try:
            call = {"from": sender.address, "data": "0x" + data.hex()} | ({"to": to} if to else {})
            self.chain.call(call, hex(block.n - 1), gas)
        except RpcError as error:
            return reason_of(error)
        finally:
            del self.chain.now
        return "unknown"

    def send(self, to, data, entry, sender, gas=2**24, result=False):
        answer = self.call(to, data, entry, sender) if result else None
        return Receipt(self, self.submit(to, data, sender, gas), answer)

    def call(self, to, data, entry, sender=None):
        try:
            answer = self.chain.call({"to": to, "data": "0x" + data.hex(), "from": (sender or self.stranger).address})
        except RpcError as error:
            raise Refused(reason_of(error)) from None
        values = [tidy(v) for v in decode(entry["outputs"], answer)]
        return values[0] if len(values) == 1 else tuple(values)

    def event(self, log):
        entry = self.topics[unhex(log["topics"][0])]
        indexed = [f for f in entry["inputs"] if f["indexed"]]
        rest = [f for f in entry["inputs"] if not f["indexed"]]
        fields = {f["name"]: tidy(decode([f], unhex(t))[0]) for f, t in zip(indexed, log["topics"][1:])}
        fields |= {f["name"]: tidy(v) for f, v in zip(rest, decode(rest, unhex(log["data"])))}
        return entry["name"], {f["name"]: fields[f["name"]] for f in entry["inputs"]}

    # Tokens

    def fund(self, account, nano, spender=None):
        """Gives an account tokens out of the owner's, and lets a contract take them."""
        self.token.transfer(account, nano * NANO, sender=self.owner)
        if spender:
            self.token.approve(spender, 2**256 - 1, sender=account)


def tidy(value):
    """Addresses with their checksum, and tuples all the way down."""
    if isinstance(value, str) and len(value) == 42 and value.startswith("0x"):
        return checksum(value)
    return tuple(tidy(v) for v in value) if isinstance(value, (list, tuple)) else value


def reason_of(error):
    data = unhex(error.json.get("data", "0x"))
    if data[:4] == bytes.fromhex("08c379a0"):
        return decode([{"type": "string"}], data[4:])[0]
    return "" if error.json["code"] == 3 else error.json["message"]


def refused(reason, call, *values, **kw):
    """The call is refused with this reason."""
    try:
        call(*values, **kw)
    except Refused as refusal:
        assert refusal.reason == reason, f"refused with {refusal.reason!r} and not {reason!r}"
    else:
        raise AssertionError(f"not refused: {reason}")


def sha256(data):
    return hashlib.sha256(data).digest()
