#!/bin/sh
# For the first person with an NVIDIA GPU: is flairtag's CUDA back end right there, does it keep to its memory, how fast
# is it? One command, under ten minutes:
#
#     sh tests/gpu/accept.sh [-o RESULT.json] [--small] [--only PART]
#
# It builds what is missing where nvcc is installed. Then, each a line of the summary and a member of the JSON file:
#   parity     token vectors, tags and confidences of every model at hand (models/, tests/golden, $FLAIRTAG_SHARED/golden),
#              GPU against CPU: within 1e-5 of a row's largest magnitude, the same tags, confidences within 0.001
#   train      the same losses in two epochs, within 0.1 %
#   storage    bytes that each way of keeping token vectors keeps, on a corpus as large as WNUT-17's train
#   memory     a smaller and a far too small --gpu-mem: the same output, a clean refusal, a documented fall-back
#   sanitizer  compute-sanitizer's memcheck and racecheck, where it is installed
#   time       predict in f32, tf32 and fp16, and train, on corpora as large as WNUT-17's test and train; beside what
#              'flairtag bench gpu-model' expects of the card, where that knows it
#   pytorch    PyTorch's LSTM on the same GPU, where Python has it with CUDA
#
# --only: one of the parts above. --small: the same with tiny models and corpora, for a device that is slow. FLAIRTAG_SHARED is ../shared by default. Exit
# status: 0 all passed (skipped ones apart), 1 something failed, 2 wrong usage, 5 no GPU
# can be used or the build is not there.
result=gpu-accept.json small='' only=''
while [ $# -gt 0 ]; do
    case $1 in
    -o) result=${2:?accept.sh: -o wants a file} && shift ;;
    --small) small=1 ;;
    --only) only=${2:?accept.sh: --only wants the name of a part} && shift ;;
    *)
        echo "accept.sh: unknown argument '$1' (usage: accept.sh [-o RESULT.json] [--small] [--only PART])" >&2
        exit 2
        ;;
    esac
    shift
done
case $result in /*) ;; *) result=$PWD/$result ;; esac
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
shared=${FLAIRTAG_SHARED:-../shared}
flairtag=$BUILD/flairtag
FLAIRTAG_MODELS=$PWD/models
export FLAIRTAG_MODELS LC_ALL=C
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
began=$(date +%s)
deadline=$((began + 570))

# Units of language models; sentences of the train-sized and of the test-sized corpus (WNUT-17's numbers); models tried.
units=2048 train_sentences=3394 test_sentences=1287 little_sentences=60 most_models=40
[ -z "$small" ] || units=16 train_sentences=12 test_sentences=6 little_sentences=6 most_models=3

passed=0 failed=0 skipped=0
wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }
# NAME pass|fail|skip DETAIL [JSON]: a line of the summary and a member of the result.
report() {
    printf '%-4s  %-28s %s\n' "$2" "$1" "$3"
    case $2 in pass) passed=$((passed + 1)) ;; fail) failed=$((failed + 1)) ;; skip) skipped=$((skipped + 1)) ;; esac
    detail=$(printf '%s' "$3" | sed 's/\\/\\\\/g; s/"/\\"/g' | tr '\n\t' '  ')
    printf '%s{"name": "%s", "status": "%s", "detail": "%s", "seconds_from_start": %d%s}' \
        "$([ -s "$scratch/checks" ] && echo ',')
    " "$1" "$2" "$detail" "$(($(date +%s) - began))" "${4:+, \"figures\": $4}" >>"$scratch/checks"
}
# Runs a command with at most SECONDS of what is left; its output is in $scratch/out and err. 124: no time left.
try() {
    limit=$1 left=$((deadline - $(date +%s)))
    shift
    [ "$left" -gt 0 ] || return 124
    [ "$limit" -lt "$left" ] || limit=$left
    timeout -k 5 "$limit" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
}
# The last line that a command said when it failed, or that its time was up.
why() {
    [ "$1" = 124 ] && echo "time is up" && return
    echo "exit status $1: $(tail -n 1 "$scratch/err")"
}
# A number of a JSON file of flairtag's, by its name; the first one.
number() {
    sed -n "s/^.*\"$1\":[[:space:]]*\([-+.0-9eE]*\).*/\1/p" "$2" | head -n 1
}
finish() {
    elapsed=$(($(date +%s) - began))
    {
        printf '{\n  "flairtag": "%s",\n  "gpu": "%s",\n  "small": %s,\n' "$("$flairtag" --version 2>/dev/null | head -n 1)" \
            "$gpu" "$([ -n "$small" ] && echo true || echo false)"
        printf '  "seconds": %d,\n  "passed": %d,\n  "failed": %d,\n  "skipped": %d,\n  "checks": [' \
            "$elapsed" "$passed" "$failed" "$skipped"
        cat "$scratch/checks" 2>/dev/null
        printf '\n  ]\n}\n'
    } >"$result" || exit 1
    echo "$passed passed, $failed failed, $skipped skipped in $elapsed s; all of it is in $result"
    exit "$1"
}
gpu=none

