#!/bin/sh
# Runs every test that is built under $BUILD (default build) and sums them up. Each program prints a line "NAME: N passed,
# N failed, N skipped"; one that dies without it, or fails after it (a leak, say), counts as one failure. $JOBS programs run at
# a time (default: the cores there are). What a failed program printed is shown; everything is in $BUILD/logs.
#
# $VALGRIND_TEST is run once more under valgrind, in one process; valgrind tells its own errors by exit code 99.
cd "$(dirname "$0")/.." || exit 1
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
export BUILD UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
valgrind_test=$BUILD/tests/golden/${VALGRIND_TEST:-test_valgrind}
logs=$BUILD/logs
rm -rf "$logs"
mkdir -p "$logs"

# "NAME COMMAND", the slowest first.
{
    if [ -x "$valgrind_test" ] && command -v valgrind >/dev/null; then
        echo "valgrind CK_FORK=no valgrind -q --leak-check=full --error-exitcode=99 $valgrind_test"
    fi
    echo "cli sh tests/cli/run.sh"
    echo "emu_program sh tests/emu/program.sh"
    echo "emu_accept sh tests/emu/accept.sh"
    echo "emu_budgets sh tests/emu/budgets.sh"
    echo "emu_symbols sh tests/emu/symbols.sh"
    echo "library sh tests/library.sh"
    echo "train_kill sh tests/train_kill.sh"
    echo "html sh tests/html.sh"
    echo "predict_kill sh tests/predict_kill.sh"
    echo "parallel sh tests/parallel.sh"
    echo "get_model sh tests/get_model/run.sh"
    echo "faults sh tests/faults.sh"
    echo "fuzz sh tests/fuzz/replay.sh"
    echo "asan-fuzz env BUILD=$BUILD/asan sh tests/fuzz/replay.sh"
    echo "arm sh tests/arm/run.sh"
    command -v python3 >/dev/null && echo "engine_rows python3 tests/engines/test_flairtag_spark.py"
    for variant in asan/ ''; do
        for source in tests/unit/test_*.c tests/golden/test_*.c; do
            program=$BUILD/$variant${source%.c}
            [ -x "$program" ] && echo "$(echo "$variant${source%.c}" | sed 's|tests/||; s|test_||; s|/|-|g') $program"
        done
    done
} >"$logs/list"

tr '\n' '\0' <"$logs/list" | xargs -0 -n 1 -P "${JOBS:-$(nproc)}" sh -c '
    log=$0/${1%% *}
    timeout -k 5 900 sh -c "${1#* }" >"$log" 2>&1
    echo $? >"$log.exit"' "$logs"

# By itself, behind the others: it fills all cores.
echo "emu sh tests/emu/run.sh" >>"$logs/list"
timeout -k 5 900 sh tests/emu/run.sh >"$logs/emu.out" 2>&1
echo $? >"$logs/emu.exit"
mv "$logs/emu.out" "$logs/emu"

passed=0 failed=0 skipped=0
while read -r name command; do
    summary=$(sed -nE 's/^[^ :]+: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$logs/$name" | tail -n 1)
    status=$(cat "$logs/$name.exit" 2>/dev/null)
    # shellcheck disable=SC2086
    set -- ${summary:-0 1 0}
    [ "$status" != 0 ] && [ "$2" = 0 ] && set -- "$1" 1 "$3"
    if [ "$2" != 0 ]; then
        echo "---- $name (exit $status): $command"
        tail -n 100 "$logs/$name"
        echo "----"
    fi
    printf '%s: %d passed, %d failed, %d skipped\n' "$name" "$1" "$2" "$3"
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
done <"$logs/list"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
