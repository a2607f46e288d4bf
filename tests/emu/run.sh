#!/bin/sh
# Runs the tests of the CUDA back end on the emulated device, under $BUILD (default build): each once as it comes, with every
# call of CUDA made to fail in turn; then in other orders of threads and blocks and of streams' work; and all of them with
# what nvcc made of the kernels, as PTX of two architectures.
#
#     [EMU_MATRIX=full] tests/emu/run.sh [TEST ...]
#
# Every order of threads is tried with some order of streams and the other way round; EMU_MATRIX=full tries all pairs, with
# three seeds.
#
# Each test in each way counts. What a failed one printed is shown; everything is in $BUILD/logs/emu-runs.
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
if ! [ -e "$BUILD/libflairtag_cuda.so" ] || ! [ -e "$BUILD/emu/libcudart.so.13" ]; then
    echo "emu: 0 passed, 0 failed, 1 skipped (no CUDA compiler: nothing to run)"
    exit 0
fi
logs=$BUILD/logs/emu-runs
rm -rf "$logs"
mkdir -p "$logs"
export LD_LIBRARY_PATH="$BUILD/emu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ $# -gt 0 ] || set -- $(cd "$BUILD/tests/emu" && ls | grep '^test_')

quick="FLAIRTAG_LEFT_OUT=*fail*" # the tests in which calls fail
ways='sequential-random reversed-lazy random-eager-2 random-random-3'
if [ "$EMU_MATRIX" = full ]; then
    ways=
    for streams in eager lazy random; do
        ways="$ways sequential-$streams reversed-$streams random-$streams random-$streams-2 random-$streams-3"
    done
fi
# set_way SCHEDULE-STREAMS[-SEED]: the environment of it.
set_way() {
    rest=${1#*-} seed=1
    case $rest in *-*) seed=${rest#*-} ;; esac
    settings="EMU_SCHEDULE=${1%%-*} EMU_STREAMS=${rest%-*} EMU_SEED=$seed"
}

# "LOG ENVIRONMENT... PROGRAM"; the slow ones first.
{
    for test in test_cuda_lm test_cuda_training test_cuda_losses; do
        case " $* " in *" $test "*) echo "$test EMU_STREAMS=lazy $BUILD/tests/emu/$test" ;; esac
    done
    for test; do
        case $test in
        test_cuda_lm | test_cuda_training | test_cuda_losses) ;;
        *) echo "$test EMU_STREAMS=lazy $BUILD/tests/emu/$test" ;;
        esac
        case $test in test_cuda_*) ;; *) continue ;; esac
        for ptx in 75 120; do
            [ -e "$BUILD/emu/kernels_ptx$ptx.so" ] && echo "$test-ptx$ptx $quick \
                EMU_KERNELS=$BUILD/emu/kernels_ptx$ptx.so $BUILD/tests/emu/$test"
        done
        case $test in *_goldens) continue ;; esac
        for way in $ways; do
            set_way "$way"
            echo "$test-$way $quick $settings $BUILD/tests/emu/$test"
        done
    done
} >"$logs/list"

tr '\n' '\0' <"$logs/list" | xargs -0 -n 1 -P "${JOBS:-$(nproc)}" sh -c '
    timeout -k 5 600 env ${1#* } >"$0/${1%% *}" 2>&1
    echo $? >"$0/${1%% *}.exit"' "$logs"

passed=0 failed=0 skipped=0
while read -r name how; do
    summary=$(sed -nE 's/^[^:]+: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$logs/$name" | tail -n 1)
    status=$(cat "$logs/$name.exit" 2>/dev/null)
    # shellcheck disable=SC2086
    set -- ${summary:-0 1 0}
    [ "$status" != 0 ] && [ "$2" = 0 ] && set -- "$1" 1 "$3"
    if [ "$2" != 0 ]; then
        echo "---- $name (exit $status): LD_LIBRARY_PATH=$BUILD/emu $how"
        tail -n 40 "$logs/$name"
        echo "----"
    fi
    case $name in *-*) set -- "$1" "$2" 0 ;; esac # left out on purpose
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
done <"$logs/list"
echo "emu: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
