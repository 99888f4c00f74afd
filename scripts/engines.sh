#!/usr/bin/env bash
# A network whose second node answers with a llama.cpp server: prompts, the bill, a reader who leaves, a server that is killed in
# mid-answer and comes back. Also a test: exits non-zero when anything is off; skipped where the server is not installed.
# usage: engines.sh    (LATTICE names the program; default: the newest of the release and the debug build)
set -euo pipefail
cd "$(dirname "$0")/.."

program=${LATTICE:-}
if [ -z "$program" ]; then
    program=$(ls -t .build/release/lattice .build/debug/lattice 2>/dev/null | head -n 1 || true)
fi
[ -x "$program" ] || { echo "engines: build the program first: make build" >&2; exit 1; }
server=$(scripts/llama-server.sh) || { echo "engines: skipped, llama.cpp's server cannot be installed"; exit 0; }

python=.venv/openai/bin/python
if [ ! -x "$python" ]; then
    python3 -m venv .venv/openai
    "$python" -m pip install --quiet --disable-pip-version-check openai
fi

exec "$python" scripts/engines.py "$program" "$server"
