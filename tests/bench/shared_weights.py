#!/usr/bin/env python3
"""How much memory processes that tag at the same time take together: are the model's weights there once?

    tests/bench/shared_weights.py corpus.conll --processes 1,2,4 [--model ner.safetensors] [--seconds 10]

Runs N processes of one thread each, and `--jobs N` in one, for some seconds (the corpus should take longer, and have a window of
2^18 characters for each job) and reads /proc/PID/smaps_rollup every tenth of a second while they work. Pss is a process's own memory and its share of what it has in common with others: the sum over all processes is what the
machine gives them. Printed is the largest sum, beside the sum of Rss, which counts shared pages once a process. Needs Linux.
"""
import argparse
import pathlib
import subprocess
import time


def rollup(pid):
    """Rss and Pss of a process in bytes; zero when it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {line.split()[0]: int(line.split()[1]) * 1024 for line in lines[1:] if len(line.split()) > 2}
    return sizes.get("Rss:", 0), sizes.get("Pss:", 0)


def family(pid):
    """A process and its children."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid] + [int(child) for child in children]


def measure(commands, seconds):
    """The largest sums of Rss and Pss while all the commands run."""
    end = time.monotonic() + seconds
    running = [subprocess.Popen(c, stdout=subprocess.DEVNULL) for c in commands]
    most = (0, 0)
    while time.monotonic() < end and all(p.poll() is None for p in running):
        sizes = [rollup(pid) for p in running for pid in family(p.pid)]
        most = max(most, (sum(s[1] for s in sizes), sum(s[0] for s in sizes)))
        time.sleep(0.1)
    for p in running:
        p.kill()
        p.wait()
    return most[1], most[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--processes", default="1,2,4")
    parser.add_argument("--model", default="small")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--flairtag", default="build/flairtag")
    arguments = parser.parse_args()
    predict = [arguments.flairtag, "predict", "-m", arguments.model, "--threads", "1", arguments.corpus]
    counts = [int(n) for n in arguments.processes.split(",")]
    print(f"{'':24}{'sum of Rss':>14}{'sum of Pss':>14}{'Pss, each more':>18}")
    for name, commands_for in (("processes", lambda n: [predict] * n),
                               ("--jobs", lambda n: [predict + ["--jobs", str(n)]])):
        first = None
        for n in counts:
            rss, pss = measure(commands_for(n), arguments.seconds)
            first = first or (n, pss)
            more = f"{(pss - first[1]) / (n - first[0]) / 2**20:.1f} MiB" if n > first[0] else ""
            print(f"{f'{n} {name}' if name == 'processes' else f'--jobs {n}':24}"
                  f"{rss / 2**20:10.1f} MiB{pss / 2**20:10.1f} MiB{more:>18}")


if __name__ == "__main__":
    main()
