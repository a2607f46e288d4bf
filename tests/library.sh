#!/bin/sh
# The shared library as others get it: installed into an empty folder by `make install`, found by pkg-config alone, used by
# examples/ and by the Python module (its own tests are run here, with the package in the source tree and from a wheel),
# and taken out again. $PREFIX is what the build was made for.
cd "$(dirname "$0")/.." || exit 1
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
PREFIX=${PREFIX:-/usr/local}
CC=${CC:-cc}
passed=0 failed=0 skipped=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree$PREFIX
export LC_ALL=C.UTF-8 FLAIRTAG_MODELS="$tree/share/flairtag/models" LD_LIBRARY_PATH="$tree/lib"

# check NAME COMMAND ...: passes when the command succeeds; what it printed is shown when it does not.
check() {
    name=$1
    shift
    if "$@" >"$scratch/log" 2>&1; then
        passed=$((passed + 1))
    else
        echo "failed: $name"
        cat "$scratch/log"
        failed=$((failed + 1))
    fi
}

skip() {
    echo "skipped: $1 needs $2"
    skipped=$((skipped + 1))
}

# By the name that the build folder had for make, so that nothing is made again.
make_quietly() {
    make --no-print-directory BUILD="${BUILD#"$PWD/"}" PREFIX="$PREFIX" LIBDIR="$PREFIX/lib" INCLUDEDIR="$PREFIX/include" \
        DESTDIR="$scratch/tree" "$@" >"$scratch/make" 2>&1 || { cat "$scratch/make" && false; }
}

# pkg-config OPTION ... for the installed library, also with a PREFIX of /usr.
package() {
    PKG_CONFIG_PATH=$tree/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$scratch/tree PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 \
        PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config "$@" flairtag
}

# The header's functions, sorted; and those that a program can link with.
declared() {
    grep -oE '\bft_[a-z_]+\(' "$tree/include/flairtag.h" | tr -d '(' | sort -u
}
exported() {
    nm -D --defined-only "$tree/lib/libflairtag.so" | sed -n 's/^[0-9a-f]* [A-Z] \([^@]*\)@@FLAIRTAG_0$/\1/p' | sort
}
exports_what_the_header_declares() {
    declared >"$scratch/declared"
    exported | diff "$scratch/declared" - && grep -q ft_tag_text "$scratch/declared" &&
        [ "$(nm -D --defined-only "$tree/lib/libflairtag.so" | grep -vc '@@FLAIRTAG_0$\| A FLAIRTAG_0$')" = 0 ]
}

# Names and links: what a program needs to start is the soname; and no library for training comes with it.
is_named_and_light() {
    readelf -d "$tree/lib/libflairtag.so" >"$scratch/dynamic" && cat "$scratch/dynamic" &&
        grep -q 'soname: \[libflairtag.so.0\]' "$scratch/dynamic" && ! grep -qE 'dnnl|gomp|stdc' "$scratch/dynamic" &&
        [ -e "$tree/lib/libflairtag.so.0" ] &&
        [ "$(package --modversion)" = "$("$BUILD/flairtag" --version | cut -d' ' -f2)" ]
}

compiles() {
    # shellcheck disable=SC2046
    $CC -std=c11 -Wall -Wextra -Wpedantic -Werror "examples/$1.c" -o "$scratch/$1" $(package --cflags --libs)
}

header_is_cplusplus() {
    # shellcheck disable=SC2046
    printf '#include <flairtag.h>\nint main() { return !ft_version(); }\n' >"$scratch/use.cc" &&
        c++ -Wall -Wextra -Wpedantic -Werror "$scratch/use.cc" -o "$scratch/use" \
            $(package --cflags --libs) && "$scratch/use"
}

string_is_tagged() {
    while IFS= read -r line; do
        "$scratch/tag_string" "$line" | cut -f1-3 >>"$scratch/found" || return
        printf '%s\n' "$line" | "$BUILD/flairtag" predict --input-format text - | tail -n +2 |
            awk -F '\t' -v OFS='\t' '{ print $5 "-" $6, $7, $8 }' >>"$scratch/wanted"
    done <data/samples/demo.txt
    diff "$scratch/wanted" "$scratch/found" && [ -s "$scratch/found" ]
}

