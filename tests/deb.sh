#!/bin/sh
# The Debian packages in a bare Debian: installed with what they depend on, run, upgraded, removed without a trace.
#
#     tests/deb.sh                      or `make check-deb`: a few minutes, with network, as root; otherwise skipped
#     FLAIRTAG_ROOT=debian.tar tests/deb.sh    unpacks that root instead of making one by debootstrap
#
# Builds the packages anew in two folders and compares their bytes, runs lintian where that is installed.
# shellcheck disable=SC2015,SC2016,SC2317
cd "$(dirname "$0")/.." || exit 1
ROOT=$PWD
BUILD=${BUILD:-build}
lacking=
[ "$(id -u)" = 0 ] || lacking='root'
command -v debootstrap >/dev/null || [ "${FLAIRTAG_ROOT:-}" ] || lacking="$lacking debootstrap"
for tool in dpkg-buildpackage dh unshare chroot; do command -v $tool >/dev/null || lacking="$lacking $tool"; done
if [ "$lacking" ]; then
    echo "skipped: needs $lacking"
    echo "deb: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root
passed=0 failed=0
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

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
finish() {
    echo "deb: $passed passed, $failed failed, 0 skipped"
    [ $failed = 0 ]
    exit
}

# inside COMMAND ...: in the root, with /proc; what is mounted goes away with the command.
inside() {
    unshare --mount --pid --fork sh -c '
        mount --make-rprivate / && mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env -i \
            PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' "$root" "$@"
}
apt() { inside apt-get -y -q --no-install-recommends "$@"; }
# Every path but those that apt and dpkg keep their books in, and their caches.
files() {
    (cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache -o -path ./var/log \
        -o -path ./proc -o -path ./debs -o -path ./tmp \) -prune -o -print | sort)
}

# A commit between the two builds must not change the second.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date +%s)}
export SOURCE_DATE_EPOCH
check 'the packages are built' sh packaging/deb.sh "$BUILD/deb"
[ $failed = 0 ] || finish
mkdir "$scratch/again" && cp -R "$BUILD"/deb/*.deb "$scratch/again/"
same_bytes() {
    sh packaging/deb.sh "$scratch/elsewhere" && for deb in "$scratch"/again/*.deb; do
        cmp "$deb" "$scratch/elsewhere/${deb##*/}" || return
    done
}
check 'built in another folder they have the same bytes' same_bytes
for deb in "$BUILD"/deb/*.deb; do
    dpkg-deb -f "$deb" Package Version Architecture Installed-Size Depends | sed 's/^/    /'
    if command -v lintian >/dev/null; then
        check "lintian finds no error in ${deb##*/}" lintian --allow-root --fail-on error "$deb"
        sed 's/^/    /' "$scratch/report"
    fi
done

if [ "${FLAIRTAG_ROOT:-}" ]; then
    mkdir "$root" && check 'the root is unpacked' tar -C "$root" -xf "$FLAIRTAG_ROOT"
else
    check 'debootstrap makes a root' debootstrap --variant=minbase bookworm "$root"
fi
[ -d "$root/usr/bin" ] || finish
check 'apt knows its lists' apt update
mkdir "$root/debs" "$root/debs/older"
cp "$BUILD"/deb/*.deb "$root/debs/"
packages=$(for deb in "$BUILD"/deb/*.deb; do dpkg-deb -f "$deb" Package; done)
version=$(dpkg-deb -f "$BUILD"/deb/flairtag_*.deb Version)

# Older packages: the same under a lower version, with a file that the new ones no longer have.
for deb in "$BUILD"/deb/*.deb; do
    rm -rf "$scratch/older"
    dpkg-deb -R "$deb" "$scratch/older"
    package=$(dpkg-deb -f "$deb" Package)
    sed -i "/^Version: /s/.*/Version: 0.0.1/; s/(= $version)/(= 0.0.1)/g" "$scratch/older/DEBIAN/control"
    echo old >"$scratch/older/usr/share/doc/$package/only-in-the-older"
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$scratch/older" "$root/debs/older/" >/dev/null
done

# What the packages depend on stays in the root, so that removing them must give this list again.
dependencies=$(dpkg-deb -f "$BUILD"/deb/flairtag_*.deb Depends | sed -E 's/ *\([^)]*\)//g; s/,/ /g')
# shellcheck disable=SC2086
check "what flairtag depends on is there:$dependencies" apt install $dependencies
files >"$scratch/before"
mkdir -p "$root/tmp/sample"
cp data/samples/sample.conll data/samples/demo.txt "$root/tmp/sample/"
installed() { [ "$(inside dpkg-query -W -f '${Version} ${Status}' "$1")" = "$2 install ok installed" ]; }
upgraded() {
    inside sh -c 'apt-get -y -q --no-install-recommends install /debs/*.deb' && for package in $packages; do
        installed "$package" "$version" && [ ! -e "$root/usr/share/doc/$package/only-in-the-older" ] || return
    done
}
older() { inside sh -c 'dpkg -i /debs/older/*.deb' && installed flairtag 0.0.1; }
tags() {
    inside sh -c 'cd /tmp/sample && flairtag predict sample.conll' >"$scratch/tagged" &&
        FLAIRTAG_MODELS=$ROOT/models "$BUILD/flairtag" predict data/samples/sample.conll | cmp - "$scratch/tagged" &&
        grep -q '[BIES]-' "$scratch/tagged"
}
lists_its_model() { inside flairtag models | grep -E 'small +\(default\) +tagger' && inside flairtag-get-model --list; }
pages() { [ -s "$root/usr/share/man/man1/flairtag-predict.1.gz" ] && [ -s "$root/usr/share/bash-completion/completions/flairtag" ]; }
unchanged() { inside dpkg -V flairtag flairtag-models && [ -z "$(inside dpkg -V flairtag flairtag-models)" ]; }
version_is_the_programs() { [ "flairtag $version" = "$(inside flairtag --version)" ]; }
# shellcheck disable=SC2086
gone() {
    apt purge $packages && files >"$scratch/after" &&
        diff "$scratch/before" "$scratch/after"
}
check 'the older packages are installed' older
check 'the new ones take their place, without their old files' upgraded
check 'the version is the program'"'s" version_is_the_programs
check 'a sample gets the tags that the built program gives' tags
check 'the model is found, and what can be fetched is listed' lists_its_model
check 'manual pages and completions are there' pages
check 'the checksums of all files hold' unchanged
check 'purged, no file is left' gone
check 'they are installed again' upgraded
check 'and tag again' tags
check 'purged again, no file is left' gone
finish
