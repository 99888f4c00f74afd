#!/usr/bin/env bash
# Builds the examples as packages of their own, which is how others use the library, runs them, and checks that the
# code in the documentation is theirs.
set -euo pipefail
cd "$(dirname "$0")/.."

python3 - <<'PY'
import pathlib, re, sys, textwrap
article = pathlib.Path("Sources/Lattica/Lattica.docc/YourFirstPeer.md")
sources = [p.read_text() for p in pathlib.Path("Examples/Echo").rglob("*.swift") if ".build" not in p.parts]
plain = ["\n".join(line.strip() for line in text.splitlines()) for text in sources]
blocks = re.findall(r"```swift\n(.*?)```", article.read_text(), re.S)
assert blocks, f"{article} shows no code"
for block in blocks:
    wanted = "\n".join(line.strip() for line in block.strip().splitlines())
    if not any(wanted in text for text in plain):
        sys.exit(f"examples: {article} shows code that is not in Examples/Echo:\n{textwrap.indent(block, '  ')}")
PY

build=$PWD/.build/examples
SWIFT_DETERMINISTIC_HASHING=1 swift build --package-path Examples/Echo --scratch-path "$build" --product echo
echo=$build/debug/echo

folder=$(mktemp -d)
mkfifo "$folder/out"
stdbuf -oL "$echo" serve >"$folder/out" &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$folder"' EXIT
exec 3<"$folder/out"
read -r -t 30 address <&3 || { echo "examples: echo serve said nothing in 30 s" >&2; exit 1; }
answer=$(timeout 30 "$echo" call "$address" hey)
if [[ $answer != "hey, said 12D3KooW"*$'\nh\ne\ny' ]]; then
    echo "examples: echo call said: $answer" >&2
    exit 1
fi
echo "examples: Echo works"
