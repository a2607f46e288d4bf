#!/bin/sh
# What nvcc makes of kernels/*.cu: no warning, no spill, no local memory, and registers, barriers and calls of the unit for
# special functions within tests/emu/budgets.txt. Needs nvcc, no GPU.
#
# BUDGETS=all: for everything that nvcc makes code for, minutes; else for the oldest, sm_80 and the newest.
# BUDGETS=table: prints what budgets.txt would have to say, of all of them.
cd "$(dirname "$0")/../.." || exit 1
NVCC=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
if ! [ -x "$NVCC" ] || ! command -v python3 >/dev/null; then
    echo "nvcc or python3 is not installed"
    echo "budgets: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
case ${BUDGETS:-} in
all | table) architectures=$("$NVCC" --list-gpu-code | sed 's/^sm_//') ;;
*) architectures="75 80 120" ;;
esac
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

for source in kernels/*.cu; do
    name=$(basename "$source" .cu)
    for architecture in $architectures; do
        "$NVCC" -cubin -std=c++17 -O3 -I. -Ilib -arch="sm_$architecture" -Xptxas -v -o "$folder/$name.$architecture.cubin" \
            "$source" >"$folder/$name.$architecture.log" 2>&1 || echo "warning: nvcc ended with $?" >>"$folder/$name.$architecture.log"
    done
done
python3 tests/emu/budgets.py "$folder" "${BUDGETS:-}" <tests/emu/budgets.txt
