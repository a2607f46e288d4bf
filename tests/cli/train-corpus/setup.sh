# For the cases beside this folder: a run that takes a tenth of a second, and what two runs have in common.
corpus=$ROOT/tests/cli/train-corpus
tagger=$ROOT/tests/golden/tagger/v0.11.3-zip-fwbw-crf/model.pt
small="--hidden-size 8 --mini-batch-size 8 --max-epochs 3 --words none --lm-forward $tagger --lm-backward $tagger"

# Messages have no path of this machine in them.
errors=$(dirname "$PWD")/errors work=$PWD
exec 3>&2 2>"$errors"
trap 'sed "s|$work/||g; s|$corpus|corpus|g; s|$ROOT|..|g; s/ had [0-9]* / had N /
    s/; there are: .*/; there are: .../" "$errors" >&3' EXIT

# train OUT ARGUMENT ...: a small run.
train() {
    out=$1
    shift
    flairtag train $small -o "$out" "$@"
}

# interrupt OUT ARGUMENT ...: a small run, stopped after its first epoch; its exit status. (A shell's background jobs
# ignore SIGINT unless they are told otherwise.)
interrupt() {
    out=$1
    shift
    env --default-signal=INT flairtag train $small -o "$out" "$@" >/dev/null &
    process=$!
    until grep -qs EPOCH "$out/training.log"; do sleep 0.02; done
    kill -INT $process
    wait $process
}

# same RUN RUN: whether two runs learnt the same.
same() {
    cmp -s "$1/final-model.safetensors" "$2/final-model.safetensors" && cmp -s "$1/weights.txt" "$2/weights.txt" &&
        cmp -s "$1/test.tsv" "$2/test.tsv" && echo "$2: as $1" || echo "$2: not as $1"
}

# count PATTERN FILE: how many lines match.
count() { grep -cE -- "$1" "$2"; }
