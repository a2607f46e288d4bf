#!/usr/bin/env python3
"""Streams a corpus, repeated, through flairtag's standard input and watches its resident memory.

    tests/bench/stream_memory.py CORPUS [--bytes 1G] [--flairtag build/flairtag] [-- OPTION ...]

Memory is sampled every 20 ms. It rises and falls within a window of sentences, so what is compared is the most and the mean
around 10 % of the stream (8 to 12 %) against the last 4 %. Prints both, their drift, the peak of the process, and throughput;
exits with 1 when either drifts by --most (2 %) or more, or when the output is not, byte for byte, what the corpus alone
gives, as often as it was streamed. What stands behind -- goes to `flairtag predict`.
"""
import argparse
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from repeated import Repeated
from sizes import size

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus")
parser.add_argument("--bytes", type=size, default="1G", help="how much to stream: 30M, 1G (default 1G)")
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--input-format", default="conll")
parser.add_argument("--most", type=float, default=2, help="percent of drift that is still called flat (default 2)")
ours = sys.argv[1:]
theirs = ours[ours.index("--") + 1:] if "--" in ours else []
options = parser.parse_args(ours[: len(ours) - len(theirs) - ("--" in ours)])


def memory(pid, field):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split(field + ":")[1].split()[0]) / 1024
    except (OSError, IndexError):
        return 0


def watch(process, written, samples):
    while process.poll() is None:
        resident = memory(process.pid, "VmRSS")
        if resident:
            samples.append((written[0], resident))
        time.sleep(0.02)


def drain(stream, output):
    while chunk := stream.read(1 << 16):
        output.read(chunk)


piece = Path(options.corpus).read_bytes().rstrip(b"\n") + b"\n\n"
command = [options.flairtag, "predict", "--input-format", options.input_format, *theirs, "-"]
output = Repeated(command, piece)
process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
written, samples, repeats = [0], [], 0
threads = [threading.Thread(target=watch, args=(process, written, samples)),
           threading.Thread(target=drain, args=(process.stdout, output))]
for thread in threads:
    thread.start()
start = time.perf_counter()
try:
    while written[0] < options.bytes:
        for at in range(0, len(piece), 1 << 16):
            written[0] += process.stdin.write(piece[at: at + (1 << 16)])
        repeats += 1
except BrokenPipeError:
    pass
time.sleep(0.1)
peak = memory(process.pid, "VmHWM")
process.stdin.close()
status = process.wait()
seconds = time.perf_counter() - start
for thread in threads:
    thread.join()
if status:
    sys.exit(f"flairtag failed with status {status}")


def between(low, high):
    found = [resident for at, resident in samples if low * written[0] <= at <= high * written[0]]
    return found or sys.exit("too few samples: stream more bytes")


early, late = between(0.08, 0.12), between(0.96, 1)
flat = True
for name, measure in (("most", max), ("mean", statistics.mean)):
    before, after = measure(early), measure(late)
    drift = 100 * (after - before) / before
    flat &= abs(drift) < options.most
    print(f"{name} resident memory: {before:.1f} MiB at 10 %, {after:.1f} MiB at the end ({drift:+.2f} %)")
print(f"peak {peak:.1f} MiB; {len(samples)} samples")
print(f"{written[0] / 1e6:.1f} MB in, {output.length / 1e6:.1f} MB out in {seconds:.1f} s: {written[0] / 1e6 / seconds:.3f} MB/s")
whole = output.complete(repeats)
print(f"the output is {'' if whole else 'NOT '}that of the corpus {repeats} times")
sys.exit(0 if flat and whole else 1)
