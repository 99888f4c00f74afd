"""The demonstration behind demo.sh: drives a real network with the unmodified openai client.

With LEDGER=evm the network keeps its money on contracts of a development chain.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import openai

import chain

PROMPTS = ["What is Lattice?", "What is a knowledge hub?", "What does Nexus do?", "Who are you?", "What is a voucher?"]


def say(text):
    print(text, flush=True)


class Program:
    """A running lattice process whose first output is one JSON object."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.errors = []
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()

    def first_object(self, seconds):
        """Waits for the object; fails with what the program printed."""
        result = {}

        def read():
            lines = []
            for line in self.process.stdout:
                lines.append(line)
                if line.rstrip() == "}":
                    result.update(json.loads("".join(lines)))
                    return

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(seconds)
        if not result:
            self.process.kill()
            raise SystemExit(f"demo: the program did not start within {seconds} s:\n{''.join(self.errors)}")
        return result

    def stop(self, seconds=30):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        if code != 0:
            raise SystemExit(f"demo: it ended with status {code}:\n{''.join(self.errors)}")

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def until(what, condition, seconds=15):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise SystemExit(f"demo: waited {seconds} s in vain: {what}")


def check(holds, what):
    if not holds:
        raise SystemExit(f"demo: does not hold: {what}")


