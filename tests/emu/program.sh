#!/bin/sh
# The program on the emulated device: what it writes is what it writes on the CPU, wherever embeddings are kept, wherever the
# device's memory ends, and on two devices as on one.
#
#     tests/emu/program.sh [CASE ...]
#
# Beside $BUILD (default build) with the program and its plug-in it takes the drop-in libraries of $BUILD/emu. Every
# emulated run that makes a mistake ends with status 86.
cd "$(dirname "$0")/../.." || exit 1
ROOT=$PWD
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
emulated=${EMU_LIBRARIES:-$BUILD/emu}
FLAIRTAG_MODELS=$ROOT/models
export FLAIRTAG_MODELS LC_ALL=C.UTF-8
unset FLAIRTAG_CUDA_PLUGIN
if ! [ -e "$BUILD/libflairtag_cuda.so" ] || ! [ -e "$emulated/libcudart.so.13" ]; then
    echo "emu-program: 0 passed, 0 failed, 1 skipped (no CUDA compiler: nothing to run)"
    exit 0
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
passed=0 failed=0
made=$ROOT/tests/golden/tagger
train_corpus=$ROOT/tests/cli/train-corpus

flairtag() { timeout 300 "$BUILD/flairtag" "$@"; }
# on_gpu COMMAND ...: the same on the emulated device, which --device names unless the command does.
on_gpu() {
    command=$1
    shift
    case " $* " in *" --device "*) ;; *) set -- --device cuda "$@" ;; esac
    LD_LIBRARY_PATH=$emulated${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} timeout 300 "$BUILD/flairtag" "$command" "$@"
}

# within LIMIT FILE FILE: the same words, numbers with a point in them within LIMIT.
within() {
    awk -v limit="$1" 'NR == FNR { line[FNR] = $0; lines = FNR; next }
        { n = split(line[FNR], a, /[ \t]+/)
          if (n != split($0, b, /[ \t]+/)) { print FILENAME ":" FNR ": other words"; exit wrong = 1 }
          for (i = 1; i <= n; i++) {
              near = a[i] ~ /^-?[0-9]*\.[0-9]+(e-?[0-9]+)?$/ && b[i] ~ /^-?[0-9]*\.[0-9]+(e-?[0-9]+)?$/ &&
                  a[i] - b[i] <= limit && b[i] - a[i] <= limit
              if (a[i] != b[i] && !near) { print FILENAME ":" FNR ": " a[i] ", not " b[i]; exit wrong = 1 } } }
        END { if (!wrong && FNR != lines) { print FILENAME ": other lines"; wrong = 1 } exit wrong }' "$2" "$3"
}

# numbers FILE: a .npy matrix of floats, one a line.
numbers() { tail -c +129 "$1" | od -An -v -tf4 -w4; }

head -3 "$ROOT/data/samples/demo.txt" >text
printf 'Tokyo\n\nA longer sentence , with Mira Tolvanen in it , and with some more words .\n' >tokens

tags_are_the_cpus() {
    for model in small "$made/v0.15.1-zip-made-chars-word-crf/model.pt" "$made/v0.4.4-legacy-fwbw-nout-inithidden/model.pt" \
        "$made/v0.15.1-zip-made-onehot-fw-gru2-softmax/model.pt" "$made/v0.15.1-zip-made-nested-pos-crf/model.pt"; do
        for format in bioes jsonl; do
            [ $format = jsonl ] && more='--nbest 3 --scores marginal' || more='--scores flair'
            # shellcheck disable=SC2086
            flairtag predict --device cpu -m "$model" --format $format $more text | tr '][,}' ' ' >cpu || return 1
            # shellcheck disable=SC2086
            on_gpu predict -m "$model" --format $format $more text | tr '][,}' ' ' >gpu || return 1
            [ -s gpu ] && within 1e-4 cpu gpu || return 1
        done
    done
}

tags_do_not_depend_on_storage() {
    on_gpu predict -m small --scores flair text >plain || return 1
    for storage in none cpu gpu; do
        for gather in slice clone; do
            for output in boundary all; do
                on_gpu predict -m small --scores flair --storage $storage --gather $gather --lm-output $output text \
                    >kept 2>said || return 1
                cmp plain kept || return 1
                case $storage in
                cpu) [ "$(grep -c 'storage none is faster' said)" = 1 ] || return 1 ;;
                *) cmp said /dev/null || return 1 ;;
                esac
            done
        done
    done
}