# stream_is_tagged FILE: equal to --format bioes where the model's own tags are that.
stream_is_tagged() {
    "$scratch/tag_stream" <"$1" >"$scratch/found" && "$BUILD/flairtag" predict --format bioes - <"$1" >"$scratch/wanted" &&
        diff "$scratch/wanted" "$scratch/found" && [ -s "$scratch/found" ]
}

errors_reach_the_user() {
    "$scratch/tag_string" text nomodel 2>"$scratch/errors"
    [ $? = 4 ] && grep -q "no model 'nomodel'; there are: small" "$scratch/errors" || return
    printf 'a\377\n' | "$scratch/tag_stream" 2>"$scratch/errors"
    [ $? = 3 ] && grep -q ':1:2: invalid UTF-8' "$scratch/errors"
}

# Three times the input takes no more memory, but for what the allocator rounds: peaks in KiB.
peak() {
    for _ in $(seq "$1"); do cat data/samples/demo.txt; done >"$scratch/input"
    python3 -c '
import resource, subprocess, sys
subprocess.run([sys.argv[1]], stdin=open(sys.argv[2]), stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$scratch/tag_stream" "$scratch/input"
}
memory_is_bounded() {
    few=$(peak 400) && many=$(peak 1200) && echo "$few KiB, then $many KiB" && [ "$many" -lt $((few + 8192)) ]
}

under_valgrind() {
    head -n 3 data/samples/demo.txt >"$scratch/few"
    valgrind -q --leak-check=full --error-exitcode=99 "$scratch/tag_string" &&
        valgrind -q --leak-check=full --error-exitcode=99 "$scratch/tag_stream" <"$scratch/few" &&
        valgrind -q --leak-check=full --error-exitcode=99 "$scratch/tag_string" x nomodel
    [ $? = 4 ]
}

# python_tests FOLDER: with the package that lies there.
python_tests() {
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$1 FLAIRTAG=$BUILD/flairtag FLAIRTAG_LIBRARY='' \
        timeout 300 python3 -m unittest discover -s python/tests
}

wheel_works() {
    cp -R python "$scratch/python" &&
        python3 -m pip wheel -q --no-deps --no-build-isolation --no-index -w "$scratch/wheels" "$scratch/python" &&
        ls "$scratch"/wheels/flairtag-*-py3-none-any.whl &&
        python3 -m pip install -q --no-index --no-deps --target "$scratch/site" "$scratch"/wheels/*.whl &&
        [ -e "$scratch/site/flairtag/py.typed" ] && python_tests "$scratch/site"
}
can_build_wheels() {
    python3 -c '
import setuptools
if int(setuptools.__version__.split(".")[0]) < 71: import wheel' && python3 -m pip --version
}

nothing_is_left() {
    make_quietly uninstall && find "$scratch/tree" ! -type d && [ -z "$(find "$scratch/tree" ! -type d)" ]
}

check 'make install' make_quietly install
check 'exported functions' exports_what_the_header_declares
check 'names of the library' is_named_and_light
check 'examples/tag_string.c compiles' compiles tag_string
check 'examples/tag_stream.c compiles' compiles tag_stream
if command -v c++ >/dev/null; then check 'the header in C++' header_is_cplusplus; else skip 'the header in C++' c++; fi
check 'a string is tagged as by the program' string_is_tagged
check 'columns are tagged as by the program' stream_is_tagged data/samples/sample.conll
check 'text is tagged as by the program' stream_is_tagged data/samples/demo.txt
check 'errors reach the user' errors_reach_the_user
if command -v valgrind >/dev/null; then check 'valgrind' under_valgrind; else skip 'examples under valgrind' valgrind; fi
if command -v python3 >/dev/null; then
    check 'memory of a stream is bounded' memory_is_bounded
    check 'Python module' python_tests python
    if can_build_wheels >/dev/null 2>&1; then
        check 'wheel' wheel_works
    else
        skip "the module's wheel" 'pip, setuptools and wheel'
    fi
else
    skip 'memory of a stream' python3
    skip 'the Python module' python3
    skip "the module's wheel" python3
fi
check 'make uninstall' nothing_is_left
echo "library: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
