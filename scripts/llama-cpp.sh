#!/bin/sh
# Builds llama.cpp for this machine, to measure beside ours; silent when it is there. Takes ten minutes on two cores.
# usage: llama-cpp.sh     prints the folder of its programs
# LATTICE_LLAMA_CPP names the folder to build in, ~/.cache/lattice/llama without it.
set -eu
folder=${LATTICE_LLAMA_CPP:-${XDG_CACHE_HOME:-$HOME/.cache}/lattice/llama}
programs=$folder/build/bin
if [ -x "$programs/llama-bench" ] && [ -x "$programs/llama-batched-bench" ]; then
    echo "$programs"
    exit 0
fi
mkdir -p "$folder"
source=$("$(dirname "$0")/llama-cpp-source.sh" "$folder")
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cmake ninja gguf numpy
PATH=$folder/venv/bin:$PATH
echo "llama-cpp: building; what it says is in $folder/build.log" >&2
{
    cmake -G Ninja -B "$folder/build" "$source" -DCMAKE_BUILD_TYPE=Release \
        -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
    ninja -C "$folder/build" llama-bench llama-batched-bench
} >"$folder/build.log" 2>&1 || { echo "llama-cpp: it was not built; see $folder/build.log" >&2 && exit 1; }
echo "$programs"
