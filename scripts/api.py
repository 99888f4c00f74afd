"""The test behind api.sh: the unmodified openai client against a network whose nodes serve several models."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import openai

from demo import Program, say, until

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get("LATTICE_SHARED", ROOT.parent / "shared"))
TINY = ROOT / "Models/lattice-tiny-q8_0.gguf"

# Qwen's way to show tools, in few words.
TOOL_TEMPLATE = """{% if tools %}<|im_start|>system
You can call tools. Write <tool_call>{"name": ..., "arguments": ...}</tool_call>.
Tools:{% for tool in tools %}
{{ tool.function | tojson }}{% endfor %}<|im_end|>
{% endif %}{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}{% for call in message.tool_calls or [] %}<tool_call>
{{ call.function | tojson }}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "mood": {"enum": ["good", "bad"]},
    },
    "required": ["name", "age", "mood"],
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "tells the weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "maxLength": 12},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
            },
            "required": ["city", "days"],
        },
    },
}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "tells the time"}}


def check(holds, what):
    if not holds:
        raise SystemExit(f"api: does not hold: {what}")
    say(f"  holds: {what}")


def retemplated(source, template, target):
    """Copies a GGUF file with another chat template."""
    data = source.read_bytes()
    place = 24
    tensors, pairs = struct.unpack_from("<QQ", data, 8)
    sizes = {0: 1, 1: 1, 7: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 10: 8, 11: 8, 12: 8}

    def string(at):
        (length,) = struct.unpack_from("<Q", data, at)
        return data[at + 8 : at + 8 + length], at + 8 + length

    def after(kind, at):
        if kind == 8:
            return string(at)[1]
        if kind == 9:
            inner, count = struct.unpack_from("<IQ", data, at)
            at += 12
            for _ in range(count):
                at = after(inner, at)
            return at
        return at + sizes[kind]

    header = b""
    for _ in range(pairs):
        start = place
        key, place = string(place)
        (kind,) = struct.unpack_from("<I", data, place)
        end = after(kind, place + 4)
        if key == b"tokenizer.chat_template":
            text = template.encode()
            header += data[start : place + 4] + struct.pack("<Q", len(text)) + text
        else:
            header += data[start:end]
        place = end
    start = place
    for _ in range(tensors):
        _, place = string(place)
        (dimensions,) = struct.unpack_from("<I", data, place)
        place += 4 + 8 * dimensions + 12
    header = data[:24] + header + data[start:place]
    aligned = lambda count: (count + 31) // 32 * 32
    target.write_bytes(header.ljust(aligned(len(header)), b"\0") + data[aligned(place) :])