class Demonstration:
    def __init__(self, program, folder, chain=None):
        self.program, self.folder, self.chain = program, folder, chain
        self.data = str(folder / "data")
        self.ledger = chain.arguments if chain else []
        self.answered_by = {}
        self.spent = 0

    def lattice_json(self, *arguments):
        out = subprocess.run([self.program, *arguments, "--json"], capture_output=True, text=True, timeout=120)
        if out.returncode != 0:
            raise SystemExit(f"demo: lattice {' '.join(arguments)} failed:\n{out.stderr}{out.stdout}")
        return json.loads(out.stdout)

    def get(self, path):
        return self.client.get(path, cast_to=object)

    def balances(self, when):
        figures = self.lattice_json("ledger", "balances", "--data-dir", self.data, *self.ledger)
        say(f"\nBalances {when} (LAI):")
        for row in figures["rows"]:
            say(f"  {row['name']:<28} {row['amount']:>24}")
        say(f"  {'sum':<28} {figures['sum']:>24}   supply {figures['supply']}")
        check(figures["sum"] == figures["supply"], "the sum of all balances is the supply")
        return figures

    def account(self, lattice):
        """Notes who answered, and what it cost."""
        node = lattice["node"]["id"]
        self.answered_by[node] = self.answered_by.get(node, 0) + 1
        self.spent += round(float(lattice["cost"]) * 1e9)
        return f"node {node}, {lattice['cost']} LAI"

    def ask(self, prompt):
        answer = self.client.chat.completions.create(
            model=self.model, messages=[{"role": "user", "content": prompt}], temperature=0, max_tokens=60
        )
        check(answer.choices[0].message.content, "an answer has words")
        check(answer.usage.completion_tokens > 0, "usage is counted")
        return answer.choices[0].message.content, self.account(answer.model_extra["lattice"])

    def stream(self, prompt):
        text, usage, lattice = "", None, None
        for chunk in self.client.chat.completions.create(
            model=self.model, messages=[{"role": "user", "content": prompt}], temperature=0, max_tokens=60,
            stream=True, stream_options={"include_usage": True},
        ):
            if chunk.choices and chunk.choices[0].delta.content:
                text += chunk.choices[0].delta.content
            usage = chunk.usage or usage
            lattice = (chunk.model_extra or {}).get("lattice") or lattice
        check(text and usage and lattice, "a stream has words, usage and its account")
        return text, self.account(lattice)

    def abort(self, prompt):
        """Leaves after the third piece; only what arrived is charged."""
        stream = self.client.chat.completions.create(
            model=self.model, messages=[{"role": "user", "content": prompt}], temperature=0, max_tokens=400, stream=True
        )
        pieces = []
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                pieces.append(chunk.choices[0].delta.content)
            if len(pieces) == 3:
                break
        stream.close()
        until("the hold of the aborted answer ends", lambda: self.get("/account")["reserved"] == "0.000000000")
        return "".join(pieces)

    def show(self, how, prompt, text, account):
        say(f"  {how:<11} {prompt!r} -> {text.strip()[:60]!r} ({account})")

    def run(self):
        started = time.monotonic()
        network = Program(
            self.program, "up", "--json", "--port", "0", "--p2p-listen", "/ip4/127.0.0.1/tcp/0", "--data-dir", self.data,
            *self.ledger,
        )
        second = None
        try:
            where = network.first_object(60)
            self.client = openai.OpenAI(base_url=where["base_url"], api_key=where["api_key"], max_retries=0, timeout=60)
            self.model = self.client.models.list().data[0].id
            say(f"The network is up after {time.monotonic() - started:.1f} s: {where['base_url']}, model {self.model}.")
            before = self.balances("before")

            say("\nTen prompts:")
            for prompt in PROMPTS[:3]:
                self.show("whole", prompt, *self.ask(prompt))
            for prompt in PROMPTS[2:5]:
                self.show("streamed", prompt, *self.stream(prompt))
            together = []
            threads = [
                threading.Thread(target=lambda p=prompt: together.append((p, *self.stream(p)))) for prompt in PROMPTS[:2]
            ]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
            check(len(together) == 2, "two at once are both answered")
            for prompt, text, account in together:
                self.show("two at once", prompt, text, account)
            say(f"  aborted     after {self.abort('Tell me a long story about Lattice.')!r}")
            try:
                self.client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "x"}])
                check(False, "an unknown model is refused")
            except openai.NotFoundError as error:
                check(error.code == "model_not_found", "an unknown model is refused by name")
                say(f"  refused     {error.body['message']}")

            say("\nA second node joins:")
            second = Program(
                self.program, "node", "start", "--json", "--join", where["join"], "--name", "second",
                "--data-dir", str(self.folder / "second"),
            )
            number = second.first_object(60)["node"]
            until("both nodes are live", lambda: [n["state"] for n in self.get("/nodes")["data"]] == ["live", "live"])
            self.answered_by.clear()
            for index in range(40):
                self.ask(PROMPTS[index % len(PROMPTS)])
                if len(self.answered_by) == 2:
                    break
            say(f"  answers by node: {self.answered_by}")
            check(len(self.answered_by) == 2, "both nodes get work")
            second.kill()
            until(
                "the killed node is out of routing",
                lambda: [n["state"] for n in self.get("/nodes")["data"] if n["id"] == number] != ["live"],
            )
            self.answered_by.clear()
            for prompt in PROMPTS:
                self.ask(prompt)
            check(number not in self.answered_by, "a killed node gets no work")
            say(f"  node {number} was killed; the next answers came from {sorted(self.answered_by)}")

            until("everything is settled", lambda: self.get("/account")["unsettled"] == "0.000000000", 30)
            account = self.get("/account")
            network.stop()
        finally:
            network.kill()
            if second:
                second.kill()

        after = self.balances("after")
        check(before["sum"] == after["sum"], "the sum is the same as before, to the nano")
        left = round((float(account["available"]) + float(account["bonus"])) * 1e9)
        check(5_000_000_000 - left >= self.spent, "the user paid at least what the answers said they cost")
        if self.chain:
            say(f"\nThe chain is at block {int(self.chain.call('eth_blockNumber'), 16)}. The sum is conserved.")
            return
        report = self.lattice_json("ledger", "verify", "--data-dir", self.data)
        check(report["verified"], "the ledger verifies")
        say(f"\nThe ledger verifies: {report['blocks']} blocks, {report['commands']} commands. The sum is conserved.")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lattice-demo-"))
    program, ledger = os.path.abspath(sys.argv[1]), None
    try:
        if os.environ.get("LEDGER", "local") == "evm":
            # At once, as on the embedded ledger: a demonstration has no hour for vouchers to gather.
            os.environ.update(LATTICE_SETTLE_VALUE="1", LATTICE_SETTLE_AGE="0")
            ledger = chain.Chain(program, str(folder / "data"))
        Demonstration(program, folder, ledger).run()
    finally:
        if ledger:
            ledger.stop()
        shutil.rmtree(folder, ignore_errors=True)
    say("demo: all of it holds")


if __name__ == "__main__":
    main()
