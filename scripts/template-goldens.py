#!/usr/bin/env python3
"""Renders chat templates with Jinja2, set up as `transformers` sets it up, for tests to compare with.

usage: template-goldens.py FOLDER OUT.json     FOLDER holds *.jinja; needs the package jinja2
"""
import datetime
import json
import os
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

NOW = datetime.datetime(2026, 11, 21, 12, 0, 0)
TOOLS = [
    {"type": "function", "function": {
        "name": "weather", "description": "The weather \u2014 \"now\"",
        "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Where"}}, "required": ["city"]},
    }},
    {"type": "function", "function": {"name": "time", "description": "", "parameters": {"type": "object", "properties": {}}}},
]
ARGUMENTS = '{"city": "K\u00f6ln", "days": 2, "exact": true}'
TALK = [
    {"role": "user", "content": "Hi <there> & \"you\""}, {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": " What is 2+2?\n"},
]
CASES = {
    "one": dict(turns=TALK[:1]),
    "talk": dict(turns=TALK),
    "system": dict(turns=[{"role": "system", "content": " Be brief. "}] + TALK),
    "ended": dict(turns=TALK[:2], generating=False),
    "thinking": dict(turns=TALK[:1] + [{"role": "assistant", "content": "Yo", "reasoning": "Who?"}] + TALK[2:]),
    "tools": dict(turns=TALK[:1], tools=True),
    "calls": dict(tools=True, turns=[
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": "", "calls": [{"id": "abc123456", "name": "weather", "arguments": ARGUMENTS}]},
        {"role": "tool", "content": "{\"rain\": 0.5}", "id": "abc123456", "name": "weather"},
        {"role": "assistant", "content": "A little."}, {"role": "user", "content": "Thanks"},
    ]),
}


class Generation(jinja2.ext.Extension):
    """The block by which trainers find an assistant's words; its text is as if it were not there."""

    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Refused(Exception):
    pass


def refuse(message):
    raise Refused(message)


def environment():
    e = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols, Generation])
    e.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    # Prompts are no HTML: marked as safe, a text would have what it is joined with escaped.
    e.filters["safe"] = lambda x: x
    e.globals["raise_exception"] = refuse
    e.globals["strftime_now"] = NOW.strftime
    return e


def message(turn, as_text, with_content):
    calls = turn.get("calls")
    out = {"role": turn["role"], "content": None if calls and not turn["content"] and not with_content else turn["content"]}
    if "reasoning" in turn:
        out["reasoning_content"] = turn["reasoning"]
    if calls:
        out["tool_calls"] = [
            {"type": "function", "id": c["id"], "function": {
                "name": c["name"], "arguments": c["arguments"] if as_text else json.loads(c["arguments"])}} for c in calls]
    if turn["role"] == "tool":
        out["tool_call_id"], out["name"] = turn["id"], turn["name"]
    return out


def render(template, case):
    forms = [(False, False), (True, False), (False, True), (True, True)]
    variables = {"add_generation_prompt": case.get("generating", True), "bos_token": "<s>", "eos_token": "</s>"}
    if case.get("tools"):
        variables["tools"] = TOOLS
    for form in forms if any(t.get("calls") for t in case["turns"]) else forms[:1]:
        try:
            return {"text": template.render(messages=[message(t, *form) for t in case["turns"]], **variables)}
        except Refused as error:
            return {"refused": str(error)}
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
    return {"failed": failure}


def main():
    folder, out = sys.argv[1:]
    results = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".jinja"):
            continue
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            source = file.read()
        try:
            template = environment().from_string(source)
        except jinja2.TemplateError as error:
            results.append({"template": name, "case": "syntax", "failed": str(error)})
            continue
        results += [{"template": name, "case": key, **render(template, case)} for key, case in CASES.items()]
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"now": int(NOW.replace(tzinfo=datetime.timezone.utc).timestamp()), "tools": TOOLS, "cases": CASES,
                   "results": results}, file, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
