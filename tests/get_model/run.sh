#!/bin/sh
# models/get.sh against a server on loopback (server.py) that redirects, breaks off, lies and refuses.
# shellcheck disable=SC2015,SC2181,SC2012
cd "$(dirname "$0")/../.." || exit 1
ROOT=$PWD
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
if ! command -v python3 >/dev/null || ! command -v curl >/dev/null; then
    echo "skipped: needs python3 and curl"
    echo "get_model: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
scratch=$(mktemp -d) || exit 1
trap 'kill $server 2>/dev/null; rm -rf "$scratch"' EXIT
published=$ROOT/tests/golden/tagger/v0.15.1-zip-word-crf/model.pt
size=$(($(wc -c <"$published")))
part=ner-english.$(sha256sum "$published" | cut -c 1-12).part
PATH=$BUILD:$PATH NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
export PATH NO_PROXY no_proxy LC_ALL=C.UTF-8
unset FLAIRTAG_MODELS
cd "$scratch" || exit 1
mkdir installed
cp "$ROOT/models/get.sh" installed/flairtag-get-model
python3 "$ROOT/tests/get_model/server.py" "$published" "$scratch/log" "$scratch/port" &
server=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -f port ] || sleep 0.3; done
"$BUILD/flairtag" convert "$published" expected.safetensors
"$BUILD/flairtag" predict -m ./expected.safetensors "$ROOT/data/samples/sample.conll" >expected.conll
passed=0 failed=0

# get WAY STATUS [ARGUMENT ...]: runs the script into models/; `out` and `err` are what it says, `log` what was asked.
get() {
    way=$1 status=$2
    shift 2
    : >log
    HF_ENDPOINT=http://127.0.0.1:$(cat port)/$way/ timeout 100 sh installed/flairtag-get-model --to models "$@" >out 2>err
    is=$?
    [ $is = "$status" ] || { echo "exit $is, not $status"; false; }
}
says() { # FILE PATTERN
    grep -qE -- "$2" "$1" || { echo "$1 has no line like: $2"; cat "$1"; false; }
}
holds() { # FILE ...: what lies in models/, and nothing else
    is=$(ls models 2>/dev/null | tr '\n' ' ')
    [ "$is" = "${*:+$* }" ] || { echo "models/ holds: $is"; false; }
}
tags() { # the model there gives the tags that it should
    flairtag predict -m models/ner-english.safetensors "$ROOT/data/samples/sample.conll" | cmp - expected.conll
}
asked() { # METHOD-AND-PATH RANGE COUNT
    is=$(grep -c "^$1.* $2\$" log)
    [ "$is" = "$3" ] || { echo "$is times $1 with range $2, not $3:"; cat log; false; }
}

check() { # NAME: runs the function of that name
    rm -rf models
    if "$1" >report 2>&1; then
        passed=$((passed + 1))
    else
        echo "failed: $1" && cat report err
        failed=$((failed + 1))
    fi
}

