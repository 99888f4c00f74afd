#!/usr/bin/env python3
"""Writes lattice-vectors.json: the messages, the domain of a local ledger and the receipt chain that eth-vectors.json
leaves out, with eth-account and eth-abi as oracles.  Needs: eth-account==0.14.0 (brings eth-abi)."""
import hashlib, json, os

from eth_abi import encode
from eth_account.messages import encode_typed_data
from eth_utils import keccak, to_checksum_address

hx = lambda b: "0x" + bytes(b).hex()
address = lambda i: to_checksum_address(keccak(b"addr %d" % i)[12:])
DOMAIN = {"name": "Lattice", "version": "1", "chainId": 31337, "verifyingContract": address(9)}
TYPES = {"CancelWithdraw": "uint64 user,uint64 nonce",
         "RootChange": "uint64 user,address root,uint8 kind,bytes32 rpIdHash,bool add,uint64 nonce",
         "BumpGeneration": "uint64 user,uint64 nonce",
         "RegisterWallet": "address owner",
         "RegisterPasskey": "bytes32 x,bytes32 y,bytes32 rpIdHash",
         "Quote": "uint64 node,bytes32 model,uint64 inputPrice,uint64 outputPrice,uint64 validUntil"}


def value(kind, name, i):
    return {"uint64": [1, 2**63 + 5][i], "uint8": i + 1, "bool": i == 1, "address": address(20 + i),
            "bytes32": keccak(b"%s %d" % (name.encode(), i))}[kind]


out = {"domain": DOMAIN, "messages": []}
for name, body in TYPES.items():
    fields = [part.split(" ") for part in body.split(",")]
    for i in range(2):
        message = {n: value(t, n, i) for t, n in fields}
        signable = encode_typed_data(DOMAIN, {name: [{"name": n, "type": t} for t, n in fields]}, message)
        text = {n: hx(v) if isinstance(v, bytes) else v if isinstance(v, (bool, str)) else str(v) for n, v in message.items()}
        out["messages"].append({"type": f"{name}({body})", "message": text, "structHash": hx(signable.body),
                                "digest": hx(keccak(b"\x19" + signable.version + signable.header + signable.body))})

cluster = bytes(range(32))
digest = hashlib.sha256(cluster).digest()
local = dict(DOMAIN, chainId=int.from_bytes(digest[:8], "big") | 1 << 63, verifyingContract=to_checksum_address(digest[12:]))
signable = encode_typed_data(local, {"RegisterWallet": [{"name": "owner", "type": "address"}]}, {"owner": address(1)})
out["local"] = {"clusterPublicKey": hx(cluster), "chainID": str(local["chainId"]),
                "verifyingContract": local["verifyingContract"], "separator": hx(signable.header)}

hashes = [bytes.fromhex(m["structHash"][2:]) for m in json.load(open(os.path.join(os.path.dirname(__file__), "eth-vectors.json")))
          ["eip712"]["messages"] if m["type"].startswith("Receipt(")]
head = keccak(encode(["address", "uint64"], [address(20), 7]))
heads = [head]
for struct in hashes:
    heads.append(keccak(heads[-1] + struct))
out["chain"] = {"key": address(20).lower(), "node": "7", "heads": [hx(h) for h in heads]}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "lattice-vectors.json"), "w") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
