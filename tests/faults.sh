#!/bin/sh
# Every allocation and everything done to a file is made to fail in turn, while the program predicts, converts and trains
# (tests/faults/faults.c). What must come of it: exit 5 or 1 and one line that says why, or nothing amiss; a file that was
# there before stays until the new one is whole; no FILE.part is left; a training run goes on to the same model.
#
#     FLAIRTAG_FAULTS=all tests/faults.sh [CASE ...]
#
# "all": every call fails once. Otherwise the first 12 and from there each that comes a third later in its run.
cd "$(dirname "$0")/.." || exit 1
ROOT=$PWD
flairtag=$(cd "${BUILD:-build}" && pwd)/flairtag || exit 1
seeds=$ROOT/tests/fuzz/seeds
FLAIRTAG_MODELS=$ROOT/models
OMP_NUM_THREADS=1
export FLAIRTAG_MODELS OMP_NUM_THREADS LC_ALL=C.UTF-8
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
${CC:-cc} -O1 -shared -fPIC -o "$scratch/faults.so" tests/faults/faults.c || exit 1
ls "$seeds" >/dev/null || exit 1
head -n 40 data/samples/sample.conll >"$scratch/corpus.conll"
head -n 3 data/samples/demo.txt >"$scratch/text.txt"

# begin CASE: what the case does, into out (a file or a run's folder); its faults are set.
begin() {
    case $1 in
    predict-flair) set -- predict -m "$seeds/zip/words" -o out corpus.conll ;;
    predict-legacy) set -- predict -m "$seeds/legacy/stack" --format jsonl --nbest 2 -o out corpus.conll ;;
    predict-own) set -- predict -m "$seeds/safetensors/stack-int8" -o out text.txt ;;
    predict-stdout) set -- predict -m "$seeds/safetensors/words-f32" corpus.conll ;;
    convert-flair) set -- convert "$seeds/zip/words" out ;;
    convert-legacy) set -- convert --precision int8 "$seeds/legacy/stack" out ;;
    convert-gensim) set -- convert "$seeds/gensim/protocol-2" out ;;
    convert-words) set -- convert --words-precision int8 "$seeds/words/word2vec-binary.gz" out ;;
    convert-back) set -- convert --to flair "$seeds/safetensors/stack-f32" out ;;
    info) set -- info "$seeds/safetensors/stack-f32" ;;
    train) set -- train "$ROOT/tests/cli/train-corpus" -o out --words none --lm-forward "$seeds/safetensors/stack-f32" \
        --lm-backward "$seeds/safetensors/stack-f32" --hidden-size 2 --max-epochs 1 --mini-batch-size 20 --checkpoint-seconds 0 ;;
    lm-train) set -- lm train text.txt --direction forward -o out --valid text.txt --hidden-size 2 --embedding-size 2 --mini-batch-size 2 --sequence-length 20 \
        --max-epochs 1 --checkpoint-seconds 0 ;;
    esac
    case $1 in info) ;; *) command=$1 && shift && set -- "$command" --threads 1 "$@" ;; esac
    exec env LD_PRELOAD="$scratch/faults.so" "$flairtag" "$@" >stdout 2>stderr
}

# wrong CASE STATUS EXPECTED: says what is not as it must be.
wrong() {
    if [ "$2" = 0 ]; then
        case $1 in lm-train) ;; *) cmp -s stdout ../whole/stdout || echo "other output" ;; esac # it says how fast it was
        same ../whole/out out || echo "another file"
    else
        [ "$2" = "$3" ] || echo "exit $2"
        { read -r line && ! read -r _; } <stderr && case $line in "flairtag: "*) false ;; esac && echo "no message"
        [ "$(wc -l <stderr)" = 1 ] || echo "not one line"
        case $1 in
        *train) again "$1" ;;
        *) [ ! -e out ] || [ "$(cat out)" = old ] || echo "the file that was there is gone" ;;
        esac
    fi
    for part in ./*.part out/*.part out.run/*.part; do
        [ -e "$part" ] && echo "left: $part"
    done
}

# same A B: files, or runs that learnt the same.
same() {
    if [ -d "$1" ]; then
        cmp -s "$1/final-model.safetensors" "$2/final-model.safetensors"
    else
        [ ! -e "$1" ] || cmp -s "$1" "$2"
    fi
}

# again CASE: a run that failed goes on to what it would have come to.
again() {
    case $1 in lm-train) set -- out.run lm train ;; *) set -- out train ;; esac
    [ -e "$1/run.json" ] || return
    folder=$1
    shift
    "$flairtag" "$@" --resume "$folder" >/dev/null 2>stderr || echo "it cannot be gone on with"
    same ../whole/out out || echo "gone on with, it learns something else"
}

# try CASE IN HOW ON EXPECTED: all calls of a case in turn; a line for what was wrong, one of sums at the end.
try() {
    name=$1-$2-$3-$4
    mkdir -p "$scratch/$name/whole" "$scratch/$name/work"
    cd "$scratch/$name/whole" || return
    export FAULTS_IN="$2" FAULTS_HOW="$3" FAULTS_ON="$4" FAULTS_AT=0 FAULTS_SAY="$scratch/$name/calls"
    cp ../../corpus.conll ../../text.txt .
    (begin "$1") || { echo "$name: exit $? without a fault: $(cat stderr)" && return; }
    calls=$(cat ../calls) at=1 tried=0 failed=0
    unset FAULTS_SAY
    cd ../work || return
    cp ../whole/corpus.conll ../whole/text.txt .
    while [ "$at" -le "$calls" ]; do
        rm -rf out out.run
        case $1 in *train) ;; *) echo old >out ;; esac
        FAULTS_AT=$at
        (begin "$1")
        status=$?
        said=$(wrong "$1" $status "$5")
        [ "$said" ] && echo "$name: call $at of $calls: $(echo "$said" | tr '\n' ';') $(head -c 300 stderr)"
        tried=$((tried + 1)) failed=$((failed + (status != 0)))
        if [ "$FLAIRTAG_FAULTS" = all ] || [ $at -lt 12 ]; then at=$((at + 1)); else at=$((at + at / 3)); fi
    done
    echo "$name: $tried of $calls calls, $failed failures"
    # a fault that is none of the program's
    case $3 in EINTR | short) [ $failed = 0 ] || echo "$name: it failed" ;; esac
    rm -rf "$scratch/${name:?}"
}

[ $# -gt 0 ] || set -- predict-flair predict-legacy predict-own predict-stdout convert-flair convert-legacy convert-gensim \
    convert-words convert-back info train lm-train
for case; do
    for how in ENOSPC EIO EINTR short; do
        for on in 0 1; do
            case $how-$on in EINTR-1 | short-1) ;; *) echo "$case files $how $on 1" ;; esac
        done
    done
    for on in 0 1; do echo "$case memory ENOMEM $on 5"; done
done >"$scratch/list"
half() { while read -r case in how on expected; do (try "$case" "$in" "$how" "$on" "$expected"); done; }
sed -n 'p;n' "$scratch/list" | half >"$scratch/first" &
sed -n 'n;p' "$scratch/list" | half >"$scratch/second"
wait
cat "$scratch/first" "$scratch/second" >"$scratch/results"
cat "$scratch/results"
failed=$(grep -vc ' failures$' "$scratch/results") passed=$(grep -c ' failures$' "$scratch/results")
echo "faults: $passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
