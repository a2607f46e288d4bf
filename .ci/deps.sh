#!/bin/sh
# deps.sh PACKAGE ... - installs those Debian packages that are missing; silent and quick when none is.
#
# A package counts as there when what it is for is there, however it came (a library built by hand, another name), so that
# machines without dpkg can build as well. On those it only says what is needed. `cc` stands for the compiler.

there() {
    case $1 in
    cc) command -v "${CC:-gcc}" ;;
    libc6-dev) test -e /usr/include/stdio.h ;;
    pkg-config | valgrind) command -v "$1" ;;
    libcjson-dev) pkg-config --exists libcjson ;;
    zlib1g-dev) pkg-config --exists zlib ;;
    libutf8proc-dev) pkg-config --exists libutf8proc ;;
    libdnnl-dev) test -e /usr/include/oneapi/dnnl/dnnl.h || test -e /usr/local/include/oneapi/dnnl/dnnl.h ;;
    check) pkg-config --exists check ;;
    *) false ;;
    esac >/dev/null 2>&1 ||
        test "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii '
}

missing=
for package; do
    there "$package" && continue
    [ "$package" = cc ] && case ${CC:-gcc} in *clang*) package=clang ;; *) package=gcc ;; esac
    missing="$missing $package"
done
[ "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "missing:$missing (Debian's names; install what they hold with this system's own tools)" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null; then
        echo "missing:$missing; as root: apt-get install$missing" >&2
        exit 1
    fi
fi
echo "installing:$missing (${sudo:+sudo }apt-get install)"
install() {
    # shellcheck disable=SC2086
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A fresh image has no package lists; an old one has lists that name files long gone.
if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || ! install; then
    echo "refreshing the package lists (${sudo:+sudo }apt-get update)"
    $sudo apt-get update -q >"$log" 2>&1 && install && exit
    cat "$log" >&2
    echo "could not install:$missing" >&2
    exit 1
fi
