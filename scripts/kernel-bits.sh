#!/usr/bin/env bash
# Compares the bits of the kernels on this machine's paths with those on 64-bit Arm, which qemu emulates.
# usage: kernel-bits.sh     needs clang, qemu-user and a C library for Arm (apt: gcc-aarch64-linux-gnu qemu-user)
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in clang aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$tool" >/dev/null || {
        echo "kernel-bits: no $tool; apt-get install clang gcc-aarch64-linux-gnu qemu-user" >&2
        exit 1
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sources=(Sources/InferenceKernels/*.c Tests/KernelBits/kernel-bits.c)
flags=(-O2 -Wall -Wextra -ISources/InferenceKernels/include -ISources/InferenceKernels)
mkdir "$work/here" "$work/arm"
for source in "${sources[@]}"; do
    name=$(basename "$source" .c).o
    clang "${flags[@]}" -c "$source" -o "$work/here/$name"
    clang --target=aarch64-linux-gnu "${flags[@]}" -c "$source" -o "$work/arm/$name"
done
clang "$work"/here/*.o -o "$work/here/bits" -lm -lpthread
aarch64-linux-gnu-gcc -static "$work"/arm/*.o -o "$work/arm/bits" -lm -lpthread
{
    "$work/here/bits" | sed 's/^/x86-64 /'
    qemu-aarch64 "$work/arm/bits" | sed 's/^/arm64 /'
} >"$work/all"
# One hash for each thing computed, whatever path and processor computed it.
cut -d ' ' -f 3,4 "$work/all" | sort -u | cut -d ' ' -f 1 | uniq -d >"$work/different"
paths=$(cut -d ' ' -f 1,2 "$work/all" | sort -u | wc -l)
things=$(cut -d ' ' -f 3 "$work/all" | sort -u | wc -l)
if [ -s "$work/different" ]; then
    echo "kernel-bits: different bits in $(tr '\n' ' ' <"$work/different")" >&2
    grep -F -f "$work/different" "$work/all" >&2
    exit 1
fi
arm=$(grep -c '^arm64 5 ' "$work/all" || true)
[ "$arm" = "$things" ] || { echo "kernel-bits: the path of Arm did not run" >&2 && exit 1; }
echo "kernel-bits: $things results have the same bits on $paths paths of x86-64 and arm64"
