#!/bin/sh
# Runs fuzz targets (make fuzz), each for so many seconds, from its seeds and what earlier runs found:
#
#     tests/fuzz/run.sh SECONDS [TARGET ...]
#
# What reaches new code is kept in build/fuzz/corpus/TARGET, what breaks something in build/fuzz/found/TARGET-*, what
# libFuzzer said in build/fuzz/logs/TARGET. One line a target: executions, edges of the program reached, files found.
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(cd "${BUILD:-build}/fuzz" && pwd) || exit 1
seconds=${1:?how many seconds?}
shift
[ $# -gt 0 ] || set -- $(ls tests/fuzz/seeds)
mkdir -p "$BUILD/found" "$BUILD/logs"
status=0
for target; do
    mkdir -p "$BUILD/corpus/$target"
    more= most=16384
    case $target in # whole models of Flair's, too: golden tests have them
    zip | legacy) more=tests/golden/tagger most=49152 ;;
    safetensors | checkpoint) most=32768 ;;
    esac
    # shellcheck disable=SC2086
    "$BUILD/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=$most -timeout=20 -rss_limit_mb=2048 \
        -malloc_limit_mb=600 -close_fd_mask=3 -print_final_stats=1 -artifact_prefix="$BUILD/found/$target-" \
        "$BUILD/corpus/$target" "tests/fuzz/seeds/$target" $more >"$BUILD/logs/$target" 2>&1 || status=1
    printf '%s: %s executions, %s, %s files found\n' "$target" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$BUILD/logs/$target")" \
        "$(grep -o 'cov: [0-9]*' "$BUILD/logs/$target" | tail -n 1)" \
        "$(find "$BUILD/found" -name "$target-*" | wc -l)"
done
exit $status
