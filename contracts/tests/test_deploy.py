"""The deployment from the command line, over HTTP, and the artefacts that it takes."""
import json
import subprocess
import sys

import build
import deploy
import pytest
from evm import Account, Endpoint, keccak
from harness import LAI, ROOT, ZERO, bytes_of, decode, encode, signature, word_name


@pytest.fixture(scope="module")
def network():
    command = [sys.executable, str(ROOT / "network.py"), "--port", "0", "--clock", "manual", "--genesis-time", "1700000000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield json.loads(process.stdout.readline())
    process.terminate()
    process.wait(10)


def run(network, *arguments, key=None, ok=True):
    command = [sys.executable, str(ROOT / "deploy.py"), "--rpc", network["rpc"], *arguments]
    done = subprocess.run(command + ["--key", key or network["accounts"][0]["privateKey"]], capture_output=True, text=True, timeout=120)
    assert (done.returncode == 0) == ok, done.stderr
    return json.loads(done.stdout) if ok else done.stderr


def ask(network, address, contract, function, *values):
    entry = next(e for e in build.load(contract)["abi"] if e.get("name") == function)
    data = keccak(signature(entry).encode())[:4] + encode(entry["inputs"], values)
    answer = Endpoint(network["rpc"]).rpc("eth_call", [{"to": address, "data": "0x" + data.hex()}, "latest"])
    return decode(entry["outputs"], bytes_of(answer))[0]


def test_the_whole_set_from_the_command_line(network, tmp_path):
    people = [a["address"] for a in network["accounts"]]
    key = tmp_path / "key"
    key.write_text(network["accounts"][3]["privateKey"] + "\n")
    done = run(network, "--owner", "Timelock", "--role", f"guardian={people[1]}", "--role", "council=Governor",
               "--allocate", f"{people[2]}=1000", "--allocate", "Faucet=50", "--parameter", "unbonding=259200", key=f"@{key}")
    at = done["contracts"]
    assert list(at) == list(deploy.CONTRACTS) and done["chainId"] == 31337
    logs = Endpoint(network["rpc"]).rpc("eth_getLogs", [{"fromBlock": hex(done["block"]), "toBlock": hex(done["block"])}])
    assert {log["address"].lower() for log in logs} == {at["LAIToken"].lower()}
    assert ask(network, at["LAIToken"], "LAIToken", "totalSupply") == 1050 * LAI
    assert ask(network, at["LAIToken"], "LAIToken", "balanceOf", at["Faucet"]) == 50 * LAI
    assert ask(network, at["LAIToken"], "LAIToken", "allowance", at["Faucet"], at["UserRegistry"]) == 2**256 - 1
    assert ask(network, at["Staking"], "Staking", "parameter", word_name("unbonding")) == 259200
    for name in deploy.CONTRACTS[1:]:
        assert ask(network, at[name], name, "owner").lower() == at["Timelock"].lower(), name
        assert ask(network, at["Directory"], "Directory", "at", word_name(name)).lower() == at[name].lower()
    assert ask(network, at["Timelock"], "Timelock", "role_of", word_name("council")).lower() == at["Governor"].lower()
    assert ask(network, at["UserRegistry"], "UserRegistry", "role_of", word_name("guardian")).lower() == people[1].lower()
    assert ask(network, at["UserRegistry"], "UserRegistry", "role_of", word_name("registrar")).lower() == at["Timelock"].lower()


def test_the_code_on_the_chain_is_that_of_the_artefacts(network):
    done = run(network)
    for name, address in done["contracts"].items():
        artefact = build.load(name)
        code = bytes_of(Endpoint(network["rpc"]).rpc("eth_getCode", [address, "latest"]))
        assert "0x" + keccak(code[: artefact["runtimeSize"]]).hex() == artefact["runtimeHash"], name
        assert len(code) <= build.most_code(artefact)
    # Without a word the deployer owns everything, and the whole supply of the genesis.
    deployer = network["accounts"][0]["address"]
    assert ask(network, done["contracts"]["LAIToken"], "LAIToken", "balanceOf", deployer) == deploy.GENESIS_SUPPLY
    assert ask(network, done["contracts"]["Treasury"], "Treasury", "owner").lower() == deployer.lower()
    assert ask(network, done["contracts"]["Slashing"], "Slashing", "role_of", word_name("committee")).lower() == deployer.lower()


def test_a_configuration_file(network, tmp_path):
    other = network["accounts"][4]["address"]
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"owner": other, "roles": {"signer": other}, "allocation": {"Treasury": "5", other: 7},
                                "parameters": {"fee_bps": 250}}))
    at = run(network, "--config", str(file), "--parameter", "lambda=100")["contracts"]
    assert [ask(network, at["Tokenomics"], "Tokenomics", "parameter", word_name(n)) for n in ("fee_bps", "lambda")] == [250, 100]
    assert [ask(network, at["LAIToken"], "LAIToken", "balanceOf", a) for a in (at["Treasury"], other)] == [5, 7]


def test_what_cannot_be_is_said(network):
    assert "unknown mayor" in run(network, "--role", f"mayor={ZERO}", ok=False)
    assert "unknown tax" in run(network, "--parameter", "tax=5", ok=False)
    # What a constructor refuses leaves nothing but used nonces.
    assert "LAIToken refused" in run(network, "--allocate", f"{network['accounts'][1]['address']}=1000000001", ok=False)
    assert "UserRegistry refused" in run(network, "--parameter", "revoke_delay=50000", ok=False)


def test_the_registry_is_not_made_without_the_precompile():
    from devnet import Chain

    chain = Chain(fork="prague", clock="manual")
    deployer = Account(chain.keys[0].secret)
    with pytest.raises(SystemExit, match="UserRegistry refused"):
        deploy.deploy(chain, deployer, deploy.checked_in())


@pytest.mark.parametrize("name", deploy.CONTRACTS)
def test_the_artefacts_are_those_of_the_sources(name):
    artefact = build.load(name)
    assert artefact["sourceHash"] == build.source_hash(ROOT / f"{name}.vy"), "make contracts"
    assert artefact["compiler"].startswith("vyper 0.4.3")


def test_the_same_sources_make_the_same_bytes_elsewhere(tmp_path):
    """Neither the folder nor the order of Python's hashes enters the code."""
    import shutil

    for folder in ("modules", "interfaces"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("Treasury.vy", "build.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    subprocess.run([sys.executable, str(tmp_path / "build.py")], check=True, capture_output=True, env={"PYTHONHASHSEED": "7"})
    assert (tmp_path / "build" / "Treasury.json").read_text() == build.text_of(build.compile(ROOT / "Treasury.vy"))
