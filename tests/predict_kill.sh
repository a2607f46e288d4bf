#!/bin/sh
# Runs of `predict --resume` that are killed at random moments, or find their disk full at random bytes, and are begun again until
# they end must leave the bytes of a run that nobody disturbed: column, JSON, text and token input, plain, gz, in several
# files and from a pipe, in one process and in several, the whole and a shard.
#
#     FLAIRTAG_KILLS=100 FLAIRTAG_SEED=7 tests/predict_kill.sh
#
# Kills about that many times (12), spread over the cases; the moments follow from the seed (the clock's, printed).
cd "$(dirname "$0")/.." || exit 1
ROOT=$PWD
flairtag=$(cd "${BUILD:-build}" && pwd)/flairtag || exit 1
kills=${FLAIRTAG_KILLS:-12} seed=${FLAIRTAG_SEED:-$(date +%s)}
model=$ROOT/tests/golden/tagger/v0.15.1-zip-fwbw-softmax-half/model.pt
export LC_ALL=C.UTF-8
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
echo "seed $seed"
passed=0 failed=0

# Inputs of a few windows each.
copies() {
    awk -v n="$2" '{ line[NR] = $0 } END { for (i = 1; i <= n; i++) for (l = 1; l <= NR; l++) print line[l] }' "$1"
}
copies "$ROOT/data/samples/sample.conll" 500 >columns.conll
copies "$ROOT/data/samples/sample.jsonl" 600 | gzip >objects.jsonl.gz
copies "$ROOT/data/samples/demo.txt" 500 >text.txt
awk 'NF { printf "%s ", $1 } !NF { print "" }' columns.conll >tokens.txt
cases='columns jobs objects text pipe shard'

# predict CASE ARGUMENT ...: becomes the run, so that its process is the one that is killed.
predict() {
    case=$1
    shift
    case $case in
    columns) exec "$flairtag" predict -m "$model" --scores flair "$@" columns.conll ;;
    jobs) exec "$flairtag" predict -m "$model" --jobs 2 "$@" columns.conll ;;
    objects) exec "$flairtag" predict -m "$model" "$@" objects.jsonl.gz ;;
    text) exec "$flairtag" predict -m "$model" --input-format text "$@" text.txt text.txt ;;
    pipe) exec "$flairtag" predict -m "$model" --input-format tokens "$@" <fifo ;;
    shard) exec "$flairtag" predict -m "$model" --input-format text --shard 2/3 "$@" text.txt tokens.txt ;;
    esac
}
mkfifo fifo
feed() {
    feeder=
    [ "$1" = pipe ] || return
    cat tokens.txt >fifo 2>/dev/null &
    feeder=$!
}
# Nothing of it may reach the next run.
feed_no_more() {
    [ ! "$feeder" ] || { kill $feeder; wait $feeder; } 2>/dev/null
}

# draw: sets `random` to the next number from 0 to 1.
draws=0
draw() {
    draws=$((draws + 1))
    random=$(awk -v seed="$seed" -v n=$draws 'BEGIN { srand(seed + 7919 * n); rand(); printf "%.4f\n", rand() }')
}

# judge CASE WHAT: the output against that of the undisturbed run.
judge() {
    if [ "$status" = 0 ] && cmp "$1.whole" "$1.out" && [ ! -e "$1.out.part" ] && [ ! -e "$1.out.part.state" ]; then
        passed=$((passed + 1))
    else
        echo "$1, $2: exit $status; $(cat errors)"
        failed=$((failed + 1))
    fi
    rm -f "$1.out" "$1.out.part" "$1.out.part.state"
}

killed=0 gone_on=0 runs=0 each=$(((kills + 5) / 6))
for case in $cases; do
    start=$(date +%s.%N)
    feed $case
    if ! (predict $case) >$case.whole 2>errors; then
        cat errors
        echo "predict_kill: $passed passed, $((failed + 1)) failed, 0 skipped"
        exit 1
    fi
    feed_no_more
    length=$(awk -v start="$start" -v end="$(date +%s.%N)" 'BEGIN { print end - start }')
    here=0 of_run=0
    while :; do
        feed $case
        [ ! -s $case.out.part.state ] || gone_on=$((gone_on + 1))
        predict $case --resume --checkpoint-seconds 0 -o $case.out --threads $((1 + here % 2)) 2>errors &
        process=$!
        draw
        sleep "$(awk -v whole="$length" -v x="$random" 'BEGIN { print 0.002 + whole * x }')"
        # Enough is enough: the last run goes on to its end.
        [ $here -lt $each ] && kill -9 $process 2>/dev/null
        wait $process 2>/dev/null
        status=$?
        feed_no_more
        if [ $status = 137 ]; then
            here=$((here + 1)) of_run=$((of_run + 1)) killed=$((killed + 1))
            continue
        fi
        judge $case "killed $of_run times"
        runs=$((runs + 1)) of_run=0
        [ $status = 0 ] && [ $here -lt $each ] || break
    done
done

# A limit on the size of files stands for a disk that is full, here of 512 bytes a block, and has room later.
for case in $cases; do
    bytes=$(wc -c <$case.whole) full=0
    draw
    for share in 0 "$random" 1; do
        limit=$(awk -v bytes="$bytes" -v x="$share" 'BEGIN { print int(bytes / 512 * x) + (x == 1) * 2048 }')
        feed $case
        (
            ulimit -f "$limit"
            predict $case --resume --checkpoint-seconds 0 -o $case.out 2>errors
        )
        status=$?
        feed_no_more
        [ $status = 1 ] || break
        full=$((full + 1))
        grep -q 'File too large' errors || status=wrong
    done
    judge $case "without room $full times"
done
echo "$killed kills in $runs runs, which were gone on with $gone_on times"
echo "predict_kill: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
