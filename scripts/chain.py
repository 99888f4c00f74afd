"""The development chain with the contracts on it: gone when it is stopped."""
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Chain:
    """A running chain on which a Nexus acts by its own keys.

    `arguments` are what `lattice up` needs to use it.
    """

    def __init__(self, program, data):
        """Deploys the contracts for the Nexus of this data folder."""
        environment = {"LATTICE_SHARED": str(ROOT.parent / "shared"), **os.environ}
        python = subprocess.run(
            [ROOT / "scripts/contracts.sh", "python"], env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()
        self.process = subprocess.Popen(
            [python, ROOT / "contracts/network.py", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True
        )
        try:
            hello = json.loads(self.process.stdout.readline() or "null")
            if not hello:
                raise SystemExit("chain: the development chain did not start")
            self.url = hello["rpc"]
            roles = json.loads(
                subprocess.run(
                    [program, "nexus", "roles", "--json", "--data-dir", data], check=True, capture_output=True, text=True
                ).stdout
            )
            for address in roles.values():
                self.call("devnet_setBalance", address, hex(10**21))
            self.deployment = pathlib.Path(data) / "deployment.json"
            self.deployment.write_text(self.deploy(python, environment, hello["accounts"][0]["privateKey"], roles))
        except BaseException:
            self.stop()
            raise
        self.arguments = [
            "--ledger", "evm", "--ledger-endpoint", self.url, "--ledger-deployment", str(self.deployment),
        ]

    def deploy(self, python, environment, key, roles):
        administrator = roles["administrator"]
        arguments = ["--rpc", self.url, "--key", key, "--owner", administrator]
        for role in ("guardian", "reporter", "attester", "committee", "council"):
            arguments += ["--role", f"{role}={administrator}"]
        arguments += ["--role", f"registrar={roles['registrar']}", "--role", f"signer={roles['faucetSigner']}"]
        arguments += ["--allocate", f"{administrator}=853000000", "--allocate", "Faucet=1000000"]
        deployed = subprocess.run(
            [python, ROOT / "contracts/deploy.py", *arguments], env=environment, capture_output=True, text=True
        )
        if deployed.returncode != 0:
            raise SystemExit("chain: the contracts were not deployed:\n" + deployed.stderr)
        return deployed.stdout

    def call(self, method, *parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        answer = json.load(urllib.request.urlopen(request, timeout=60))
        if "error" in answer:
            raise SystemExit(f"chain: {method}: {answer['error']}")
        return answer["result"]

    def stop(self):
        self.process.kill()
        self.process.wait()


def main():
    """Runs a whole network on a fresh chain until it is interrupted: chain.py PROGRAM [flags of `lattice up`]"""
    import shutil
    import signal
    import tempfile

    program, flags = os.path.abspath(sys.argv[1]), sys.argv[2:]
    data = tempfile.mkdtemp(prefix="lattice-chain-")
    chain = None
    try:
        print("Starting a development chain and deploying the contracts; all of it is gone when this ends.", flush=True)
        chain = Chain(program, data)
        network = subprocess.Popen([program, "up", "--data-dir", data, *chain.arguments, *flags])
        # The network hears an interruption as well, and stops in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: network.terminate())
        sys.exit(network.wait())
    finally:
        if chain:
            chain.stop()
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
