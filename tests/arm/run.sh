#!/bin/sh
# The kernels of 64-bit ARM, run by qemu on a processor without the dot product and on one that has it: each must choose
# its own sets, and give the bytes that this machine's give. Skipped where $BUILD/arm was not built, for want of a cross
# compiler, or qemu is missing.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
native=$BUILD/tests/arm/digest arm=$BUILD/arm/tests/arm/digest
passed=0 failed=0 skipped=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# check PROCESSOR SETS: the digests of that processor, which has these sets.
check() {
    if ! [ -x "$arm" ] || ! command -v qemu-aarch64 >/dev/null; then
        echo "skipped: $1 needs aarch64-linux-gnu-gcc and qemu-aarch64"
        skipped=$((skipped + 1))
        return
    fi
    if "$native" >"$scratch/expected" 2>"$scratch/native" &&
        qemu-aarch64 -cpu "$1" "$arm" >"$scratch/digests" 2>"$scratch/sets" &&
        echo "sets: $2" | diff - "$scratch/sets" && diff "$scratch/expected" "$scratch/digests"; then
        passed=$((passed + 1))
    else
        echo "failed: $1"
        cat "$scratch/native" "$scratch/sets"
        failed=$((failed + 1))
    fi
}

check cortex-a72 'neon scalar'
check neoverse-n1 'neondot neon scalar'
echo "arm: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
