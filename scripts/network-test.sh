#!/usr/bin/env bash
# Runs scripts/NAME.py on the program, in a Python that has the openai client.
# usage: network-test.sh NAME [ARGUMENT...]    (LATTICE names the program; default: the newest of the release and the debug build)
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift

program=${LATTICE:-}
if [ -z "$program" ]; then
    program=$(ls -t .build/release/lattice .build/debug/lattice 2>/dev/null | head -n 1 || true)
fi
[ -x "$program" ] || { echo "$name: build the program first: make build" >&2; exit 1; }

python=.venv/openai/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv .venv/openai
    "$python" -m pip install --quiet --disable-pip-version-check openai
fi

exec "$python" "scripts/$name.py" "$program" "$@"
