#!/bin/sh
# What README.md says of GNU parallel, held against one run: blocks cut between sentences and given to processes in turn, and files
# or shards given to a process each. Skipped where GNU parallel is not installed.
cd "$(dirname "$0")/.." || exit 1
ROOT=$PWD
if ! parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
    echo "parallel: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
PATH=$(cd "${BUILD:-build}" && pwd):$PATH
model=$ROOT/tests/golden/tagger/v0.11.3-zip-fwbw-crf/model.pt
export PATH LC_ALL=C.UTF-8 model
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
HOME=$scratch # parallel keeps its own files there
export HOME
mkdir .parallel && : >.parallel/will-cite
passed=0 failed=0

# Sentences of several blocks; lines of white space alone end some of them.
for i in $(seq 1 20); do
    sed "s/^\$/$([ $((i % 5)) = 0 ] && printf '\\t')/" "$ROOT/tests/golden/tagger/v0.11.3-zip-fwbw-crf/input.conll"
done >columns.conll
for i in $(seq 1 100); do cat "$ROOT/data/samples/sample.jsonl"; done >objects.jsonl

# same NAME: what is in `joined` against one run.
same() {
    if cmp joined whole; then
        passed=$((passed + 1))
    else
        echo "differs: $1"
        failed=$((failed + 1))
    fi
}

flairtag predict -m "$model" --input-format conll columns.conll >whole
parallel --pipe -k --regexp --recend '\n[ \t]*\n' --block 20k -j 2 \
    flairtag predict -m "$model" --threads 1 --input-format conll - <columns.conll >joined
same 'columns by --pipe'
parallel --pipepart -a columns.conll -k --regexp --recend '\n[ \t]*\n' --block 20k -j 2 \
    flairtag predict -m "$model" --threads 1 --input-format conll - >joined
same 'columns by --pipepart'
seq 5 | parallel -k -j 2 flairtag predict -m "$model" --threads 1 --input-format conll --shard {}/5 columns.conll >joined
same 'columns by --shard'
flairtag predict -m "$model" objects.jsonl >whole
parallel --pipe -k --block 20k -j 2 flairtag predict -m "$model" --threads 1 --input-format jsonl - <objects.jsonl >joined
same 'objects by --pipe'
seq 3 | parallel -j 2 flairtag predict -m "$model" --threads 1 --resume -o part{} --shard {}/3 objects.jsonl
cat part1 part2 part3 >joined
same 'objects by --shard into files'
echo "parallel: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
