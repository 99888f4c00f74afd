#!/usr/bin/env bash
# Runs a command in a clone of this checkout's HEAD inside a bare Debian 12 that has Swift and nothing of the project's,
# to see that `make` sets up the rest. Needs root and debootstrap. Nothing stays mounted; DIR is kept, and used again.
# usage: fresh-root.sh DIR SWIFT_TOOLCHAIN [COMMAND]    (SWIFT_TOOLCHAIN holds usr/bin/swift; COMMAND: default 'make test')
#   FRESH_ROOT_BINDS      more to show in the root, read-only: "HOST_PATH:ROOT_PATH ..."
#   FRESH_ROOT_ENV_FILE   file of lines NAME=VALUE for the environment in the root
#   FRESH_ROOT_MIRROR     archive to take Debian from
set -euo pipefail

[ $# -ge 2 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "fresh-root: needs root, for chroot and mounts" >&2; exit 1; }
root=$(realpath -m "$1") toolchain=$(realpath "$2") command=${3:-make test}
checkout=$(realpath "$(dirname "$0")/..")
[ -x "$toolchain/usr/bin/swift" ] || { echo "fresh-root: no swift in $toolchain/usr/bin" >&2; exit 1; }
if [ ! -e "$root/.fresh-root" ] && [ -n "$(ls -A "$root" 2>/dev/null)" ]; then
    echo "fresh-root: $root holds something else, or a root that was not finished; remove it" >&2
    exit 1
fi

# Mounts and processes end with the namespaces they were made in.
if [ "${FRESH_ROOT_INSIDE:-}" != yes ]; then
    FRESH_ROOT_INSIDE=yes exec unshare --mount --pid --fork --kill-child --propagation private "$0" "$@"
fi

# What Swift itself asks for on Debian 12, and what brings a clone there.
swift_needs=binutils,gnupg,libc6-dev,libcurl4-openssl-dev,libedit2,libgcc-12-dev,libncurses-dev,libpython3-dev
swift_needs+=,libsqlite3-0,libstdc++-12-dev,libxml2-dev,libz3-dev,tzdata,unzip,zlib1g-dev
if [ ! -e "$root/.fresh-root" ]; then
    command -v debootstrap >/dev/null || { echo "fresh-root: debootstrap is missing: apt-get install debootstrap" >&2; exit 1; }
    echo "fresh-root: making $root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include="$swift_needs,make,git,ca-certificates" bookworm "$root" \
        "${FRESH_ROOT_MIRROR:-http://deb.debian.org/debian}" >"$root/debootstrap.log" || { tail -n 5 "$root/debootstrap.log" >&2; exit 1; }
    echo "127.0.0.1 localhost" >"$root/etc/hosts"
    touch "$root/.fresh-root"
fi

# show HOST_PATH ROOT_PATH: binds a folder or file, read-only.
show() {
    if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$(dirname "$root$2")" && touch "$root$2"; fi
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro "$root$2"
}

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
show /etc/resolv.conf /etc/resolv.conf
show "$toolchain" /opt/swift
for bind in ${FRESH_ROOT_BINDS:-}; do show "${bind%%:*}" "${bind#*:}"; done

clone=$root/src/lattice
mkdir -p "$clone"
git -c safe.directory="$checkout" -C "$checkout" bundle create -q "$root/src/head.bundle" HEAD
[ -d "$clone/.git" ] || git init -q "$clone"
git -C "$clone" fetch -q "$root/src/head.bundle" HEAD
git -C "$clone" reset -q --hard FETCH_HEAD

environment=(HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" PATH=/opt/swift/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
if [ -n "${FRESH_ROOT_ENV_FILE:-}" ]; then mapfile -t -O "${#environment[@]}" environment <"$FRESH_ROOT_ENV_FILE"; fi
exec chroot "$root" env -i "${environment[@]}" bash -c "cd /src/lattice || exit; $command"
