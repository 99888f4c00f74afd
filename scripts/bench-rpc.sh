#!/usr/bin/env bash
# Measures calls of ours beside those of the real Lattica package, in turns, in a network namespace of its own.
# Writes .bench/rpc.json. The package comes from PyPI; LATTICE_SHARED names the folder with its launchers.
# usage: bench-rpc.sh [--rounds N] [--seconds S] [--only TEXT] [--let-sleep]
set -euo pipefail
cd "$(dirname "$0")/.."

shared=${LATTICE_SHARED:-../shared}
if [ ! -x "$shared/peers/install.sh" ]; then
    echo "bench-rpc: no peers at $shared/peers, so there is nothing to compare with; set LATTICE_SHARED" >&2
    exit 1
fi
LATTICE_SHARED=$(realpath "$shared")
export LATTICE_SHARED
export LATTICE_PEERS=${LATTICE_PEERS:-$HOME/.cache/lattica-peers}
sh "$shared/peers/install.sh" "$LATTICE_PEERS" >/dev/null
# A plan that is kept does not learn of files that came or went in the package next door.
rm -f Benchmarks/.build/release.yaml
SWIFT_DETERMINISTIC_HASHING=1 swift build --package-path Benchmarks -c release --static-swift-stdlib --product rpc-bench
mkdir -p .bench
exec "$shared/peers/isolated" python3 Benchmarks/rpc.py --json .bench/rpc.json "$@"
