#!/usr/bin/env bash
# Everything that the engine can do, through the API of a running network, with the unmodified openai client: schemas, tools,
# log probabilities, cached prompts, receipts of computation, and models of every architecture. Exits non-zero when anything is off.
# usage: api.sh    (LATTICE names the program; default: the newest of the release and the debug build)
set -euo pipefail
cd "$(dirname "$0")/.."

program=${LATTICE:-}
if [ -z "$program" ]; then
    program=$(ls -t .build/release/lattice .build/debug/lattice 2>/dev/null | head -n 1 || true)
fi
[ -x "$program" ] || { echo "api: build the program first: make build" >&2; exit 1; }

python=.venv/openai/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv .venv/openai
    "$python" -m pip install --quiet --disable-pip-version-check openai
fi

exec "$python" scripts/api.py "$program"
