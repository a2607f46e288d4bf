#!/bin/sh
# Deletes each barrier of kernels/* and each wait and mark of an event or stream of lib/cuda in turn, and expects the tests
# of tests/emu/mutants.txt to fail. Needs what `make emu` builds; works in a folder of its own.
#
# A line of the table: FILE CALL NTH (of that call in the file), then the tests (tests/emu/test_cuda_NAME) of which one must
# fail, or `redundant:` and why nothing can, or `unseen:` and what a test would need. Lines that begin with `sample` are those taken when MUTANTS is not `all`. A
# call that the table lacks, and a line without such a call, are failures. MUTANTS_ONLY: a pattern of FILE CALL NTH.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
if ! [ -f "$BUILD/emu/mutants.env" ] || ! [ -e "$BUILD/emu/libcudart.so.13" ]; then
    echo "make emu has not been run, or nvcc is not installed"
    echo "mutants: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
# shellcheck disable=SC1091
. "./$BUILD/emu/mutants.env"
BUILD=$(cd "$BUILD" && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/tests/emu"
# The tests in which calls fail in turn take long, and see no more than the others.
export LD_LIBRARY_PATH="$BUILD/emu" CK_DEFAULT_TIMEOUT=200 FLAIRTAG_LEFT_OUT='*fail*'
calls='__syncthreads|__syncwarp|cudaStreamWaitEvent|cudaStreamSynchronize|cudaEventRecord|cudaEventSynchronize'

# "FILE CALL NTH LINE" of every call.
grep -nE "\\b($calls)\\(" lib/cuda/*.c kernels/*.cu kernels/reduce_device.h |
    sed -E "s/^([^:]*):([0-9]+):.*\\b($calls)\\(.*/\\1 \\3 \\2/" |
    awk '{ print $1, $2, ++nth[$1 " " $2], $3 }' >"$folder/sites"

# The library of kernels without the barrier. Only what takes its header in is compiled anew.
kernels_without() {
    name=$(basename "$1")
    cat >"$folder/mutant.h" <<END
#include "kernels/device.h"
#define HERE(line, file) (line == $3 && __builtin_strstr(file, "$name") != nullptr)
#undef $2
#define $2(...) (HERE(__LINE__, __FILE__) ? (void)0 : (void)BARRIER)
END
    if [ "$2" = __syncthreads ]; then
        echo "#define BARRIER emu_syncthreads(__FILE__, __LINE__)"
    else
        echo "#define BARRIER emu_warp(WHOLE_WARP, 0, EMU_SYNCWARP, 0, __FILE__, __LINE__)"
    fi >>"$folder/mutant.h"
    cp "$BUILD"/emu/checked/*.o "$folder"
    # shellcheck disable=SC2086
    for source in $(grep -l "$name" kernels/*.cu; ls "$1" | grep '\.cu$'); do
        $MUTANT_CXX $MUTANT_KERNEL_FLAGS -w -include "$folder/mutant.h" -fsanitize=thread -c \
            -o "$folder/$(basename "$source" .cu).o" "$source" || return
    done
    # shellcheck disable=SC2086
    $MUTANT_CXX -nostdlib -shared -o "$folder/kernels.so" "$folder"/*.o -L"$BUILD/emu" -l:libcudart.so.13 -lm -lc
}

# The plug-in without the call, which succeeds by itself.
plugin_without() {
    cat >"$folder/mutant.h" <<END
#include <cuda_runtime_api.h>
#define $2(...) (__LINE__ == $3 ? cudaSuccess : ($2)(__VA_ARGS__))
END
    object=$MUTANT_BUILD/pic/${1%.c}.o
    # shellcheck disable=SC2086
    $MUTANT_CC $MUTANT_FLAGS -w -include "$folder/mutant.h" -c -o "$folder/mutant.o" "$1" &&
        rm -f "$folder/libflairtag_cuda.so" &&
        $MUTANT_CC -shared -pthread -o "$folder/libflairtag_cuda.so" -Wl,--exclude-libs,ALL "$folder/mutant.o" \
            $(echo "$MUTANT_OBJECTS" | tr ' ' '\n' | grep -vx "$object") $MUTANT_LIBS
}

# With streams put off as far as may be, and in random order.
fails() {
    cp "$BUILD/tests/emu/test_cuda_$1" "$folder/tests/emu/"
    for order in lazy:1 random:3 random:1; do
        EMU_STREAMS=${order%:*} EMU_SEED=${order#*:} timeout 300 "$folder/tests/emu/test_cuda_$1" >"$folder/log" 2>&1 || return 0
        [ "$2" = kernels ] && break
    done
    return 1
}

# What is built here without deleting anything passes: it is not the building that the tests refuse.
passed=0 failed=0 skipped=0
kernels_without kernels/dropout.cu __syncwarp 0 && plugin_without lib/cuda/scratch.c cudaEventSynchronize 0 || exit 1
export EMU_KERNELS="$folder/kernels.so"
for test in birnn dropout; do
    if fails $test; then
        cat "$folder/log"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done

while read -r file call nth line; do
    entry=$(grep -E "^(sample )?$file $call $nth( |\$)" tests/emu/mutants.txt | sed -E "s/^(sample )?[^ ]+ [^ ]+ [^ ]+ ?/\\1/")
    case $entry in
    "redundant:"* | "unseen:"*) skipped=$((skipped + 1)) && continue ;;
    "")
        echo "$file:$line: $call, number $nth of the file, is not in tests/emu/mutants.txt"
        failed=$((failed + 1))
        continue
        ;;
    "sample "*) tests=${entry#sample } ;;
    *)
        tests=$entry
        if [ "${MUTANTS:-}" != all ]; then
            skipped=$((skipped + 1))
            continue
        fi
        ;;
    esac
    if [ -n "${MUTANTS_ONLY:-}" ] && ! echo "$file $call $nth" | grep -qE "$MUTANTS_ONLY"; then
        skipped=$((skipped + 1))
        continue
    fi
    case $file in
    kernels/*)
        what=kernels
        cp "$BUILD/libflairtag_cuda.so" "$folder"
        kernels_without "$file" "$call" "$line" || tests=
        export EMU_KERNELS="$folder/kernels.so"
        ;;
    *)
        what=plug-in
        plugin_without "$file" "$call" "$line" || tests=
        export EMU_KERNELS="$BUILD/emu/kernels_fast.so"
        ;;
    esac
    caught=
    for test in $tests; do
        fails "$test" $what && caught=$test && break
    done
    if [ -n "$caught" ]; then
        passed=$((passed + 1))
        [ -z "${V:-}" ] || echo "$file:$line: without $call test_cuda_$caught fails"
    else
        failed=$((failed + 1))
        echo "$file:$line: no test fails without $call (number $nth of the file)"
    fi
done <"$folder/sites"
for line in $(sed -E '/^(#|$)/d; s/^sample //; s/^([^ ]+) ([^ ]+) ([^ ]+).*/\1,\2,\3/' tests/emu/mutants.txt); do
    tr ' ' ',' <"$folder/sites" | grep -q "^$line," || {
        echo "tests/emu/mutants.txt: there is no $line"
        failed=$((failed + 1))
    }
done
echo "mutants: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
