#!/usr/bin/env python3
"""Deploys the whole set of contracts from build/*.json and prints where they are, as one JSON object.

    deploy.py --rpc http://127.0.0.1:8545 --key 0x…  [--owner 0x…|Timelock] [--role guardian=0x…]…
              [--allocate 0x…|Faucet|…=LAI]… [--parameter fee_bps=500]… [--config file.json]

Contracts know each other by addresses that never change, so the addresses are worked out from the deployer's nonce before the first
is made. Every argument of a constructor is found by its name: a contract's in snake case, `owner`, a role's, a parameter's.
"""
import argparse
import json
import sys
import time
from pathlib import Path

from evm import MOST_GAS, Account, Endpoint, bytes_of, created_address, encode, name_word

BUILD = Path(__file__).resolve().parent / "build"

# In this order: the token first, since the faucet's constructor calls it.
CONTRACTS = ("LAIToken", "UserRegistry", "NodeRegistry", "NetworkStatus", "Tokenomics", "Staking", "Slashing", "Faucet", "Treasury",
             "Timelock", "Governor", "Directory")
ROLES = ("guardian", "registrar", "reporter", "attester", "signer", "committee", "council")
LAI = 10**18
NANO_IN_LAI = 10**9
HOUR, DAY = 3600, 86_400
# The defaults of the specification, §8.
PARAMETERS = {
    "fee_bps": 500, "burn_bps": 0, "alpha": 3_000, "lambda": 8_000, "epoch_budget": 50_000 * NANO_IN_LAI,
    "withdraw_delay": 24 * HOUR, "revoke_delay": 6 * HOUR, "recovery_delay": 72 * HOUR, "key_validity": 30 * DAY,
    "unbonding": 7 * DAY, "min_stake_llm": 1_000 * NANO_IN_LAI, "min_stake_knowledge": 500 * NANO_IN_LAI,
    "min_stake_agent": 500 * NANO_IN_LAI, "stake_per_unit": 100 * NANO_IN_LAI, "grant_amount": 5 * NANO_IN_LAI,
    "daily_budget": 5_000 * NANO_IN_LAI, "timelock": 2 * DAY,
}
# What is left of the cap beside the whole schedule of §5.1.
GENESIS_SUPPLY = 854_000_000 * LAI


def snake(name):
    """LAIToken -> lai_token."""
    words = "".join(f"_{c}" if c.isupper() and not before.isupper() else c for before, c in zip("A" + name, name))
    return words.lower().replace("laitoken", "lai_token")


def arguments(artefact, names, figures):
    """The constructor's arguments, each found by its name; numbers are figures: `timelock` is a contract and a figure."""
    constructor = next((e for e in artefact["abi"] if e["type"] == "constructor"), {"inputs": []})
    try:
        values = [(figures if field["type"] == "uint64" else names)[field["name"].rstrip("_")] for field in constructor["inputs"]]
    except KeyError as missing:
        raise SystemExit(f"deploy: {artefact['contract']} asks for an unknown {missing}") from None
    return encode(constructor["inputs"], values)


def checked_in():
    return {name: json.loads((BUILD / f"{name}.json").read_text()) for name in CONTRACTS if (BUILD / f"{name}.json").exists()}


