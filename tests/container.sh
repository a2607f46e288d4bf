#!/bin/sh
# packaging/Containerfile, built and run by buildah without any daemon or registry: debootstrap's minimal Debian stands for
# debian:12-slim. Minutes, network, root; otherwise skipped.
#
#     tests/container.sh                             or `make check-deb`, after the packages
#     FLAIRTAG_ROOT=debian.tar tests/container.sh    takes that root instead of making one by debootstrap
# shellcheck disable=SC2015,SC2016,SC2317
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
lacking=
[ "$(id -u)" = 0 ] || lacking='root'
command -v debootstrap >/dev/null || [ "${FLAIRTAG_ROOT:-}" ] || lacking="$lacking debootstrap"
command -v buildah >/dev/null || lacking="$lacking buildah"
if [ "$lacking" ]; then
    echo "skipped: needs $lacking"
    echo "container: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
export LC_ALL=C.UTF-8 STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

check() { # NAME COMMAND ...: counts, and shows what a failing command says
    name=$1
    shift
    if "$@" >"$scratch/report" 2>&1; then
        echo "passed: $name"
        passed=$((passed + 1))
    else
        echo "failed: $name"
        tail -n 30 "$scratch/report"
        failed=$((failed + 1))
    fi
}
own() { buildah --root "$scratch/storage" --runroot "$scratch/run" "$@"; }
run() { own run --user 10001 "$@"; }

if [ -z "${FLAIRTAG_ROOT:-}" ]; then
    FLAIRTAG_ROOT=$scratch/root
    check 'debootstrap makes a root' debootstrap --variant=minbase bookworm "$FLAIRTAG_ROOT"
fi
base_image() {
    own from --name base scratch && own add -q base "$FLAIRTAG_ROOT" / && own commit -q base localhost/base && own rm base
}
tags() {
    FLAIRTAG_MODELS=$PWD/models "$BUILD/flairtag" predict data/samples/sample.conll >"$scratch/expected" &&
        run flairtag -- flairtag predict - <data/samples/sample.conll >"$scratch/tagged" && cmp "$scratch/expected" "$scratch/tagged" &&
        run --volume "$PWD/data/samples:/work:ro" flairtag -- flairtag predict sample.conll | cmp "$scratch/expected" -
}
is_set_up() {
    own inspect --type image --format '{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}} {{.OCIv1.Config.User}} {{.OCIv1.Config.WorkingDir}} {{.OCIv1.Config.Volumes}}' \
        localhost/flairtag | tee /dev/stderr | grep -qF '[flairtag] [help] flairtag /work map[/models:{}]'
}
# A folder of the user's in the volume's place; buildah mounts an image's volumes over those it is told, other than podman.
keeps_models() {
    mkdir "$scratch/models" && cp models/small.safetensors "$scratch/models/mine.safetensors" && own config --volume /models- flairtag &&
        run --volume "$scratch/models:/models" flairtag -- flairtag info mine && run flairtag -- flairtag-get-model --list &&
        run flairtag -- sh -c 'touch /models/x && ! touch /usr/share/flairtag/models/x 2>/dev/null && [ "$(id -un)" = flairtag ]'
}
check 'a base image is made' base_image
check 'the image is built' own build -q --build-arg BASE=localhost/base -t localhost/flairtag -f packaging/Containerfile .
check 'entry point, user, folder and volume are set' is_set_up
check 'a container starts from it' own from --name flairtag localhost/flairtag
check 'it tags standard input and a mounted folder as the built program does' tags
check 'its user may write models and nothing else' keeps_models
echo "container: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
