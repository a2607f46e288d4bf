#!/bin/sh
#SBATCH --job-name=flairtag
#SBATCH --requeue
#SBATCH --open-mode=append
# flairtag under Slurm: an array job in which each task tags a shard of the input, and a job behind it that joins the
# parts.
#
#     flairtag-array.sh TASKS -o OUTPUT [PREDICT OPTION ...] FILE ...
#
# submits both, and prints their numbers; options for sbatch go into its variables (SBATCH_PARTITION, SBATCH_TIMELIMIT,
# ...) and FLAIRTAG_SBATCH ("--cpus-per-task=4 --mem=2G"), which is for the array alone. The same by hand, with JOB the
# number that the first one prints:
#
#     sbatch --array=0-39 flairtag-array.sh -o OUTPUT [PREDICT OPTION ...] FILE ...
#     sbatch --dependency=afterany:JOB flairtag-array.sh -o OUTPUT
#
# OUTPUT is byte for byte what `flairtag predict -o OUTPUT ...` writes. Parts are in the folder OUTPUT.parts until
# OUTPUT is whole. A task that is preempted, requeued or killed goes on where its part ends; one whose part is whole has
# nothing to do. So after any failure the same submission does what is left. The folder notes the command and the sizes
# and times of the files it names; another command is refused.
#
# FLAIRTAG names the program (default: flairtag in PATH). Tasks work on as many threads as they have CPUs. Needs a file
# system that all nodes see, and inputs that are files. Exit codes are flairtag's; 2 for usage; 3 where parts are
# missing.

fail() {
    status=$1
    shift
    echo "flairtag-array: $*" >&2
    exit "$status"
}

usage() {
    fail 2 "$1; usage: flairtag-array.sh TASKS -o OUTPUT [PREDICT OPTION ...] FILE ... (or sbatch --array=0-39" \
        "flairtag-array.sh -o OUTPUT ...)"
}

# describe COUNT ARGUMENT ...: what the parts depend on.
describe() {
    echo "parts: $1"
    shift
    "$flairtag" --version || return
    for argument; do
        printf '%s\n' "$argument"
        # Names are not enough: a file may have become another.
        if [ -f "$argument" ]; then
            stat -L -c '    %s bytes, of %Y' -- "$argument"
        fi
    done
}

# settle COUNT ARGUMENT ...: the folder is there, and it is that of this command.
settle() {
    mkdir -p "$parts" || exit 1
    mine=$parts/.command.$SLURM_JOB_ID
    describe "$@" >"$mine" || fail 2 "cannot run '$flairtag' (put it into PATH, or its path into FLAIRTAG)"
    # The first task's becomes the folder's, whole and at once; ln does not replace one that is there.
    ln "$mine" "$parts/command" 2>/dev/null
    if ! cmp -s "$mine" "$parts/command"; then
        diff "$parts/command" "$mine" >&2
        rm -f "$mine"
        fail 2 "'$parts' holds the parts of another command or other files (remove it, or take another OUTPUT)"
    fi
    rm -f "$mine"
}

submit() {
    tasks=$1
    shift
    [ "$1" = -o ] && [ $# -ge 3 ] || usage "-o OUTPUT is wanted behind TASKS, and a FILE"
    # shellcheck disable=SC2086
    job=$(sbatch --parsable --array=0-$((tasks - 1)) $FLAIRTAG_SBATCH "$0" "$@") || exit
    join=$(sbatch --parsable --dependency="afterany:${job%%;*}" "$0" -o "$2") || exit
    echo "$job tags, $join joins into $2"
}

# tag ARGUMENT ...: this task's part. The process becomes flairtag, so that signals reach it.
tag() {
    count=$SLURM_ARRAY_TASK_COUNT
    [ $((SLURM_ARRAY_TASK_MAX - SLURM_ARRAY_TASK_MIN + 1)) = "$count" ] ||
        usage "tasks are numbered without gaps, not $count from $SLURM_ARRAY_TASK_MIN to $SLURM_ARRAY_TASK_MAX"
    number=$((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN + 1))
    settle "$count" "$@"
    [ -f "$parts/$number" ] && exit 0
    exec "$flairtag" predict --threads "${SLURM_CPUS_PER_TASK:-1}" "$@" --resume --shard "$number/$count" \
        -o "$parts/$number"
}

# join: all parts in order, once they are whole. Whatever moment it is killed at, it can be run again.
join() {
    done=$output.parts.joined
    if [ ! -d "$parts" ] && [ -d "$done" ]; then
        rm -rf "$done"
        exit 0
    fi
    count=$(sed -n '1s/^parts: //p' "$parts/command" 2>/dev/null)
    [ "$count" ] || fail 3 "no parts in '$parts': an array job makes them"
    missing=
    for number in $(seq "$count"); do
        [ -f "$parts/$number" ] || missing="$missing $number"
    done
    [ "$missing" ] &&
        fail 3 "of the $count parts in '$parts' these are not whole:$missing (submit the same command again)"
    for number in $(seq "$count"); do
        cat "$parts/$number" || exit 1
    done >"$parts/whole" && sync "$parts/whole" && mv "$parts/whole" "$output" || fail 1 "cannot write '$output'"
    rm -rf "$done" && mv "$parts" "$done" && rm -rf "$done"
}

flairtag=${FLAIRTAG:-flairtag}
case $1 in
-o) [ "$2" ] && [ "$SLURM_JOB_ID" ] || usage "outside of a job the number of tasks is wanted first" ;;
*[!0-9]* | '' | 0*) usage "the number of tasks is wanted first, from 1" ;;
*)
    submit "$@"
    exit
    ;;
esac
output=$2 parts=$2.parts
shift 2
if [ "$SLURM_ARRAY_TASK_ID" ]; then
    [ $# -gt 0 ] || usage "a FILE is wanted"
    tag "$@"
else
    [ $# = 0 ] || usage "without --array parts are joined, which takes -o OUTPUT alone"
    join
fi