a_model_is_fetched_checked_and_converted() {
    get hub 0 ner-english && holds ner-english.safetensors && tags &&
        says out "^ner-english: $size bytes in [0-9]+ s from .*; SHA-256 checked$" &&
        says out "^ner-english: 0.1 MB as published, 0.2 MB converted in [0-9]+ s: .*/ner-english.safetensors$" &&
        flairtag info models/ner-english.safetensors | grep -q '^description .*English, 4 types .*flair/ner-english$'
}
a_model_that_is_there_is_not_fetched_again() {
    get hub 0 ner-english && get hub 0 ner-english && says out 'is there already' && [ ! -s log ]
}
the_published_file_is_kept_when_asked_for() {
    get hub 0 --keep ner-english && holds ner-english.pt ner-english.safetensors && cmp models/ner-english.pt "$published"
}
names_of_flair_and_of_repositories_are_known() {
    get hub 0 ner && holds ner-english.safetensors && get hub 0 flair/ner-english && says out 'there already' &&
        get hub 0 someone/chunk-tagger@v2 && says log '/someone/chunk-tagger/resolve/v2/pytorch_model.bin' &&
        holds chunk-tagger.safetensors ner-english.safetensors
}
a_repository_that_was_renamed_is_found() {
    get hub 0 de-ner && says log flair/ner-deutsch && says out 'SHA-256 checked' && holds ner-german.safetensors
}
a_connection_that_breaks_is_gone_on_with() {
    get breaks 0 ner-english && tags && asked 'GET /breaks/bytes/' "bytes=50000-" 1 &&
        asked 'GET /breaks/bytes/' "bytes=100000-" 1 && says out "^ner-english: $size bytes" &&
        says err "broke at 50000 of $size bytes; going on" && holds ner-english.safetensors
}
a_later_run_goes_on_where_one_stopped() {
    get stuck 3 ner-english && says err "broke at 50000 of $size bytes; run this again" && holds "$part" &&
        get hub 0 ner-english && tags && asked 'GET /hub/bytes/' 'bytes=50000-' 1 && holds ner-english.safetensors &&
        says out "^ner-english: $((size - 50000)) bytes"
}
a_server_without_ranges_starts_again() {
    get no-ranges 0 ner-english && tags && says err 'does not go on from the middle' && holds ner-english.safetensors
}
a_whole_part_is_not_fetched_again() {
    mkdir models && cp "$published" models/"$part" && get hub 0 ner-english && tags && asked GET '.*' 0
}
a_part_of_another_version_is_dropped() {
    mkdir models && echo old >models/ner-english.0123456789ab.part && echo kept >models/ner-english-fast.0123456789ab.part &&
        get hub 0 ner-english && tags && asked GET 'bytes=.*' 0 &&
        holds ner-english-fast.0123456789ab.part ner-english.safetensors
}
a_part_with_wrong_bytes_is_fetched_again() {
    mkdir models && head -c 60000 /dev/zero >models/"$part" && get hub 0 ner-english && tags &&
        says err 'SHA-256 is .*; starting again' && holds ner-english.safetensors
}
a_file_that_is_too_short_is_refused() {
    get too-short 3 ner-english && says err 'cannot be fetched|it has .* bytes' && holds
}
a_file_that_is_too_long_is_refused() {
    get too-long 3 ner-english && says err "it has $((size + 1)) bytes, not $size" && holds
}
a_file_with_another_sum_is_refused() {
    get other-bytes 3 ner-english && says err 'its SHA-256 is [0-9a-f]{64}, not [0-9a-f]{64}' && holds
}
a_file_that_is_no_model_is_refused() {
    get no-model 4 ner-english && says err 'not a model' && says err 'does not read what arrived' && holds
}
too_little_room_is_said_before() {
    get huge 1 ner-english && says err 'no room in .*models: [0-9]+ KiB are wanted, [0-9]+ are free' && asked GET '.*' 0 && holds
}
answers_that_refuse_are_told() {
    get missing 3 ner-english && says err '^flairtag-get-model: ner-english: .* is not there \(404\)$' &&
        get private 3 ner-english && says err '\(401\)$' && get down 3 ner-english && says err '\(503\); try again later' && holds
}
servers_that_tell_less_are_believed_less() {
    get plain 0 ner-english && tags && says out 'size checked, the server tells no SHA-256' && rm -r models &&
        get no-head 0 ner-english && tags && rm -r models &&
        get plain-no-length 0 ner-english && tags && says out 'tells neither size nor SHA-256'
}
no_server_is_told() {
    HF_ENDPOINT=http://127.0.0.1:9 sh installed/flairtag-get-model --to models ner-english >out 2>err
    [ $? = 3 ] && says err 'cannot reach http://127.0.0.1:9' && holds
}
unknown_names_list_the_known_ones() {
    get hub 2 ner-klingon && says err "no model 'ner-klingon'; there are:" && says err '^ner-english-fast ' &&
        get hub 2 ../x && get hub 2 a/b/c && get hub 2 'a/b?c' && get hub 2 && get hub 2 --too && get hub 2 ner ner && [ ! -s log ]
}
transformers_are_refused_by_name() {
    for name in ner-large ner-english-large flair/ner-dutch flair/new-large nl-ner; do
        get hub 4 $name && says err "$name is a transformer" || return
    done
    [ ! -s log ]
}
without_curl_it_says_what_is_missing() {
    mkdir -p bin
    for tool in awk dirname cat sh; do ln -sf "$(command -v $tool)" bin/; done
    PATH=$PWD/bin sh installed/flairtag-get-model --to models ner-english >out 2>err
    [ $? = 1 ] && says err 'curl is missing' && holds
}
the_folder_is_the_one_that_the_program_looks_through() {
    HF_ENDPOINT=http://127.0.0.1:$(cat port)/hub
    export HF_ENDPOINT
    (
        export XDG_DATA_HOME="$PWD/data"
        sh installed/flairtag-get-model ner-english >out && flairtag info ner-english >facts &&
            [ -f data/flairtag/models/ner-english.safetensors ]
    ) && (
        export FLAIRTAG_MODELS="$PWD/first:$PWD/second"
        sh installed/flairtag-get-model ner-english >out && [ -f first/ner-english.safetensors ]
    ) && (
        mkdir -p tree/models && cp "$ROOT/models/get.sh" tree/models &&
            sh tree/models/get.sh ner-english >out && [ -f tree/models/ner-english.safetensors ]
    )
}
the_readme_has_every_name() {
    sh "$ROOT/models/get.sh" --list | while read -r name _; do
        grep -qE "^\| \`$name\` \|" "$ROOT/models/README.md" || echo "$name is not in models/README.md"
    done >out
    [ ! -s out ] || { cat out; false; }
}

# shellcheck disable=SC2013
for test in $(sed -nE 's/^([a-z_]{12,})\(\) \{$/\1/p' "$ROOT/tests/get_model/run.sh"); do
    check "$test"
done
echo "get_model: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
