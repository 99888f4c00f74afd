#!/usr/bin/env bash
# Installs what the project needs and this machine lacks, through apt; says what and why. Silent when nothing is missing.
# usage: setup.sh build|test|interop...    (`test` includes `interop` where the foreign peers are at hand)
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A packages=(
    [build]="git ca-certificates g++ pkg-config libsecp256k1-dev libsqlite3-dev zlib1g-dev libzstd-dev liblz4-dev libbrotli-dev libc-ares-dev"
    [test]="python3-venv chromium chromium-driver"
    [interop]="python3-venv python3-pip iproute2 gcc python3-dev libgmp-dev"
)
declare -A why=(
    [git]="fetches the Swift packages"
    [ca-certificates]="they are fetched over https"
    [g++]="headers of the C and C++ libraries; some packages contain C++"
    [pkg-config]="finds the libraries below"
    [libsecp256k1-dev]="signatures of wallets in the ledger"
    [libsqlite3-dev]="ledger, Nexus and nodes keep their state in SQLite"
    [zlib1g-dev]="compression that peers of Lattica may use in calls: gzip"
    [libzstd-dev]="the same: zstd"
    [liblz4-dev]="the same: lz4"
    [libbrotli-dev]="the same: brotli"
    [libc-ares-dev]="peers are found by name: /dnsaddr"
    [python3-venv]="the clients in tests have Python environments of their own"
    [python3-pip]="downloads a foreign peer"
    [chromium]="the page is tested in a real browser"
    [chromium-driver]="drives that browser"
    [iproute2]="foreign peers are tested in a network of their own"
    [gcc]="a dependency of a foreign peer is compiled"
    [python3-dev]="its headers"
    [libgmp-dev]="its arithmetic"
)
# Where the archive lacks one of these, its test is skipped and all else works.
optional=" chromium chromium-driver "

# Asks for the thing itself, not for the package: it may come from elsewhere or under another name.
present() {
    case $1 in
    ca-certificates) [ -s /etc/ssl/certs/ca-certificates.crt ] || [ -d /etc/pki/tls/certs ] ;;
    g++) compgen -G '/usr/include/c++/*/vector' && compgen -G '/usr/include/*/sys/types.h' ;;
    libsecp256k1-dev) pkg-config --exists libsecp256k1 ;;
    libsqlite3-dev) pkg-config --exists sqlite3 ;;
    zlib1g-dev) pkg-config --exists zlib ;;
    libzstd-dev) pkg-config --exists libzstd ;;
    liblz4-dev) pkg-config --exists liblz4 ;;
    libbrotli-dev) pkg-config --exists libbrotlienc libbrotlidec ;;
    libc-ares-dev) pkg-config --exists libcares ;;
    libgmp-dev) pkg-config --exists gmp || [ -e /usr/include/gmp.h ] || compgen -G '/usr/include/*/gmp.h' ;;
    python3-venv) python3 -c 'import ensurepip, venv' ;;
    python3-pip) python3 -m pip --version ;;
    python3-dev) [ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] ;;
    chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    chromium-driver) command -v chromedriver ;;
    iproute2) command -v ip ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

# A real package: Ubuntu's browser is an empty one that asks for a snap, which containers lack.
offered() {
    apt-cache policy "$1" 2>/dev/null | grep -E '^ +Candidate: ' | grep -qvE 'none|snap'
}

if ! command -v swift >/dev/null; then
    echo "setup: Swift 6.2 or newer is needed and 'swift' is not on the PATH; see https://www.swift.org/install/linux/" >&2
    exit 1
fi

groups=("$@")
if [[ " $* " == *" test "* && -x ${LATTICE_SHARED:-../shared}/peers/install.sh ]]; then groups+=(interop); fi
missing=()
for group in "${groups[@]}"; do
    [ -n "${packages[$group]:-}" ] || { echo "setup: no group '$group'; there are: ${!packages[*]}" >&2; exit 2; }
    for package in ${packages[$group]}; do
        present "$package" || [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
    done
done
[ ${#missing[@]} -gt 0 ] || exit 0

# list PACKAGE...: one line each, with the reason.
list() { for package in "$@"; do printf '  %-18s %s\n' "$package" "${why[$package]}"; done; }

as_root=()
if [ "$(id -u)" = 0 ]; then as_root=(env); elif command -v sudo >/dev/null; then as_root=(sudo env); fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" >"$log" 2>&1; }

able=no
if command -v apt-get >/dev/null && [ ${#as_root[@]} -gt 0 ]; then able=yes; fi
# Images of containers come without the lists. Whether it matters that an archive is down is seen at the end.
if [ $able = yes ] && ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then apt update || true; fi
wanted=()
for package in "${missing[@]}"; do
    if [[ $optional != *" $package "* ]] || offered "$package"; then
        wanted+=("$package")
    else
        echo "setup: apt offers no $package here (${why[$package]}); its test is skipped"
    fi
done
[ ${#wanted[@]} -gt 0 ] || exit 0

if [ $able = no ]; then
    echo "setup: missing here, and installing needs apt-get and root or sudo:" >&2
    list "${wanted[@]}" >&2
    echo "setup: on Debian or Ubuntu, run as root: apt-get install ${wanted[*]}; elsewhere install what corresponds" >&2
    exit 1
fi
echo "setup: installing what is missing here:"
list "${wanted[@]}"
apt update || true
if ! apt install --no-install-recommends "${wanted[@]}"; then
    { grep '^E:' "$log" || tail -n 3 "$log"; } | sed -n '1p;$p' | uniq >&2
    echo "setup: apt could not install them. Is there a network? Try: apt-get update && apt-get install ${wanted[*]}" >&2
    exit 1
fi
