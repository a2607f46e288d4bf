#!/bin/sh
# deb.sh FOLDER - builds the Debian packages into FOLDER, from a copy of the tree there, by debian/ beside this script.
#
# Promises: the tree itself is not touched; the version is the program's; the same sources give the same bytes on the same
# Debian, whenever and in whatever folder they are built. Time in the packages is $SOURCE_DATE_EPOCH, else that of the last commit,
# else that of the newest source.
set -eu
tree=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
copy=$out/source
version=$(sed -nE 's/^#define FLAIRTAG_VERSION "(.*)"$/\1/p' "$tree/lib/flairtag.h")
time=${SOURCE_DATE_EPOCH:-$(git -C "$tree" log -1 --format=%ct 2>/dev/null ||
    find "$tree/lib" "$tree/cmd" "$tree/kernels" "$tree/models" -type f -printf '%Ts\n' | sort -n | tail -n 1)}

rm -rf "$copy"
rm -f "$out"/*.deb "$out"/*.buildinfo "$out"/*.changes
mkdir "$copy"
for part in Makefile LICENSE .ci cmd kernels lib models; do
    cp -R "$tree/$part" "$copy/"
done
cp -R "$tree/packaging/debian" "$copy/debian"
# Models that were fetched or trained into the tree have licences of their own.
if git -C "$tree" rev-parse >/dev/null 2>&1; then
    git -C "$tree" ls-files --others -- 'models/*.safetensors' 'models/*.pt' 'models/*.part' | while read -r other; do rm -rf "${copy:?}/$other"; done
fi
plugin=$tree/build/libflairtag_cuda.so
if [ -f "$plugin" ]; then
    mkdir "$copy/build"
    cp "$plugin" "$copy/build/"
else
    echo "no build/libflairtag_cuda.so: flairtag-cuda is left out"
fi
sed "s/@VERSION@/$version/; s/@DATE@/$(LC_ALL=C date -u -R -d "@$time")/" "$copy/debian/changelog.in" >"$copy/debian/changelog"
rm "$copy/debian/changelog.in"

# Symbols for the debugger are not packaged; MAKEFLAGS and BUILD of a make that calls this would reach the inner one.
cd "$copy"
if ! env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u BUILD SOURCE_DATE_EPOCH="$time" \
    DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-noautodbgsym parallel=$(nproc)}" \
    dpkg-buildpackage -b -us -uc >"$out/log" 2>&1; then
    tail -n 30 "$out/log" >&2
    echo "deb.sh: the packages cannot be built; all of the above is in $out/log" >&2
    exit 1
fi
rm -rf "$copy"
ls "$out"/*.deb