integers_are_widened() {
    flairtag convert --precision int8 small int8.safetensors 2>/dev/null || return 1
    flairtag convert --precision f32 int8.safetensors wide.safetensors 2>/dev/null || return 1
    flairtag predict --device cpu -m wide.safetensors --scores flair --format bioes text >cpu || return 1
    on_gpu predict -m int8.safetensors --scores flair --format bioes text >gpu && within 1e-4 cpu gpu
}

coarser_products_are_taken_and_told_apart() {
    for precision in f32 tf32 fp16; do
        on_gpu predict -m small --precision $precision text >/dev/null || return 1
    done
    on_gpu predict -m small --precision int8 text 2>said
    [ $? = 2 ] && grep -q "is the CPU's" said
}

vectors_are_the_cpus() {
    flairtag embed --device cpu -m small -o cpu.npy text && on_gpu embed -m small -o gpu.npy text || return 1
    numbers cpu.npy >cpu
    numbers gpu.npy >gpu
    [ -s cpu ] && within 1e-5 cpu gpu
}

two_devices_do_as_one() {
    for i in 1 2 3 4; do cat "$ROOT/data/samples/demo.txt"; done >long
    on_gpu predict -m small --scores flair --input-format text long >one || return 1
    EMU_DEVICES=2 on_gpu predict --device cuda:0,1 -m small --scores flair --input-format text long >two || return 1
    cmp one two || return 1
    EMU_DEVICES=2 on_gpu predict --device cuda:1 -m small --scores flair --input-format text long >two || return 1
    cmp one two || return 1
    on_gpu predict --device cuda:0,1 -m small long 2>said
    [ $? = 5 ] && grep -q 'no device 1' said
}

# A corpus of two sentences a batch, a long one and a short one, so that padded tensors are large.
padded_corpus() {
    awk 'BEGIN { for (s = 0; s < 4; s++) { for (t = 0; t < 20; t++) printf "word%d ", t; print "\nend" } }'
}

# The bytes that were planned; and between a bound on memory in which every way finishes and one in which none does there
# are some in which only whole tensors cannot be kept.
storage_table_shows_what_runs_out() {
    padded_corpus >corpus
    set -- --random 64 --mini-batch-size 2 --input-format tokens corpus
    flairtag bench storage --device cpu --plan "$@" >plan && on_gpu bench storage "$@" >table || return 1
    awk 'NF > 8 && $1 != "lm-output" { print $1, $2, $3, $4, $5 }' plan >planned
    awk 'NF > 8 && $1 != "lm-output" { print $1, $2, $3, $4, $5 }' table >kept
    [ "$(wc -l <kept)" = 12 ] && cmp planned kept || return 1
    low=512 high=32768 # KiB
    while [ $((high - low)) -gt 32 ]; do
        middle=$(((low + high) / 2))
        if ! on_gpu bench storage --gpu-mem ${middle}K "$@" >table 2>said; then
            low=$middle
        elif ! grep -q 'out of the GPU' table; then
            high=$middle
        elif [ "$(grep -c 'out of the GPU' table)" = 1 ]; then
            grep -q '^all *slice *gpu.*out of the GPU' table
            return
        else
            low=$middle
        fi
    done
    cat said table
    return 1
}

a_full_device_keeps_less_and_tags_on() {
    for i in 1 2 3 4; do cat "$ROOT/data/samples/demo.txt"; done >long
    on_gpu predict -m small --scores flair --input-format text long >plain || return 1
    for memory in 24 16 12 8 6 4; do
        on_gpu predict -m small --scores flair --input-format text --storage gpu --gpu-mem ${memory}M long >less 2>said
        case $? in
        0) cmp plain less || return 1 ;;
        5) [ "$(wc -l <said)" = 1 ] || { cat said; return 1; } ;;
        *) cat said; return 1 ;;
        esac
    done
    grep -q 'memory' said
}

