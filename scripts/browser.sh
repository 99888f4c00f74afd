#!/usr/bin/env bash
# Starts a network on free ports and drives its page in a headless Chromium. Screenshots go to .build/screenshots.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${LATTICE:-}
if [ -z "$program" ]; then
    program=$(ls -t .build/release/lattice .build/debug/lattice 2>/dev/null | head -n 1 || true)
fi
[ -x "$program" ] || { echo "browser: build the program first: make build" >&2; exit 1; }
if ! command -v chromedriver >/dev/null; then
    echo "browser: SKIPPED, chromedriver is missing; 'make test' installs it on Debian" >&2
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi

# First against a pretended network that also fails in every way, then against a real one.
python3 scripts/browser-test.py --mock

folder=$(mktemp -d)
"$program" up --json --port 0 --p2p-listen /ip4/127.0.0.1/tcp/0 --data-dir "$folder/data" >"$folder/out" 2>"$folder/err" &
network=$!
trap 'kill $network 2>/dev/null; wait $network 2>/dev/null; rm -rf "$folder"' EXIT
for _ in $(seq 600); do
    grep -q '^}' "$folder/out" && break
    kill -0 $network 2>/dev/null || { cat "$folder/err" >&2; exit 1; }
    sleep 0.1
done
read -r base key < <(python3 -c 'import json, sys; w = json.load(open(sys.argv[1])); print(w["base_url"].removesuffix("/v1"), w["api_key"])' "$folder/out")
python3 scripts/browser-test.py "$base" "$key" --screenshots .build/screenshots
