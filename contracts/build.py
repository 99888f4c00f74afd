#!/usr/bin/env python3
"""Compiles the contracts into build/*.json, which is checked in, so that nothing else needs a compiler.

    build.py            writes what changed
    build.py --check    writes nothing, and fails where a file is not what the sources make

Needs vyper of VERSION; the same sources give the same bytes everywhere.
"""
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
VERSION = "0.4.3"
EVM = "cancun"
# EIP-170.
CODE_LIMIT = 24_576
IMPORT = re.compile(r"^from (modules|interfaces) import (\w+)", re.M)


def sources():
    return sorted(ROOT.glob("*.vy"))


def closure(path):
    """A source with everything that it imports."""
    found, queue = {}, [path]
    while queue:
        file = queue.pop()
        if file in found:
            continue
        text = found[file] = file.read_text()
        for folder, name in IMPORT.findall(text):
            stem = ROOT / folder / name
            queue.append(stem.with_suffix(".vy" if folder == "modules" else ".vyi"))
    return found


def source_hash(path):
    """sha256 over the names and the texts of a source and its imports."""
    digest = hashlib.sha256()
    for file, text in sorted(closure(path).items()):
        digest.update(f"{file.relative_to(ROOT)}\n{len(text)}\n{text}".encode())
    return "0x" + digest.hexdigest()


def compile(path):
    """The artefact of a source, as it is written."""
    from vyper.utils import keccak256

    # A process of its own: the compiler takes its version from where it is installed, and its caches with it.
    done = subprocess.run(
        [sys.executable, "-m", "vyper.cli.vyper_compile", "-p", str(ROOT), "--evm-version", EVM,
         "-f", "abi,bytecode,bytecode_runtime", str(path)],
        capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr.strip() or done.stdout.strip())
    abi, code, runtime = done.stdout.strip().split("\n")[-3:]
    size = len(runtime) // 2 - 1
    return {
        "contract": path.stem,
        "compiler": f"vyper {VERSION}, {EVM}",
        "sourceHash": source_hash(path),
        # keccak256 of the first `runtimeSize` bytes of the code on a chain; behind them the constructor puts the immutables.
        "runtimeHash": "0x" + keccak256(bytes.fromhex(runtime[2:])).hex(),
        "runtimeSize": size,
        "abi": json.loads(abi),
        "bytecode": code,
    }


def text_of(artefact):
    """One line an ABI entry, so that a change shows what changed."""
    head = {k: v for k, v in artefact.items() if k not in ("abi", "bytecode")}
    lines = json.dumps(head, indent=2)[:-2]
    entries = ",\n    ".join(json.dumps(e, separators=(", ", ": ")) for e in artefact["abi"])
    return f'{lines},\n  "abi": [\n    {entries}\n  ],\n  "bytecode": "{artefact["bytecode"]}"\n}}\n'


def load(name):
    """The checked-in artefact of a contract."""
    return json.loads((BUILD / f"{name}.json").read_text())


def is_fresh(path, artefact):
    return artefact.exists() and json.loads(artefact.read_text())["sourceHash"] == source_hash(path)


def version():
    done = subprocess.run([sys.executable, "-m", "vyper.cli.vyper_compile", "--version"], capture_output=True, text=True)
    return done.stdout.strip()


def most_code(artefact):
    """Bytes of the code on a chain: immutables take a word each at most, and the source names them."""
    source = "".join(closure(ROOT / f"{artefact['contract']}.vy").values())
    return artefact["runtimeSize"] + 32 * source.count("immutable(")


def main():
    check = "--check" in sys.argv[1:]
    if not version().startswith(VERSION + "+"):
        raise SystemExit(f"build: vyper {VERSION} is needed, this is {version() or 'none'}")
    BUILD.mkdir(exist_ok=True)
    stale = [f for f in BUILD.glob("*.json") if not (ROOT / f"{f.stem}.vy").exists()]
    for path in sources():
        artefact, target = compile(path), BUILD / f"{path.stem}.json"
        text = text_of(artefact)
        if most_code(artefact) >= CODE_LIMIT:
            raise SystemExit(f"build: {path.name} has {most_code(artefact)} bytes of code, {CODE_LIMIT} are the limit")
        if target.exists() and target.read_text() == text:
            continue
        stale.append(target)
        if not check:
            target.write_text(text)
            print(f"{path.stem}: {artefact['runtimeSize']} bytes")
    if check and stale:
        raise SystemExit("build: not what the sources make: " + ", ".join(f.name for f in stale))
    for file in stale:
        if not check and not (ROOT / f"{file.stem}.vy").exists():
            file.unlink()


if __name__ == "__main__":
    main()