failures_are_one_line_or_none() {
    on_gpu predict -m small text >plain || return 1
    for call in cudaMalloc cudaStreamCreateWithFlags cublasCreate_v2 cudnnCreate cudaGetDeviceCount; do
        for nth in 1 2 3; do
            EMU_FAIL=$call:$nth on_gpu predict -m small text >got 2>said
            case $? in
            0) cmp plain got || return 1 ;;
            5) [ "$(wc -l <said)" = 1 ] && ! [ -s got ] || { echo "$call $nth"; cat said; return 1; } ;;
            *) echo "$call $nth"; cat said; return 1 ;;
            esac
        done
    done
    EMU_FAIL=cudaGetDeviceCount:1:35 on_gpu predict --device auto -m small text >got 2>said || return 1
    flairtag predict --device cpu -m small text | cmp - got || return 1
    [ "$(wc -l <said)" = 1 ] && grep -q '^flairtag: no GPU is used: no NVIDIA driver' said
}

tagger=$made/v0.11.3-zip-fwbw-crf/model.pt
small="--hidden-size 8 --mini-batch-size 8 --max-epochs 2 --words none --lm-forward $tagger --lm-backward $tagger"

training_does_not_depend_on_storage() {
    # shellcheck disable=SC2086
    flairtag train $small --device cpu -o cpu-run "$train_corpus" >/dev/null 2>&1 || return 1
    for storage in none cpu gpu; do
        # shellcheck disable=SC2086
        on_gpu train $small --storage $storage -o run-$storage "$train_corpus" >report-$storage 2>said || { cat said; return 1; }
        cmp run-none/final-model.safetensors run-$storage/final-model.safetensors || return 1
        cmp report-none report-$storage || return 1
    done
    cut -f 4- cpu-run/loss.tsv >cpu
    cut -f 4- run-none/loss.tsv >gpu
    within 2e-3 cpu gpu || return 1
    # shellcheck disable=SC2086
    on_gpu train $small --storage gpu --storage-dtype f16 -o run-halves "$train_corpus" 2>said
    [ $? = 2 ] && grep -q 'half-precision rows are kept in host memory' said
}

training_that_does_not_fit_is_the_cpus() {
    for i in 1 2; do cat "$ROOT/data/samples/demo.txt"; done >lines
    lm="lm train --direction forward lines --hidden-size 64 --mini-batch-size 2 --sequence-length 20 --max-epochs 1"
    # shellcheck disable=SC2086
    on_gpu train $small --device auto --gpu-mem 1M -o auto-run "$train_corpus" >/dev/null 2>said || return 1
    # shellcheck disable=SC2086
    flairtag train $small --device cpu -o host-run "$train_corpus" >/dev/null 2>&1 || return 1
    grep 'no GPU is used: training takes .* of the 1.0 MiB' said &&
        cmp auto-run/final-model.safetensors host-run/final-model.safetensors || return 1
    # shellcheck disable=SC2086
    on_gpu $lm --device auto --gpu-mem 100K -o auto.safetensors 2>said >/dev/null && flairtag $lm -o host.safetensors >/dev/null 2>&1 &&
        grep 'no GPU is used: training takes .* of the 0.1 MiB' said && cmp auto.safetensors host.safetensors
}

language_models_are_trained_and_measured() {
    for i in 1 2; do cat "$ROOT/data/samples/demo.txt"; done >lines
    for device in cpu cuda; do
        [ $device = cpu ] && run=flairtag || run=on_gpu
        $run lm train --device $device --direction forward lines --hidden-size 16 --embedding-size 8 --mini-batch-size 2 \
            --sequence-length 20 --optimizer adam --learning-rate 0.01 --least-count 1 --max-epochs 1 --seed 3 \
            -o $device.safetensors >/dev/null 2>&1 || return 1
    done
    flairtag lm score --device cpu --per-line -m cpu.safetensors lines >cpu || return 1
    on_gpu lm score --per-line -m cpu.safetensors lines >gpu && within 2e-4 cpu gpu || return 1
    on_gpu lm score --per-line -m cuda.safetensors lines >gpu && within 2e-3 cpu gpu
}

[ $# -gt 0 ] || set -- tags_are_the_cpus tags_do_not_depend_on_storage integers_are_widened \
    coarser_products_are_taken_and_told_apart vectors_are_the_cpus two_devices_do_as_one storage_table_shows_what_runs_out \
    a_full_device_keeps_less_and_tags_on failures_are_one_line_or_none training_does_not_depend_on_storage \
    training_that_does_not_fit_is_the_cpus language_models_are_trained_and_measured
for case; do
    if why=$($case 2>&1); then
        passed=$((passed + 1))
    else
        printf 'failed: %s\n%s\n' "$case" "$why"
        failed=$((failed + 1))
    fi
done
echo "emu-program: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