# ---- what is built, and is there a GPU
if [ ! -x "$flairtag" ] || [ ! -f "$BUILD/libflairtag_cuda.so" ]; then
    if [ -x "${NVCC-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}" ]; then
        echo "building flairtag and its CUDA back end (make, minutes)"
        deadline=$((deadline + 1200))
        try 1200 make BUILD="$BUILD" all || {
            report build fail "make: $(why $?)"
            finish 1
        }
        deadline=$(($(date +%s) + 570))
    else
        report build fail "no $BUILD/libflairtag_cuda.so, and no nvcc to build it with (CUDA 13 toolkit and cuDNN 9: developer.nvidia.com)"
        finish 5
    fi
fi
gpu=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | head -n 1)
gpu=${gpu:-not named by nvidia-smi}
printf 'Mira Tolvanen just landed in Port Ellery .\n' >"$scratch/one.txt"
try 60 "$flairtag" predict --device cuda "$scratch/one.txt" || {
    report device fail "$(why $?)"
    finish 5
}
report device pass "$gpu"

# Words of one to nine letters, one in ten tagged; sentences of 18 tokens on average, as WNUT-17's. A generator of our own,
# so that every awk makes the same.
corpus() {
    awk -v sentences="$1" 'function below(n) { state = (state * 16807) % 2147483647; return state % n }
        BEGIN {
            state = 4711
            for (s = 0; s < sentences; s++) {
                for (t = 3 + below(31); t > 0; t--) {
                    word = ""
                    for (i = 1 + below(9); i > 0; i--)
                        word = word sprintf("%c", 97 + below(26))
                    print word, below(10) ? "O" : "B-" (below(2) ? "person" : "location")
                }
                print ""
            }
        }'
}
corpus "$train_sentences" >"$scratch/train.conll"
corpus "$test_sentences" >"$scratch/test.conll"

# ---- parity
# The largest difference of two .npy files of float32 rows, as a part of a row's largest magnitude.
row_difference() {
    for file in "$1" "$2"; do
        width=$(head -c 128 "$file" | tr -cd ' -~' | sed -n "s/.*'shape': ([0-9]*, *\([0-9]*\)).*/\1/p" | head -n 1)
        bytes=$(od -An -t u2 -j 8 -N 2 "$file" | tr -d ' ')
        od -An -v -t f4 -w$((4 * width)) -j $((10 + bytes)) "$file" >"$file.text"
    done
    paste "$1.text" "$2.text" | awk '{
        half = NF / 2; largest = 0; off = 0
        for (i = 1; i <= half; i++) {
            a = $i < 0 ? -$i : $i
            d = $i - $(i + half); d = d < 0 ? -d : d
            if (a > largest) largest = a
            if (d > off || d != d) off = d
        }
        if (largest > 0 && off / largest > worst) worst = off / largest
        if ($0 ~ /nan/) worst = 1
    } END { printf "%.3g\n", NR ? worst : 1 }'
    rm -f "$1.text" "$2.text"
}
# All but numbers behind "score" must be equal; prints the largest difference of those, or "differ".
score_difference() {
    for file in "$1" "$2"; do
        sed 's/"score": [-+.0-9eE]*/"score": S/g' "$file" >"$file.rest"
        grep -o '"score": [-+.0-9eE]*' "$file" | sed 's/.*: //' >"$file.scores"
    done
    if cmp -s "$1.rest" "$2.rest"; then
        paste "$1.scores" "$2.scores" | awk '{ d = $1 - $2; d = d < 0 ? -d : d; if (d > worst) worst = d }
            END { printf "%.3g\n", worst }'
    else
        echo differ
    fi
}
# That A, a number, is at most B.
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a ~ /^[0-9]/ && a + 0 <= b + 0) }'; }

