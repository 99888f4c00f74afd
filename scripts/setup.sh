#!/usr/bin/env bash
# Installs the Debian packages that the project needs and this machine lacks; says which and why. Harmless to repeat.
# usage: setup.sh build|test...
set -euo pipefail

declare -A why=(
    [git]="fetches the Swift packages"
    [pkg-config]="finds the C libraries"
    [libsecp256k1-dev]="wallet signatures of the ledger"
    [libsqlite3-dev]="the ledger and every node keep their state in SQLite"
    [libstdc++-12-dev]="Swift's linker needs a C++ standard library"
    [python3-venv]="the openai client of the demonstration runs in its own environment"
    [chromium]="the page is tested in a real browser"
    [chromium-driver]="drives the browser"
    [iproute2]="foreign peers are tested in a network of their own"
    [libgmp-dev]="one of the foreign peers is compiled against it"
)
declare -A packages=(
    [build]="git pkg-config libsecp256k1-dev libsqlite3-dev"
    [test]="python3-venv chromium chromium-driver iproute2 libgmp-dev"
)

if ! command -v swift >/dev/null; then
    echo "setup: Swift 6.2 or newer is needed and 'swift' was not found. Install it from https://www.swift.org/install/linux/ and try again." >&2
    exit 1
fi
if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is not a Debian or Ubuntu machine; install by your package manager: git, pkg-config, libsecp256k1, SQLite 3 (headers)." >&2
    exit 0
fi

installed() {
    dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

missing=()
for group in "$@"; do
    for package in ${packages[$group]}; do
        # pkgconf answers to the older name, and Ubuntu may carry a transitional chromium.
        [ "$package" = pkg-config ] && command -v pkg-config >/dev/null && continue
        [ "$package" = chromium ] && command -v chromium >/dev/null && continue
        [ "$package" = git ] && command -v git >/dev/null && continue
        installed "$package" || missing+=("$package")
    done
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: installing from Debian:"
for package in "${missing[@]}"; do printf '  %-18s %s\n' "$package" "${why[$package]}"; done
as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: run as root, or install them yourself: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
