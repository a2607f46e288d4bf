"""Compare the sentence and token boundaries of lib/text/segtok.c with Flair's SegtokSentenceSplitter, line by line.

Usage: python tests/bench/segtok_compare.py FILE... (plain or gz, UTF-8; run from the top of the repository)

Needs Flair (pip install flair==0.15.1), a C compiler and utf8proc. Builds tests/bench/segtok_dump.c in a temporary folder,
prints for every file the lines compared and how many agree, the first lines that do not, and leaves with 1 when fewer than
99.9 % of a file's lines agree. Lines on which Flair itself fails (it looks for a token that it has changed) are left out
and counted.
"""

import argparse
import glob
import gzip
import logging
import os
import subprocess
import sys
import tempfile

logging.disable(logging.CRITICAL)
from flair.splitter import SegtokSentenceSplitter  # noqa: E402

# What Flair's clean-up drops; all else keeps its place, so offsets in cleaned text lead back to the source.
DROPPED = set("\u200b\u200c\ufe0f\ufeff\u2028\u2029\x81\x8d\x8f\x90")


def flair_boundaries(splitter, line):
    sentences = []
    for sentence in splitter.split(line, link_sentences=False):
        if not len(sentence):
            continue
        kept = [i for i in range(sentence.start_position, len(line)) if line[i] not in DROPPED]
        sentences.append(" ".join(f"{kept[t.start_position]}-{kept[t.end_position - 1] + 1}" for t in sentence))
    return " | ".join(sentences)


def build(folder):
    program = os.path.join(folder, "segtok_dump")
    sources = ["tests/bench/segtok_dump.c", "lib/text/sentence.c", "lib/base/utf8.c", "lib/base/arena.c",
               "lib/base/error.c"] + sorted(glob.glob("lib/text/segtok*.c"))
    command = [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-Ilib", "-I.", *sources, "-o", program]
    subprocess.run(command + ["-lutf8proc"], check=True)
    return program


def compare(path, program, splitter, shown):
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    lines = data.decode("utf-8").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    output = subprocess.run([program], input=data, stdout=subprocess.PIPE, check=True).stdout
    own = output.decode("ascii").split("\n")[: len(lines)]
    if len(own) != len(lines):
        sys.exit(f"{path}: {len(lines)} lines went in, {len(own)} came out")
    agree = failed = 0
    for number, (line, got) in enumerate(zip(lines, own), 1):
        try:
            expected = flair_boundaries(splitter, line)
        except ValueError:
            failed += 1
            continue
        if got == expected:
            agree += 1
        elif shown > 0:
            shown -= 1
            print(f"{path}:{number}: {line!r}\n  flair    {expected}\n  flairtag {got}")
    compared = len(lines) - failed
    share = 100 * agree / compared if compared else 100.0
    print(f"{path}: {agree} of {compared} lines agree ({share:.3f} %); Flair fails on {failed}", flush=True)
    return share


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--show", type=int, default=5, help="differing lines shown per file [%(default)s]")
    arguments = parser.parse_args()
    splitter = SegtokSentenceSplitter()
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder)
        shares = [compare(path, program, splitter, arguments.show) for path in arguments.files]
    sys.exit(min(shares) < 99.9)


if __name__ == "__main__":
    main()
