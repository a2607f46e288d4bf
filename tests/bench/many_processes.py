#!/usr/bin/env python3
"""Tags a corpus, repeated, in many short runs of flairtag, one after the other.

    tests/bench/many_processes.py CORPUS [--bytes 2G] [--processes 1000] [--flairtag build/flairtag] [-- OPTION ...]

Every process reads its share of the bytes (whole readings of the corpus, at least one). Prints the most memory that the
first tenth and the last tenth of the processes took, their drift, and throughput; exits with 1 when it drifts by --most (2 %)
or more, or when a process's output is not, byte for byte, what the corpus alone gives, as often. What stands behind -- goes to
`flairtag predict`.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from repeated import Repeated
from sizes import size

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus")
parser.add_argument("--bytes", type=size, default="2G", help="how much in all: 30M, 2G (default 2G)")
parser.add_argument("--processes", type=int, default=1000)
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--input-format", default="conll")
parser.add_argument("--most", type=float, default=2, help="percent of drift that is still called flat (default 2)")
ours = sys.argv[1:]
theirs = ours[ours.index("--") + 1:] if "--" in ours else []
options = parser.parse_args(ours[: len(ours) - len(theirs) - ("--" in ours)])

piece = Path(options.corpus).read_bytes().rstrip(b"\n") + b"\n\n"
command = [options.flairtag, "predict", "--input-format", options.input_format, *theirs, "-"]
expected = Repeated(command, piece)
repeats = max(1, round(options.bytes / options.processes / len(piece)))
peaks, wrong, told = [], 0, 0
start = time.perf_counter()
with tempfile.TemporaryFile() as share:
    share.write(piece * repeats)
    for _ in range(options.processes):
        share.seek(0)
        process = subprocess.Popen(command, stdin=share, stdout=subprocess.PIPE)
        output = expected.again()
        while chunk := process.stdout.read(1 << 16):
            output.read(chunk)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
        if status:
            sys.exit(f"flairtag failed with status {status}")
        peaks.append(used.ru_maxrss / 1024)
        told += output.length
        wrong += not output.complete(repeats)
seconds = time.perf_counter() - start
tenth = max(1, options.processes // 10)
early, late = statistics.mean(peaks[:tenth]), statistics.mean(peaks[-tenth:])
drift = 100 * (late - early) / early
read = options.processes * repeats * len(piece)
print(f"most resident memory: {early:.1f} MiB in the first {tenth} processes, {late:.1f} MiB in the last ({drift:+.2f} %)")
print(f"{read / 1e6:.1f} MB in, {told / 1e6:.1f} MB out in {seconds:.1f} s: {read / 1e6 / seconds:.3f} MB/s")
print(f"{options.processes - wrong} of {options.processes} outputs are those of the corpus {repeats} times")
sys.exit(0 if abs(drift) < options.most and not wrong else 1)
