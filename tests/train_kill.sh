#!/bin/sh
# Training runs that are killed at random moments, in any of their steps, and gone on with until they end must leave what
# a run leaves that nobody disturbed: models, tables and weights byte for byte, loss.tsv but for the time of day.
#
#     FLAIRTAG_KILLS=20 FLAIRTAG_SEED=7 tests/train_kill.sh
#
# Kills that many times (6) in as many runs as that takes; the moments follow from the seed (the clock's, printed).
cd "$(dirname "$0")/.." || exit 1
ROOT=$PWD
flairtag=$(cd "${BUILD:-build}" && pwd)/flairtag || exit 1
kills=${FLAIRTAG_KILLS:-6} seed=${FLAIRTAG_SEED:-$(date +%s)}
FLAIRTAG_MODELS=$ROOT/models
export FLAIRTAG_MODELS LC_ALL=C.UTF-8
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
echo "seed $seed"
passed=0 failed=0

# begin OUT CHECKPOINT_SECONDS THREADS: becomes the run, so that its process is the one that is killed.
begin() {
    exec "$flairtag" train "$ROOT/tests/cli/train-corpus" -o "$1" --checkpoint-seconds "$2" --threads "$3" --hidden-size 48 \
        --mini-batch-size 5 --max-epochs 8 --word-dropout 0.1 --optimizer adam --monitor-test --average 0.9 --o-bias auto
}

# draw: sets `random` to the next number from 0 to 1.
draws=0
draw() {
    draws=$((draws + 1))
    random=$(awk -v seed="$seed" -v n=$draws 'BEGIN { srand(seed + 7919 * n); rand(); printf "%.4f\n", rand() }')
}

# same_as_whole RUN: tells what is not as in the undisturbed run.
same_as_whole() {
    same=true
    [ "$(ls whole)" = "$(ls "$1")" ] || { same=false; echo "its files are: $(ls "$1" | tr '\n' ' ')"; }
    for file in final-model.safetensors best-model.safetensors dev.tsv test.tsv weights.txt loss.svg; do
        cmp "whole/$file" "$1/$file" || same=false
    done
    cut -f 1,3- "$1/loss.tsv" | cmp - whole-loss.tsv || same=false
    $same
}

start=$(date +%s.%N)
if ! (begin whole 0 1) >whole.report 2>whole.errors; then
    cat whole.errors
    echo "train_kill: 0 passed, 1 failed, 0 skipped"
    exit 1
fi
length=$(awk -v start="$start" -v end="$(date +%s.%N)" 'BEGIN { print end - start }')
cut -f 1,3- whole/loss.tsv >whole-loss.tsv
echo "undisturbed: $length s"

killed=0 runs=0 unbegun=0
while [ $killed -lt "$kills" ]; do
    runs=$((runs + 1)) here=0
    case $((runs % 3)) in 0) every=1 ;; *) every=0 ;; esac
    while :; do
        draw
        moment=$(awk -v whole="$length" -v x="$random" 'BEGIN { print 0.002 + 1.1 * whole * x ^ 3 }')
        threads=$((1 + draws % 2))
        if [ -e killed/run.json ]; then
            "$flairtag" train --resume killed --threads $threads >report 2>errors &
        else
            begin killed $every $threads >report 2>errors &
        fi
        process=$!
        sleep "$moment"
        # Enough is enough: the last run goes on to its end.
        [ $killed -lt "$kills" ] && kill -9 $process 2>/dev/null
        wait $process 2>/dev/null
        status=$?
        [ $status = 137 ] || break
        killed=$((killed + 1)) here=$((here + 1))
        [ -e killed/run.json ] || unbegun=$((unbegun + 1))
    done
    if [ $status = 0 ] && same_as_whole killed; then
        passed=$((passed + 1))
    else
        echo "run $runs, killed $here times, saving every $every s: exit $status; $(cat errors)"
        failed=$((failed + 1))
    fi
    rm -rf killed
done
echo "$killed kills in $runs runs, $unbegun of them before there was a run"
echo "train_kill: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
