#!/usr/bin/env bash
# Dials other libp2p implementations and is dialled by them, in a network namespace of its own; writes docs/interop.md.
# The peers come from PyPI; LATTICE_SHARED names the folder with their launchers, LATTICE_PEERS where they are installed.
# usage: interop.sh [--short]    (the main cells alone, in seconds, with the program as it was built last; writes nothing)
set -euo pipefail
cd "$(dirname "$0")/.."

shared=${LATTICE_SHARED:-../shared}
if [ ! -x "$shared/peers/install.sh" ]; then
    echo "interop: SKIPPED, no peers at $shared/peers; set LATTICE_SHARED" >&2
    exit 0
fi
LATTICE_SHARED=$(realpath "$shared")
export LATTICE_SHARED
export LATTICE_PEERS=${LATTICE_PEERS:-$HOME/.cache/lattica-peers}
sh "$shared/peers/install.sh" "$LATTICE_PEERS" >/dev/null
if [[ " $* " == *" --short "* ]]; then exec python3 Interop/run.py "$@"; fi
SWIFT_DETERMINISTIC_HASHING=1 swift build --product interop-peer
exec python3 Interop/run.py --write docs/interop.md "$@"