def missing(ours, theirs, path=""):
    """Names of what a recorded answer of llama.cpp has and ours has not."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            if key in ("timings", "system_fingerprint") or (key == "id" and "top_logprobs" in path + "".join(theirs)):
                continue
            if not isinstance(ours, dict) or key not in ours:
                yield f"{path}.{key}"
            else:
                yield from missing(ours[key], value, f"{path}.{key}")
    elif isinstance(theirs, list) and theirs and isinstance(ours, list) and ours:
        yield from missing(ours[0], theirs[0], path + "[]")


class Test:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.nodes = []

    def node(self, model, name):
        node = Program(
            self.program, "node", "start", "--json", "--join", self.join, "--name", name, "--model", str(model),
            "--model-name", name, "--data-dir", str(self.folder / f"node-{name}"),
        )
        self.nodes.append(node)
        node.first_object(60)

    def chat(self, prompt, model="lattice-tiny", **fields):
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        fields = {"temperature": 0, "max_tokens": 80} | fields
        return self.client.chat.completions.create(model=model, messages=messages, **fields)

    def refused(self, what, param, **fields):
        try:
            self.chat("Hello!", **fields)
        except openai.BadRequestError as error:
            check(error.param == param, f"{what} is refused and names {param} ({error.body['message']})")
        else:
            check(False, f"{what} is refused")

    def run(self):
        network = Program(
            self.program, "up", "--json", "--port", "0", "--p2p-listen", "/ip4/127.0.0.1/tcp/0",
            "--data-dir", str(self.folder / "data"),
        )
        try:
            where = network.first_object(60)
            self.join = where["join"]
            self.client = openai.OpenAI(base_url=where["base_url"], api_key=where["api_key"], max_retries=0, timeout=120)
            tools = self.folder / "tools.gguf"
            retemplated(TINY, TOOL_TEMPLATE, tools)
            self.node(tools, "tiny-tools")
            for part in (self.formats, self.tools, self.probabilities, self.cache, self.receipts, self.recorded,
                         self.embeddings):
                say(f"\n{part.__doc__}")
                part()
            say("\nModels of every architecture")
            self.architectures()
            for node in self.nodes:
                node.stop()
            network.stop()
        finally:
            network.kill()
            for node in self.nodes:
                node.kill()

    def formats(self):
        """Answers that are kept to a form"""
        schema = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
        answer = self.chat("Anna is 31 years old.", response_format=schema)
        person = json.loads(answer.choices[0].message.content)
        check(list(person) == ["name", "age", "mood"], f"an answer under a schema has its members: {person}")
        check(0 <= person["age"] <= 150 and person["mood"] in ("good", "bad"), "and their values are valid")
        check(answer.choices[0].finish_reason == "stop", "it ends by itself")
        text = ""
        for chunk in self.chat("Anna is 31 years old.", response_format=schema, stream=True):
            text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        check(json.loads(text) == person, "a stream of it says the same")
        whole = self.chat("Say something in JSON.", response_format={"type": "json_object"}, max_tokens=1500)
        if whole.choices[0].finish_reason == "stop":
            check(isinstance(json.loads(whole.choices[0].message.content), dict), "any object is an object")
        words = self.chat("Pick one.", extra_body={"grammar": 'root ::= "yes" | "no"'}).choices[0].message.content
        check(words in ("yes", "no"), f"a grammar leaves two words: {words}")
        banned = self.chat("What is Nexus?", logit_bias={"1644": -100}, max_tokens=1).choices[0].message.content
        check(banned != "Nexus", f"a biased token does not come: {banned!r}")
        self.refused("a schema that is none", "response_format", response_format={
            "type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "number", "minimum": "low"}}})
        self.refused("a grammar that is none", "grammar", extra_body={"grammar": "root ::= ("})
        self.refused("top_logprobs without logprobs", "top_logprobs", top_logprobs=2)
        self.refused("a broken max_tokens", "max_tokens", max_tokens=1.5)

    def tools(self):
        """Tools"""
        self.refused("a tool for a model that knows none", "tools", tools=[CLOCK])
        messages = [{"role": "user", "content": "What is the weather in Rome?"}]
        fields = {"model": "tiny-tools", "tools": [WEATHER, CLOCK]}
        forced = {"type": "function", "function": {"name": "weather"}}
        answer = self.chat(messages, tool_choice=forced, max_tokens=300, **fields)
        choice = answer.choices[0]
        call = choice.message.tool_calls[0]
        arguments = json.loads(call.function.arguments)
        check(choice.finish_reason == "tool_calls" and choice.message.content is None, "a forced call ends the turn")
        check(call.id.startswith("call_") and call.function.name == "weather", f"it has an id and a name: {call.id}")
        check(len(arguments["city"]) <= 12 and 1 <= arguments["days"] <= 7, f"its arguments are valid: {arguments}")
        parts = {}
        for chunk in self.chat(messages, tool_choice=forced, max_tokens=300, stream=True, **fields):
            for piece in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
                known = parts.setdefault(piece.index, {"id": piece.id, "name": piece.function.name, "arguments": ""})
                known["arguments"] += piece.function.arguments or ""
        check(json.loads(parts[0]["arguments"]) == arguments and parts[0]["id"], "a stream of it calls the same")
        some = self.chat(messages, tool_choice="required", max_tokens=300, **fields).choices[0].message.tool_calls
        check(len(some) == 1 and some[0].function.name in ("weather", "clock"), "required calls one of the tools")
        plain = self.chat(messages, tool_choice="none", max_tokens=40, **fields)
        check(not plain.choices[0].message.tool_calls, "none calls none")
        messages += [
            choice.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "It is sunny, 21 degrees."},
        ]
        last = self.chat(messages, max_tokens=60, **fields)
        check(last.choices[0].message.content, f"the result is answered: {last.choices[0].message.content!r}")
        check(last.usage.prompt_tokens > answer.usage.prompt_tokens, "the prompt has the call and its result")

    def probabilities(self):
        """Log probabilities"""
        answer = self.chat("What is Nexus?", logprobs=True, top_logprobs=3, max_tokens=3).choices[0]
        entries = answer.logprobs.content
        check(len(entries) == 3 and all(len(entry.top_logprobs) == 3 for entry in entries), "each token has three")
        check("".join(entry.token for entry in entries) == answer.message.content, "the tokens are the answer")
        check(all(bytes(entry.bytes).decode() == entry.token for entry in entries), "so are their bytes")
        streamed = []
        for chunk in self.chat("What is Nexus?", logprobs=True, top_logprobs=3, max_tokens=3, stream=True):
            if chunk.choices and chunk.choices[0].logprobs:
                streamed += chunk.choices[0].logprobs.content
        check(streamed == entries, "a stream has the same, to the bit")

    def cache(self):
        """Cached prompts"""
        prompt = "Remember these words: " + " ".join(f"word{index}" for index in range(60))
        first, second = self.chat(prompt, max_tokens=4), self.chat(prompt, max_tokens=4)
        cached = second.usage.prompt_tokens_details.cached_tokens
        check(first.usage.prompt_tokens_details.cached_tokens < cached, f"the second prompt is cached: {cached} tokens")
        check(first.choices[0].message.content == second.choices[0].message.content, "the answer is the same")

    def receipts(self):
        """Receipts of computation"""
        answer = self.chat("What is Lattice?", extra_body={"lattice": {"receipt": True}}, seed=7, temperature=0.8)
        computation = answer.model_extra["lattice"]["computation"]
        receipt = computation["receipt"]
        check(len(computation["prompt_tokens"]) == answer.usage.prompt_tokens == receipt["promptTokens"], "prompt")
        check(len(computation["answer_tokens"]) == receipt["tokens"], f"tokens, and the hash {receipt['chain'][:16]}")
        again = self.chat("What is Lattice?", extra_body={"lattice": {"receipt": True}}, seed=7, temperature=0.8)
        check(again.model_extra["lattice"]["computation"] == computation, "the same bits on the second request")
        check("computation" not in self.chat("Hello!").model_extra["lattice"], "none where none is asked for")
        self.verify(computation, TINY, "lattice verify believes it")
        person = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
        schema = self.chat("Anna is 31.", response_format=person, extra_body={"lattice": {"receipt": True}})
        self.verify(schema.model_extra["lattice"]["computation"], TINY, "and that of an answer under a schema")
        call = self.chat("What time is it?", model="tiny-tools", tools=[WEATHER, CLOCK], tool_choice="required",
                         max_tokens=300, extra_body={"lattice": {"receipt": True}})
        self.verify(call.model_extra["lattice"]["computation"], self.folder / "tools.gguf", "and that of a forced call")

    def verify(self, computation, model, what):
        help_text = subprocess.run([self.program, "--help"], capture_output=True, text=True, timeout=60).stdout
        if " verify " not in help_text:
            return
        path = self.folder / "receipt.json"
        path.write_text(json.dumps(computation))
        out = subprocess.run(
            [self.program, "verify", str(path), "--model", str(model)], capture_output=True, text=True, timeout=120
        )
        check(out.returncode == 0, f"{what} {out.stderr if out.returncode else ''}")

    def recorded(self):
        """What llama.cpp's server answered"""
        folder = SHARED / "models/openai-fixtures"
        if not folder.exists():
            return say("  skipped: the recorded answers are not here")
        for name in ("chat", "chat-stop", "chat-length", "chat-json", "chat-logprobs"):
            record = json.loads((folder / f"{name}.json").read_text())
            ours = self.client.post("/chat/completions", body=record["body"] | {"model": "lattice-tiny"}, cast_to=object)
            theirs = json.loads(record["answer"])
            lacking = list(missing(ours, theirs))
            check(not lacking, f"{name} has all that llama.cpp's has {lacking or ''}")
            if name != "chat-json":
                says = lambda answer: answer["choices"][0]["message"]["content"]
                check(says(ours) == says(theirs), f"{name} says the same: {says(ours)[:40]!r}")
                check(ours["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"], f"{name} counts the same")

    def embeddings(self):
        """Embeddings"""
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        source = pathlib.Path(os.environ.get("LATTICE_EMBEDDERS") or cache / "lattice/embedders") / "all-MiniLM-L6-v2-q8_0.gguf"
        if not source.exists():
            return say("  skipped: scripts/embedder.sh has not fetched the model")
        self.node(source, "minilm")
        until("the embedder is listed", lambda: "minilm" in {model.id for model in self.client.models.list().data})
        texts = ["A cat sits on the mat.", "A kitten lies on the rug.", "The ledger is conserved."]
        answer = self.client.embeddings.create(model="minilm", input=texts)
        vectors = [entry.embedding for entry in answer.data]
        dot = lambda left, right: sum(a * b for a, b in zip(left, right))
        check(all(abs(dot(v, v) - 1) < 1e-3 for v in vectors), f"vectors of length 1 and {len(vectors[0])} dimensions")
        check(dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2]), "like texts lie in like directions")
        plain = self.client.embeddings.create(model="minilm", input=texts, encoding_format="float")
        floats = lambda vector: struct.pack(f"<{len(vector)}f", *vector)
        check(
            [floats(entry.embedding) for entry in plain.data] == [floats(vector) for vector in vectors],
            "base64 and numbers are the same",
        )
        check(answer.usage.prompt_tokens > 10 and answer.model_extra["lattice"]["cost"], "they are billed by their tokens")
        try:
            self.client.embeddings.create(model="minilm", input="x", dimensions=12)
        except openai.BadRequestError as error:
            check(error.param == "dimensions", "other dimensions are refused")
        self.refused("a chat with an embedder", "model", model="minilm")

    def architectures(self):
        models = sorted((SHARED / "models/arch-fixtures").glob("*.gguf"))
        if not models:
            return say("  skipped: the fixtures are not here")
        for path in models:
            self.node(path, path.stem)
        names = {path.stem for path in models}
        until("all models are listed", lambda: names <= {model.id for model in self.client.models.list().data})
        schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {
            "type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}}}
        for name in sorted(names):
            ask = lambda **fields: self.chat("Hello, how are you?", model=name, **{"max_tokens": 12} | fields)
            first, second = ask(logprobs=True), ask(logprobs=True)
            check(first.usage.completion_tokens >= 1, f"{name} answers {first.choices[0].message.content!r}")
            check(first.choices[0] == second.choices[0], f"{name} answers the same again")
            value = json.loads(ask(response_format=schema, max_tokens=100).choices[0].message.content)
            check(isinstance(value["a"], bool), f"{name} keeps to a schema: {value}")
            receipt = ask(extra_body={"lattice": {"receipt": True}}).model_extra["lattice"]["computation"]
            path = SHARED / f"models/arch-fixtures/{name}.gguf"
            self.verify(receipt, path, f"{name} gives a receipt that verifies")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lattice-api-"))
    started = time.monotonic()
    try:
        Test(os.path.abspath(sys.argv[1]), folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"api: all of it holds ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
