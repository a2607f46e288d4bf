#!/bin/sh
# The pages of --format html in headless Chromium: what they show, clicks, keys, colours, and that they fetch nothing.
# Skipped where Chromium or Python is missing (Debian: chromium, python3).
#
#     tests/html.sh [TEST ...]                  # the names of functions in tests/html/test_pages.py
#     FLAIRTAG_SHOTS=/tmp/shots tests/html.sh   # leaves pictures of the pages there, to be looked at
cd "$(dirname "$0")/.." || exit 1
BUILD=$(cd "${BUILD:-build}" && pwd) || exit 1
FLAIRTAG_MODELS=$PWD/models PYTHONDONTWRITEBYTECODE=1
export BUILD FLAIRTAG_MODELS PYTHONDONTWRITEBYTECODE LC_ALL=C.UTF-8
for browser in chromium chromium-browser google-chrome; do
    command -v "$browser" >/dev/null && break
    browser=
done
if [ ! "$browser" ] || ! command -v python3 >/dev/null; then
    echo "skipped: needs chromium and python3"
    echo "html: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
exec python3 tests/html/test_pages.py "$browser" "$@"
