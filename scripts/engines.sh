#!/usr/bin/env bash
# A network whose second node answers with a llama.cpp server: prompts, the bill, a reader who leaves, a server that is killed in
# mid-answer and comes back. Also a test: exits non-zero when anything is off; skipped where the server is not installed.
# usage: engines.sh    (LATTICE names the program; default: the newest of the release and the debug build)
set -euo pipefail
cd "$(dirname "$0")/.."

server=$(scripts/llama-server.sh) || { echo "engines: skipped, llama.cpp's server cannot be installed"; exit 0; }
exec scripts/network-test.sh engines "$server"
