#!/bin/sh
# Every seed of the fuzz targets, found crashers among them (found-*), once through its target; models of the golden tests
# through those that read whole models. BUILD says which build's targets.
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
for seeds in tests/fuzz/seeds/*; do
    target=$(basename "$seeds")
    case $target in zip | legacy) more=tests/golden/tagger ;; *) more= ;; esac
    # shellcheck disable=SC2086
    if said=$("${BUILD:-build}/tests/fuzz/fuzz_$target" "$seeds" $more 2>&1); then
        passed=$((passed + 1))
        echo "$target: $said"
    else
        failed=$((failed + 1))
        printf 'failed: %s\n%s\n' "$target" "$said"
    fi
done
echo "fuzz: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
