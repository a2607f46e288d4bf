#!/bin/sh
# Runs the cases of the command line: each folder here holds `cmd` (a shell script) and what it must give: `stdout`, `stderr`
# (missing: nothing) and `exit` (missing: 0). `stdout.pattern` and `stderr.pattern` instead hold extended regular
# expressions, one a line, each of which must match a line. `needs` names paths without which the case is skipped.
#
#     tests/cli/run.sh [CASE ...]
#
# A case runs in a copy of its folder, with the built program first in PATH, the repository as $ROOT and no models of the
# user's own.
cd "$(dirname "$0")/../.." || exit 1
ROOT=$PWD
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
SHARED=${FLAIRTAG_SHARED:-$ROOT/../shared}
FLAIRTAG_MODELS=$ROOT/models
XDG_DATA_HOME=/dev/null/nowhere # where even root can make no folder
PATH=$BUILD:$PATH
export ROOT BUILD SHARED FLAIRTAG_MODELS XDG_DATA_HOME PATH LC_ALL=C.UTF-8
unset NO_COLOR
scratch=$(mktemp -d) || exit 1
trap 'chmod -R u+rwx "$scratch"; rm -rf "$scratch"' EXIT
passed=0 failed=0 skipped=0

# same CASE STREAM: what the case wrote against what it must write; differences on stdout.
same() {
    if [ -f "$1/$2.pattern" ]; then
        absent=$(while IFS= read -r pattern; do
            grep -qE -- "$pattern" "$scratch/$2" || echo "$2 has no line like: $pattern"
        done <"$1/$2.pattern")
        [ -z "$absent" ] || { echo "$absent" && cat "$scratch/$2"; }
    else
        [ -f "$1/$2" ] && expected=$1/$2 || expected=/dev/null
        diff -u --label "expected $2" --label "$2" "$expected" "$scratch/$2"
    fi
}

[ $# -gt 0 ] || set -- tests/cli/*/
for case; do
    [ -d "$case" ] || case=tests/cli/$case
    case=${case%/} lacking=
    [ -f "$case/cmd" ] || continue
    [ -f "$case/needs" ] && while read -r path; do
        eval "path=$path"
        [ -e "$path" ] || lacking=$path
    done <"$case/needs"
    if [ "$lacking" ]; then
        echo "skipped: $case needs $lacking"
        skipped=$((skipped + 1))
        continue
    fi
    cp -R "$case" "$scratch/work"
    (cd "$scratch/work" && timeout -k 5 120 sh cmd </dev/null >"$scratch/stdout" 2>"$scratch/stderr"
        echo $? >"$scratch/exit")
    [ -f "$case/exit" ] && expected=$(cat "$case/exit") || expected=0
    differences=$(
        [ "$(cat "$scratch/exit")" = "$expected" ] || echo "exit $(cat "$scratch/exit"), not $expected"
        same "$case" stdout
        same "$case" stderr
    )
    if [ "$differences" ]; then
        printf 'failed: %s\n%s\n' "$case" "$differences"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
    chmod -R u+rwx "$scratch/work"
    rm -rf "$scratch/work"
done
echo "cli: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