# NAME MODEL INPUT. What the CPU cannot tag with (a language model) is not for here.
parity() {
    for device in cpu cuda; do
        for what in predict embed; do
            case $what in
            predict) set -- "$1" "$2" "$3" --format jsonl ;;
            embed) set -- "$1" "$2" "$3" ;;
            esac
            try 60 "$flairtag" "$what" --device "$device" -m "$2" --precision f32 -o "$scratch/$device.$what" ${4:+"$4" "$5"} "$3"
            status=$?
            if [ "$status" != 0 ]; then
                if [ "$device" = cuda ]; then
                    report "parity $1" fail "$what: $(why $status)"
                elif ! grep -q 'not a tagger' "$scratch/err"; then
                    report "parity $1" skip "the CPU's $what: $(why $status)"
                fi
                rm -f "$scratch"/cpu.* "$scratch"/cuda.*
                return
            fi
        done
    done
    rows=$(row_difference "$scratch/cpu.embed" "$scratch/cuda.embed")
    scores=$(score_difference "$scratch/cpu.predict" "$scratch/cuda.predict")
    rm -f "$scratch"/cpu.* "$scratch"/cuda.*
    figures="{\"rows\": ${rows:-null}, \"confidences\": $([ "$scores" = differ ] && echo null || echo "$scores")}"
    if [ "$scores" = differ ]; then
        report "parity $1" fail "tags differ from the CPU's" "$figures"
    elif at_most "$rows" 1e-5 && at_most "$scores" 1e-3; then
        report "parity $1" pass "rows within $rows, confidences within $scores" "$figures"
    else
        report "parity $1" fail "rows off by $rows (1e-5 allowed), confidences by $scores (0.001 allowed)" "$figures"
    fi
}
if wanted parity; then
    models=0
    for model in models/*.safetensors; do
        [ -f "$model" ] && parity "$(basename "$model" .safetensors)" "$model" data/samples/sample.conll
    done
    for folder in tests/golden/tagger/* "$shared"/golden/tagger/* "$shared"/golden-own/tagger/*; do
        [ -f "$folder/model.pt" ] && [ -f "$folder/input.conll" ] && [ "$models" -lt "$most_models" ] || continue
        parity "$(basename "$folder")" "$folder/model.pt" "$folder/input.conll"
        models=$((models + 1))
    done
fi

# ---- training
corpus "$little_sentences" >"$scratch/little.conll"
train_losses() {
    try 120 "$flairtag" train --device "$1" --train "$scratch/little.conll" --dev "$scratch/little.conll" \
        --lm-forward social-forward --lm-backward social-backward --hidden-size 32 --max-epochs 2 --mini-batch-size 8 \
        --seed 1 --no-shuffle -o "$scratch/run.$1" || return
    awk 'NR > 1 { print $4 }' "$scratch/run.$1/loss.tsv" >"$scratch/losses.$1"
}
if ! wanted train; then
    :
elif ! train_losses cpu; then
    report train skip "the CPU's: $(why $?)"
elif ! train_losses cuda; then
    report train fail "$(why $?)"
else
    off=$(paste "$scratch/losses.cpu" "$scratch/losses.cuda" | awk '{ d = $1 - $2; d = (d < 0 ? -d : d) / ($1 ? $1 : 1)
        if (d > worst || d != d) worst = d } END { printf "%.3g\n", NR == 2 ? worst : 1 }')
    verdict=fail
    at_most "$off" 1e-3 && verdict=pass
    report train $verdict "losses of two epochs differ by $off of their size (0.001 allowed)" "{\"difference\": $off}"
fi

# ---- storage
if wanted storage; then
    try 150 "$flairtag" bench storage --random "$units" --device cuda --tag-column 2 --json "$scratch/train.conll"
    status=$?
    if [ "$status" != 0 ]; then
        report storage fail "$(why $status)"
    else
        cp "$scratch/out" "$scratch/storage.json"
        # Bytes kept by the row: tokens are rows, and each way must keep all rows once, but for views of whole tensors.
        verdict=$(awk -F '[:,]' '
            /"rows"/ && !rows { rows = $2 } /"row_bytes"/ { bytes = $2 }
            /"lm_output"/ { output = $2 } /"gather"/ { gather = $2 } /"storage"/ { storage = $2; ways++ }
            /"seconds"/ { timed = $2 !~ /null/ }
            /"kept"/ {
                want = storage ~ /none/ ? 0 : rows * bytes
                whole = output ~ /all/ && gather ~ /slice/ && storage ~ /gpu/
                if (timed && (whole ? $2 + 0 < want : $2 + 0 != want)) wrong = wrong " " output gather storage
                if (!timed) out++
            }
            END {
                gsub(/["\t ]+/, " ", wrong)
                rows += 0
                bytes += 0
                if (ways < 12) print "fail only " ways + 0 " ways are in the table"
                else if (wrong != "") print "fail not every row is kept once:" wrong
                else print "pass " ways " ways, " rows " rows of " bytes " bytes" (out ? ", " out " out of memory" : "")
            }' "$scratch/storage.json")
        report storage "${verdict%% *}" "${verdict#* }" "$(cat "$scratch/storage.json")"
    fi
fi

# ---- memory
if wanted memory; then
    "$flairtag" predict --device cuda data/samples/sample.conll >"$scratch/all.tsv" 2>/dev/null
    try 60 "$flairtag" predict --device cuda --gpu-mem 32M data/samples/sample.conll
    status=$?
    if [ "$status" != 0 ]; then
        report "memory, little" fail "$(why $status)"
    elif [ -s "$scratch/out" ] && [ "$(cut -f 1-7 "$scratch/out")" = "$(cut -f 1-7 "$scratch/all.tsv")" ]; then
        report "memory, little" pass "predict in 32 MiB gives the same spans"
    else
        report "memory, little" fail "predict in 32 MiB gives other spans"
    fi
    try 60 "$flairtag" predict --device cuda --gpu-mem 1M data/samples/sample.conll
    status=$?
    if [ "$status" = 5 ] && [ "$(wc -l <"$scratch/err")" = 1 ]; then
        report "memory, too little" pass "$(cat "$scratch/err")"
    else
        report "memory, too little" fail "exit status $status with $(wc -l <"$scratch/err") lines, not 5 with one"
    fi
fi

# ---- compute-sanitizer
if wanted sanitizer; then
    for tool in memcheck racecheck; do
        if ! command -v compute-sanitizer >/dev/null; then
            report "sanitizer $tool" skip "compute-sanitizer is not installed"
            continue
        fi
        try 90 compute-sanitizer --tool "$tool" --error-exitcode 9 "$flairtag" predict --device cuda "$scratch/one.txt"
        status=$?
        verdict=fail
        [ "$status" = 0 ] && verdict=pass
        [ "$status" = 124 ] && verdict=skip
        report "sanitizer $tool" $verdict "$(grep -h 'SUMMARY' "$scratch/out" "$scratch/err" | tail -n 1) $([ "$status" = 0 ] || why $status)"
    done
fi

# ---- time
if wanted time; then
    # What the model of 'bench gpu-model' expects of a card in a math, seconds; nothing where it does not know the card.
    try 60 "$flairtag" bench gpu-model --random "$units" --json "$scratch/test.conll" && cp "$scratch/out" "$scratch/model.json"
    expected() {
        [ -f "$scratch/model.json" ] || return
        awk -F '"' -v gpu="$gpu" -v math="$1" '/"device_seconds"/ { split($0, part, /[:,]/); seconds = part[2] + 0 }
            /"train"/ { exit }
            /"card"/ { card = $4 }
            /"math"/ && $4 == math && index(gpu, card) { print seconds; exit }' "$scratch/model.json"
    }
    for precision in f32 tf32 fp16; do
        try 90 "$flairtag" bench predict --random "$units" --device cuda --precision "$precision" --repeat 3 --json "$scratch/test.conll"
        status=$?
        if [ "$status" != 0 ]; then
            report "time predict $precision" fail "$(why $status)"
            continue
        fi
        seconds=$(number seconds "$scratch/out")
        model=$(expected "$(echo $precision | sed 's/fp16/f16/')")
        report "time predict $precision" pass "$(printf '%.3f s, %.0f tokens/s' "$seconds" "$(number tokens_per_s "$scratch/out")")${model:+; the model expects $model s}" \
            "{\"run\": $(cat "$scratch/out"), \"expected_seconds\": ${model:-null}}"
    done
    try 150 "$flairtag" bench train --random "$units" --device cuda --epochs 1 --tag-column 2 --json "$scratch/train.conll"
    status=$?
    if [ "$status" != 0 ]; then
        report "time train" fail "$(why $status)"
    else
        report "time train" pass "$(printf '%.2f s an epoch, %.0f tokens/s' "$(number seconds "$scratch/out")" "$(number tokens_per_s "$scratch/out")")" \
            "$(cat "$scratch/out")"
    fi
fi

# ---- PyTorch on the same GPU: both directions of the language model alone, sentences sorted by their lengths
if ! wanted pytorch; then
    :
elif python3 -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    try 90 python3 tests/gpu/pytorch_lstm.py "$scratch/test.conll" --hidden "$units"
    status=$?
    if [ "$status" = 0 ]; then
        report pytorch pass "$(number seconds "$scratch/out") s for the language models alone" "$(cat "$scratch/out")"
    else
        report pytorch fail "$(why $status)"
    fi
else
    report pytorch skip "no PyTorch with CUDA"
fi

finish "$([ "$failed" = 0 ] && echo 0 || echo 1)"
