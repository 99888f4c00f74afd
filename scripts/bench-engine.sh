#!/usr/bin/env bash
# Measures the engine beside llama.cpp, built for this machine, on the same files and in turns. Writes .bench/engine.json.
# The files are made by ../shared/models/bench (LATTICE_SHARED names that folder's parent); llama.cpp comes from PyPI.
# usage: bench-engine.sh [--turns N] [--only TEXT]
set -euo pipefail
cd "$(dirname "$0")/.."

shared=${LATTICE_SHARED:-../shared}
maker=$shared/models/bench/synth_gguf.py
if [ ! -f "$maker" ]; then
    echo "bench-engine: no $maker, so there is nothing to measure with; set LATTICE_SHARED" >&2
    exit 1
fi
programs=$(scripts/llama-cpp.sh)
cache=$(dirname "$(dirname "$programs")")
models=$cache/models
mkdir -p "$models" .bench
for kind in q8_0 q4_0 q4_k; do
    file=$models/bench-1.1b-$kind.gguf
    [ -s "$file" ] && continue
    PATH=$cache/venv/bin:$PATH python3 "$maker" --shape 1.1b --type "$kind" "$file.part" >&2
    mv "$file.part" "$file"
done

# A plan that is kept does not learn of files that came or went in the package next door.
rm -f Benchmarks/.build/release.yaml Benchmarks/.build/any-order/release.yaml
build() {
    SWIFT_DETERMINISTIC_HASHING=1 swift build --package-path Benchmarks -c release --static-swift-stdlib \
        --product engine-bench "$@" >&2
}
build
# The same engine with sums in whatever order is fastest: what the fixed order costs.
build --scratch-path Benchmarks/.build/any-order -Xcc -ffast-math -Xcc -DIK_ANY_ORDER
exec python3 Benchmarks/engine.py --ours Benchmarks/.build/release/engine-bench \
    --inexact Benchmarks/.build/any-order/release/engine-bench --llama "$programs" --models "$models" \
    --wheel "$(scripts/llama-server.sh)" \
    --json .bench/engine.json "$@"
