#!/bin/sh
# The plug-in takes nothing from CUDA's libraries that the drop-in ones lack, in name or version: each counts as a test.
# What is missing would else be told only when it is called, or not at all. Needs what `make emu` builds.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
for file in libflairtag_cuda.so emu/libcudart.so.13 emu/libcublas.so.13 emu/libcudnn.so.9; do
    if ! [ -e "$BUILD/$file" ]; then
        echo "there is no $BUILD/$file: make emu has not been run, or nvcc is not installed"
        echo "symbols: 0 passed, 0 failed, 1 skipped"
        exit 0
    fi
done

# Versions follow @ where a symbol is taken, @@ where it is given.
names() {
    nm -D "$1" "$2" | awk '{ print $NF }' | sed 's/@@/@/' | sort -u
}
given=$(mktemp) || exit 1
trap 'rm -f "$given"' EXIT
for library in libcudart.so.13 libcublas.so.13 libcudnn.so.9; do
    names --defined-only "$BUILD/emu/$library"
done >"$given"

passed=0 failed=0
for symbol in $(names --undefined-only "$BUILD/libflairtag_cuda.so" | grep -E '^_*(cuda|cublas|cudnn)'); do
    if grep -qxF "$symbol" "$given"; then
        passed=$((passed + 1))
    else
        echo "the drop-in libraries have no $symbol"
        failed=$((failed + 1))
    fi
done
[ "$passed" = 0 ] && failed=$((failed + 1)) && echo "the plug-in takes nothing from CUDA's libraries"
echo "symbols: $passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
