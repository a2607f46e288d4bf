#!/bin/sh
# tests/gpu/accept.sh itself, on the emulated device: it passes where all is well, and tells what is not.
#
# Prints "emu-accept: N passed, N failed, N skipped". Needs `make emu`.
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
emulated=${EMU_LIBRARIES:-$BUILD/emu}
if ! [ -e "$BUILD/libflairtag_cuda.so" ] || ! [ -e "$emulated/kernels_fast.so" ]; then
    echo "emu-accept: 0 passed, 0 failed, 1 skipped (no emulated device: make emu)"
    exit 0
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
EMU_KERNELS=$emulated/kernels_fast.so
FLAIRTAG_SHARED=/nowhere
export BUILD EMU_KERNELS FLAIRTAG_SHARED
unset FLAIRTAG_CUDA_PLUGIN

# STATUS [ENVIRONMENT ...]: runs it on the emulated device; the exit status must be STATUS.
accept() {
    wanted=$1
    shift
    env LD_LIBRARY_PATH="$emulated" "$@" timeout 300 sh -c '
        sh tests/gpu/accept.sh --small -o "$0/result.json" ${ONLY:+--only "$ONLY"}' "$scratch" >"$scratch/summary" 2>&1
    status=$?
    [ "$status" = "$wanted" ] || echo "exit status $status, not $wanted" >>"$scratch/summary"
    [ "$status" = "$wanted" ]
}
# STATUS NAME: the summary and the result have this check with this status.
tells() {
    grep -q "^$1  $2 " "$scratch/summary" && grep -q "\"name\": \"$2\", \"status\": \"$1\"" "$scratch/result.json"
}
well_formed() { ! command -v python3 >/dev/null || python3 -m json.tool "$scratch/result.json" >/dev/null; }

all_is_well() {
    accept 0 && well_formed && tells pass 'parity small' && tells pass train && tells pass storage &&
        tells pass 'memory, too little' && tells pass 'time predict fp16' && tells pass 'time train'
}
# A program that tells another tag on the GPU than on the CPU.
another_tag_is_told() {
    mkdir -p "$scratch/liar"
    ln -sf "$BUILD/libflairtag_cuda.so" "$scratch/liar/"
    cat >"$scratch/liar/flairtag" <<EOF
#!/bin/sh
FLAIRTAG_CUDA_PLUGIN=$BUILD/libflairtag_cuda.so $BUILD/flairtag "\$@" || exit
case "\$*" in "predict --device cuda -m "*) ;; *) exit 0 ;; esac
while [ "\$1" != -o ]; do shift; done
sed -i 's/"B-person"/"B-group"/' "\$2"
EOF
    chmod +x "$scratch/liar/flairtag"
    accept 1 BUILD="$scratch/liar" ONLY=parity && well_formed && tells fail 'parity small'
}
a_call_that_fails_is_told() {
    accept 1 EMU_FAIL=cudnnRNNBackwardData_v8:1 ONLY=time && well_formed && tells fail 'time train'
}
no_device_is_said() {
    accept 5 EMU_FAIL=cudaGetDeviceCount:1 && well_formed && tells fail device
}
a_missing_back_end_is_said() {
    mkdir -p "$scratch/empty"
    accept 5 BUILD="$scratch/empty" NVCC= && well_formed && tells fail build
}
wrong_usage_is_refused() {
    sh tests/gpu/accept.sh --what >"$scratch/summary" 2>&1
    [ $? = 2 ]
}

for case in all_is_well another_tag_is_told a_call_that_fails_is_told no_device_is_said a_missing_back_end_is_said \
    wrong_usage_is_refused; do
    if $case; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$case:"
        cat "$scratch/summary"
    fi
done
echo "emu-accept: $passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
