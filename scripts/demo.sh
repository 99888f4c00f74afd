#!/usr/bin/env bash
# A whole network on free ports in a temporary folder: ten prompts through the openai client, a second node that comes and is
# killed, a graceful stop, and a ledger that verifies and conserves its sum. Also a test: exits non-zero when anything is off.
# usage: demo.sh    (LATTICE names the program; default: the newest of the release and the debug build)
set -euo pipefail
cd "$(dirname "$0")/.."

program=${LATTICE:-}
if [ -z "$program" ]; then
    program=$(ls -t .build/release/lattice .build/debug/lattice 2>/dev/null | head -n 1 || true)
fi
[ -x "$program" ] || { echo "demo: build the program first: make build" >&2; exit 1; }

python=.venv/openai/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv .venv/openai
    "$python" -m pip install --quiet --disable-pip-version-check openai
fi

exec "$python" scripts/demo.py "$program"