def deploy(chain, deployer, artefacts, owner=None, roles=None, allocation=None, parameters=None, elsewhere=None, timeout=120):
    """Deploys artefacts by name over anything with `rpc(method, params)`; answers what main prints.

    `owner` and holders of roles may be names of contracts. `elsewhere` says where contracts are that are not deployed. `allocation` maps addresses, or names of contracts, to token units.
    """
    chain_id = int(chain.rpc("eth_chainId", []), 16)
    nonce = int(chain.rpc("eth_getTransactionCount", [deployer.address, "pending"]), 16)
    order = [name for name in CONTRACTS if name in artefacts]
    at = {name: created_address(deployer.address, nonce + i) for i, name in enumerate(order)}
    at |= elsewhere or {}
    owner = at.get(owner, owner) or deployer.address
    unknown = set(roles or {}) - set(ROLES) | set(parameters or {}) - set(PARAMETERS)
    if unknown:
        raise SystemExit(f"deploy: unknown {', '.join(sorted(unknown))}")
    allocation = allocation or {owner: GENESIS_SUPPLY}
    names = {snake(name): address for name, address in at.items()} | {
        "owner": owner,
        "allocation": [(at.get(holder, holder), units) for holder, units in allocation.items()],
        "entries": [(name_word(name), address) for name, address in at.items()],
    } | {role: owner for role in ROLES} | {role: at.get(holder, holder) for role, holder in (roles or {}).items()}
    # The Timelock belongs to itself.
    own = {"Timelock": {"owner": at.get("Timelock")}}
    figures = PARAMETERS | (parameters or {})
    head = chain.rpc("eth_getBlockByNumber", ["latest", False])
    gas, fee = min(MOST_GAS, int(head["gasLimit"], 16)), 4 * int(chain.rpc("eth_gasPrice", []), 16)
    sent = []
    for i, name in enumerate(order):
        code = bytes_of(artefacts[name]["bytecode"]) + arguments(artefacts[name], names | own.get(name, {}), figures)
        raw = deployer.transaction(chain_id, nonce + i, None, code, gas=gas, fee=fee)
        sent.append(chain.rpc("eth_sendRawTransaction", ["0x" + raw.hex()]))
    blocks = []
    for name, hash in zip(order, sent):
        deadline = time.monotonic() + timeout
        while (receipt := chain.rpc("eth_getTransactionReceipt", [hash])) is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"deploy: {name} was not mined within {timeout} s; transaction {hash}")
            time.sleep(0.05)
        if int(receipt["status"], 16) != 1:
            raise SystemExit(f"deploy: the constructor of {name} refused; transaction {hash}")
        assert bytes_of(receipt["contractAddress"]) == bytes_of(at[name]), name
        blocks.append(int(receipt["blockNumber"], 16))
    return {"chainId": chain_id, "contracts": at, "block": min(blocks)}


def pair(text):
    name, _, value = text.partition("=")
    if not value:
        raise argparse.ArgumentTypeError(f"expected name=value, not {text}")
    return name, value


def main():
    parser = argparse.ArgumentParser(description="Deploys the contracts of Lattice.")
    parser.add_argument("--rpc", required=True, help="the URL of an Ethereum node")
    parser.add_argument("--key", required=True, help="the private key that pays; @FILE reads it from a file")
    parser.add_argument("--owner", help="an address or Timelock; default: who pays")
    parser.add_argument("--role", type=pair, action="append", default=[], metavar="ROLE=ADDRESS", help="default: the owner")
    parser.add_argument("--allocate", type=pair, action="append", default=[], metavar="HOLDER=LAI",
                        help="genesis supply in whole LAI; the holder is an address or a contract's name")
    parser.add_argument("--parameter", type=pair, action="append", default=[], metavar="NAME=FIGURE")
    parser.add_argument("--config", help="JSON with owner, roles, allocation (in token units) and parameters")
    given = parser.parse_args()
    config = json.loads(Path(given.config).read_text()) if given.config else {}
    key = Path(given.key[1:]).read_text().strip() if given.key.startswith("@") else given.key
    allocation = {h: int(u) for h, u in config.get("allocation", {}).items()} | {h: int(n) * LAI for h, n in given.allocate}
    artefacts = checked_in()
    missing = [name for name in CONTRACTS if name not in artefacts]
    if missing:
        raise SystemExit(f"deploy: not built: {', '.join(missing)}")
    done = deploy(
        Endpoint(given.rpc), Account(key), artefacts, owner=given.owner or config.get("owner"),
        roles=config.get("roles", {}) | dict(given.role), allocation=allocation,
        parameters={n: int(v) for n, v in (config.get("parameters", {}) | dict(given.parameter)).items()})
    json.dump(done, sys.stdout)
    print()


if __name__ == "__main__":
    main()
