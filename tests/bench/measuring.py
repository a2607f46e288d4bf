"""measuring.py - what the comparisons in this folder share: corpora, the machine's description, memory, medians and the
JSON that they write and plot.py reads. Python's standard library only.

The JSON is one object: "kind" ("tagger" or "language model"), "machine", "versions", "model", "corpus", "threads",
"base" (the system that the others are held against), "runs" and "summary" (of each system, worked out from the runs).
The runs stand in the order of running; each has "round", "system", "seconds", "chars_per_s", "others" (the share of the
cores that other processes took) and what else the script knows.
"""
import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

# Share of the cores for others from which on a run is pointed at. The kernel counts in hundredths of a second, so runs
# of half a second read up to 0.02 with nobody else there.
DISTURBED = 0.05


def fail(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def available_cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Corpus:
    """The tokens of a column file (the first column; columns split as flairtag splits them): all sentences, or
    `limit` of them, always the same ones, drawn from the whole corpus so that they are of its mixture of lengths."""

    def __init__(self, path, limit=None):
        self.name, self.sentences, sentence = Path(path).name, [], []
        try:
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    if line.strip():
                        sentence.append(line.rstrip("\n").split("\t")[0] if "\t" in line else line.split()[0])
                    elif sentence:
                        self.sentences.append(sentence)
                        sentence = []
        except OSError as error:
            fail(f"{path}: {error.strerror} (any corpus in CoNLL columns will do: one token a line, a blank line "
                 "between sentences; data/get-wnut17.sh fetches WNUT-17)")
        except UnicodeDecodeError as error:
            fail(f"{path}: not UTF-8 text: {error.reason} (a corpus in CoNLL columns is needed, not packed)")
        self.sentences += [sentence] if sentence else []
        if not self.sentences:
            fail(f"{path}: no sentence found")
        if limit and limit < len(self.sentences):
            numbers = random.Random(1).sample(range(len(self.sentences)), limit)
            self.sentences = [self.sentences[number] for number in sorted(numbers)]
        self.tokens = sum(map(len, self.sentences))
        # Blanks between tokens and two markers a sentence counted, as a language model sees them.
        self.characters = sum(len(" ".join(words)) + 2 for words in self.sentences)

    def write(self, path, limit=None):
        """Columns that any reader splits alike: each side gets the same sentences, whatever the file looked like."""
        with open(path, "w", encoding="utf-8") as out:
            for words in self.sentences[:limit]:
                out.write("".join(f"{word}\tO\n" for word in words) + "\n")
        return str(path)

    def describe(self):
        return {"name": self.name, "sentences": len(self.sentences), "tokens": self.tokens,
                "characters": self.characters}


def machine(name=None):
    """name: what to call the processor in place of what the system calls it (virtual machines often hide its model)."""
    processor = platform.processor() or platform.machine()
    try:
        for line in open("/proc/cpuinfo", encoding="utf-8"):
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {"processor": name or processor, "architecture": platform.machine(), "cores": available_cores()}


def flairtag_version(program):
    try:
        return subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout.split()[-1]
    except (OSError, subprocess.CalledProcessError, IndexError):
        fail(f"{program}: no flairtag there (make builds build/flairtag; --flairtag names another)")


def precision_list(text):
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError("names with commas between them, such as f32,int8")
    return names


def memory(pid="self"):
    """Peak resident bytes so far, and those of mapped files (model, libraries) resident now; Linux only, else zeros."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        peak, mapped = (int(status.split(name)[1].split()[0]) * 1024 for name in ("VmHWM:", "RssFile:"))
        return peak, mapped
    except (OSError, IndexError):
        return 0, 0


def forget_peak():
    """Starts the process's own peak anew; without the right to, the peak stays that since its start."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def watch_memory(pid, figures):
    """Keeps the process's peaks while it runs: a child's rusage begins with its parent's."""
    while True:
        peak, mapped = memory(pid)
        if not peak:
            return
        figures["peak"], figures["mapped"] = max(figures["peak"], peak), max(figures["mapped"], mapped)
        time.sleep(0.02)


class Stopwatch:
    """Seconds since it was made, and the share of all cores' time that went to other processes (and other machines on
    the same hardware) meanwhile: what tells a slow run from a disturbed one. Children count as own once waited for."""

    def __init__(self):
        self.busy, self.own, self.start = self.machine_busy(), sum(os.times()[:4]), time.perf_counter()

    @staticmethod
    def machine_busy():
        try:
            with open("/proc/stat", encoding="ascii") as file:
                user, nice, system, _, _, interrupt, soft, steal = map(int, file.readline().split()[1:9])
            return (user + nice + system + interrupt + soft + steal) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError):
            return None

    def read(self):
        seconds = time.perf_counter() - self.start
        others = 0.0
        if self.busy is not None:
            others = self.machine_busy() - self.busy - (sum(os.times()[:4]) - self.own)
        return seconds, round(min(1.0, max(0.0, others / seconds / (os.cpu_count() or 1))), 3)


def summarise(runs, base):
    """For each system: medians, and how many times as fast as `base` it was, round by round (the two in one round ran
    next to each other, so what slows the machine for a while slows both)."""
    rounds = {run["round"]: run["chars_per_s"] for run in runs if run["system"] == base}
    summary = {}
    for system in dict.fromkeys(run["system"] for run in runs):
        own = [run for run in runs if run["system"] == system]
        speeds = [run["chars_per_s"] for run in own]
        ratios = [run["chars_per_s"] / rounds[run["round"]] for run in own]
        summary[system] = {
            "seconds": statistics.median(run["seconds"] for run in own),
            "chars_per_s": statistics.median(speeds), "chars_per_s_range": [min(speeds), max(speeds)],
            "ratio": statistics.median(ratios), "ratio_range": [min(ratios), max(ratios)]}
        if "peak_bytes" in own[0]:
            summary[system].update(peak_bytes=max(run["peak_bytes"] for run in own),
                                   mapped_bytes=max(run["mapped_bytes"] for run in own))
    return summary


def print_run(run):
    tokens = f"{run['tokens_per_s']:9.0f} tokens/s" if "tokens_per_s" in run else ""
    disturbed = f"   others took {100 * run['others']:.0f} % of the cores" if run["others"] >= DISTURBED else ""
    print(f"{run['round']:2} {run['system']:<16}{run['seconds']:9.2f} s {run['chars_per_s']:9.0f} chars/s "
          + tokens + disturbed, flush=True)


def print_summary(summary, base, runs):
    memory_title = "peak memory (of it mapped files)" if any("peak_bytes" in of for of in summary.values()) else ""
    print(f"\n{'median':<19}{'seconds':>10}{'chars/s':>10}   {f'times {base} (each round)':<38}{memory_title}".rstrip())
    for system, of in summary.items():
        low, high = of["ratio_range"]
        ratio = "" if system == base else f"{of['ratio']:.2f} ({low:.2f} to {high:.2f})"
        peak = f"{of['peak_bytes'] / 2**20:.0f} MiB ({of['mapped_bytes'] / 2**20:.0f})" if "peak_bytes" in of else ""
        print(f"{system:<19}{of['seconds']:10.2f}{of['chars_per_s']:10.0f}   {ratio:<38}{peak}".rstrip())
    disturbed = sum(run["others"] >= DISTURBED for run in runs)
    if disturbed:
        print(f"{disturbed} of {len(runs)} runs shared the cores with other processes: measure again when all is quiet")


def write_json(path, result):
    Path(path).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
