"""The test behind engines.sh: a node with a llama.cpp server in a real network, asked by the unmodified openai client."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

import openai

from demo import Program, check, say, until

HERE = pathlib.Path(__file__).resolve().parent
MODEL = HERE.parent / "Models" / "lattice-tiny-q8_0.gguf"
QUESTIONS = ["What is Lattice?", "What does Nexus do?", "Who are you?"]


class LlamaServer:
    """A running llama.cpp server; it ends with its standard input."""

    def __init__(self, python, port=0):
        self.process = subprocess.Popen(
            [python, str(HERE / "llama-server.py"), str(MODEL), "--port", str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        line = self.process.stdout.readline()
        check(line, "llama.cpp's server starts")
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def busy_slots(self):
        with urllib.request.urlopen(self.url + "/slots", timeout=10) as answer:
            return sum(slot["is_processing"] for slot in json.load(answer))

    def kill(self):
        self.process.kill()
        self.process.wait()


class Test:
    def __init__(self, program, python, folder):
        self.program, self.python, self.folder = program, python, folder
        self.data = str(folder / "data")
        self.spent = 0

    def lattice_json(self, *arguments):
        out = subprocess.run([self.program, *arguments, "--json"], capture_output=True, text=True, timeout=120)
        check(out.returncode == 0, f"lattice {' '.join(arguments)}: {out.stderr}{out.stdout}")
        return json.loads(out.stdout)

    def get(self, path):
        return self.client.get(path, cast_to=object)

    def ask(self, question, model, **more):
        answer = self.client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], **{"temperature": 0, "max_tokens": 60, **more}
        )
        self.spent += round(float(answer.model_extra["lattice"]["cost"]) * 1e9)
        return answer

    def endless(self):
        """An answer that ends at its limit and not before."""
        return self.client.chat.completions.create(
            model="behind", messages=[{"role": "user", "content": "Tell me everything."}], max_tokens=1900, stream=True,
            extra_body={"grammar": "root ::= [a-z ] root"},
        )

    @staticmethod
    def first_piece(stream):
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                return
        check(False, "an answer has a first piece")

    def run(self):
        server = LlamaServer(self.python)
        network = node = None
        try:
            network = Program(
                self.program, "up", "--json", "--port", "0", "--p2p-listen", "/ip4/127.0.0.1/tcp/0", "--data-dir", self.data
            )
            where = network.first_object(60)
            self.client = openai.OpenAI(base_url=where["base_url"], api_key=where["api_key"], max_retries=0, timeout=60)
            node = Program(
                self.program, "node", "start", "--json", "--join", where["join"], "--name", "behind", "--model-name", "behind",
                "--data-dir", str(self.folder / "node"), "--engine", server.url,
            )
            started = node.first_object(60)
            check(started["engine"] == "llama.cpp", "the node says which engine it has")
            until("both models are there", lambda: {m.id for m in self.client.models.list().data} >= {where["model"], "behind"})
            before = self.lattice_json("ledger", "balances", "--data-dir", self.data)

            say("The same model in both engines:")
            for question in QUESTIONS:
                ours, theirs = self.ask(question, where["model"]), self.ask(question, "behind")
                check(theirs.model_extra["lattice"]["node"]["id"] == started["node"], "the node behind the engine answers")
                check(ours.choices[0].message.content == theirs.choices[0].message.content, "the words are the same")
                check(ours.usage.prompt_tokens == theirs.usage.prompt_tokens, "the prompt has as many tokens")
                check(ours.usage.completion_tokens == theirs.usage.completion_tokens, "the answer has as many tokens")
                say(f"  {question!r} -> {theirs.choices[0].message.content.strip()[:50]!r} ({theirs.usage.total_tokens} tokens)")

            say("What the other engine can do:")
            schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer"}},
                      "required": ["name", "age"], "additionalProperties": False}
            person = self.ask(
                "Anna is 31 years old.", "behind",
                response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema}},
            )
            check(set(json.loads(person.choices[0].message.content)) == {"name", "age"}, "an answer keeps to its schema")
            told = self.ask(QUESTIONS[0], "behind", logprobs=True, top_logprobs=2, max_tokens=5)
            check(len(told.choices[0].logprobs.content) == 5, "log probabilities are told")
            say(f"  {person.choices[0].message.content}, and log probabilities")

            say("A reader who leaves:")
            for _ in range(3):
                stream = self.endless()
                self.first_piece(stream)
                stream.close()
                begin = time.monotonic()
                until("the slot is free", lambda: server.busy_slots() == 0)
                until("the hold of the answer ends", lambda: self.get("/account")["reserved"] == "0.000000000")
            say(f"  the last one's slot was free after {time.monotonic() - begin:.2f} s")

            say("A server that is killed in mid-answer:")
            stream = self.endless()
            self.first_piece(stream)
            server.kill()
            try:
                for _ in stream:
                    pass
                check(False, "an answer that breaks off is an error")
            except openai.APIError as error:
                say(f"  the reader hears: {str(error)[:80]}")
            try:
                self.ask(QUESTIONS[0], "behind")
                check(False, "no answer without an engine")
            except openai.APIStatusError as error:
                check(error.status_code >= 500, "it is the network's fault and not the caller's")
                say(f"  the next one hears: {error.status_code} {str(error)[:80]}")
            server = LlamaServer(self.python, server.port)

            def is_back():
                try:
                    return bool(self.ask(QUESTIONS[0], "behind"))
                except openai.APIStatusError:
                    return False

            until("the node answers again", is_back, 60)
            say("  and when it is back, so is the node")

            until("everything is settled", lambda: self.get("/account")["unsettled"] == "0.000000000", 30)
            account = self.get("/account")
            node.stop()
            network.stop()
        finally:
            server.kill()
            for program in (node, network):
                if program:
                    program.kill()

        after = self.lattice_json("ledger", "balances", "--data-dir", self.data)
        check(before["sum"] == after["sum"], "the sum is the same as before, to the nano")
        left = round((float(account["available"]) + float(account["bonus"])) * 1e9)
        check(5_000_000_000 - left >= self.spent, "the user paid at least what the answers said they cost")
        check(self.lattice_json("ledger", "verify", "--data-dir", self.data)["verified"], "the ledger verifies")
        say("The ledger verifies, and its sum is conserved.")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lattice-engines-"))
    try:
        Test(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("engines: all of it holds")


if __name__ == "__main__":
    main()
