#!/usr/bin/env bash
# The contracts: builds them, checks that the artefacts are what the sources make, tests them on the development network's chain.
# usage: contracts.sh build | check | test [pytest's arguments] | python     (`python` prints the environment's Python)
# LATTICE_SHARED names the folder with the development network, ../shared without it; LATTICE_CONTRACTS that of the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
export LATTICE_SHARED=${LATTICE_SHARED:-$PWD/../shared} PYTHONDONTWRITEBYTECODE=1
requirements=$LATTICE_SHARED/devnet/requirements.txt
folder=${LATTICE_CONTRACTS:-${XDG_CACHE_HOME:-$HOME/.cache}/lattice/contracts-venv}

[ -e "$requirements" ] || { echo "contracts: no development network at $LATTICE_SHARED/devnet; set LATTICE_SHARED" >&2 && exit 1; }
mark=$folder/whole.$(sha256sum <"$requirements" | cut -c1-16)
if [ ! -e "$mark" ]; then
    command -v python3 >/dev/null || { echo "contracts: python3 is needed" >&2 && exit 1; }
    echo "contracts: installing vyper and the development network" >&2
    mkdir -p "$(dirname "$folder")"
    # Two that begin at once: the second waits, and finds it whole.
    exec 9>"$folder.lock"
    flock 9
    if [ ! -e "$mark" ]; then
        python3 -m venv "$folder" || { echo "contracts: python3-venv is needed" >&2 && exit 1; }
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check vyper==0.4.3 --requirement "$requirements" >&2 ||
            { echo "contracts: the installation failed; PyPI must be reachable" >&2 && exit 1; }
        touch "$mark"
    fi
    exec 9>&-
fi
python=$folder/bin/python

case ${1:-} in
build) exec "$python" contracts/build.py ;;
check) exec "$python" contracts/build.py --check ;;
test) shift && cd contracts/tests && exec "$python" -m pytest "$@" ;;
python) echo "$python" ;;
*) sed -n '3s/^# //p' "$0" >&2 && exit 1 ;;
esac
