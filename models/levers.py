#!/usr/bin/env python3
"""levers.py - what each setting of the default tagger's training brings, on WNUT-17's dev part.

    levers.py WORK SETTING ... [--seeds 8] [--part dev|held] [--jobs 2]

trains a tagger a seed for each SETTING (`base`, or names of LEVERS below with + between them, which are put on top of
BASE) and prints the mean F1, its deviation over seeds and the difference from the first setting, also in standard
errors. Every run's figures are appended to WORK/levers.tsv, and what stands there is not run again. The test part is
never read. `held` trains on four fifths of train and scores the fifth, since dev is of one source alone. WORK is what
train_default.py has prepared.
"""

import argparse
import csv
import math
import shutil
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# What stands in braces is filled in.
BASE = {
    "--words": "{work}/glove-100.int8.safetensors,{work}/glove-50.int8.safetensors",
    "--lm-forward": "{work}/lm-forward.int8.safetensors",
    "--lm-backward": "{work}/lm-backward.int8.safetensors",
    "--train": "{work}/corpora/{train}-both.conll",
    "--dev": "{work}/corpora/{dev}.conll",
    "--hidden-size": "192",
    "--reproject-to": "256",
    "--locked-dropout": "0.4",
    "--schedule": "cosine",
    "--max-epochs": "20",
    "--learning-rate": "0.1",
}
# The Broad Twitter Corpus and wikigold know neither products nor works, and call groups and corporations ORG.
COARSE = "PER=person,LOC=location,ORG=corporation|group,O=O|product|creative-work"
TWEETS, WIKI = "{work}/corpora/btc-both.conll", "{work}/corpora/wikigold-both.conll"
POSTS = "{work}/corpora/posts.conll"  # what taggers of an earlier recipe found
LEVERS = {
    "words-100": {"--words": "{work}/glove-100.int8.safetensors"},
    "words-50": {"--words": "{work}/glove-50.int8.safetensors"},
    "no-words": {"--words": "none"},
    "no-lm": {"--lm-forward": "none", "--lm-backward": "none"},
    "small-lm": {"--lm-forward": "small", "--lm-backward": "small"},
    "coarse": {"--train": "{work}/corpora/{train}-coarse.conll"},
    "fine": {"--train": "{work}/corpora/{train}-fine.conll"},
    "tweets": {"--extra": TWEETS, "--extra-labels": COARSE + ",USER=*"},
    "wiki": {"--extra": WIKI, "--extra-labels": COARSE + ",MISC=*"},
    "both": {"--extra": f"{TWEETS},{WIKI}", "--extra-labels": COARSE + ",USER=*,MISC=*"},
    "posts": {"--extra": POSTS, "--extra-labels": COARSE},
    "both-posts": {"--extra": f"{TWEETS},{WIKI},{POSTS}", "--extra-labels": COARSE + ",USER=*,MISC=*"},
    "extra-first": {"--extra-epochs": "12"},
    "lower": {"--lower-copies": "0.25"},
    "replaced": {"--replaced-copies": "1"},
    "half-empty": {"--keep-empty": "0.5"},
    "average": {"--average": "0.995"},
    "o-0.5": {"--o-bias": "0.5"},
    "o-1": {"--o-bias": "1"},
    "plateau": {"--schedule": "plateau", "--max-epochs": "100"},
    "wide": {"--hidden-size": "256", "--reproject-to": "512"},
    "slim": {"--hidden-size": "128", "--reproject-to": "128"},
    "short": {"--max-epochs": "12"},
    "fast": {"--learning-rate": "0.2"},
    "small-batches": {"--mini-batch-size": "16"},
    "dropout": {"--locked-dropout": "0.5"},
    "adam": {"--optimizer": "adam", "--learning-rate": "0.001"},
    "adam-2": {"--optimizer": "adam", "--learning-rate": "0.002"},
}
PARTS = {"dev": {"train": "train", "dev": "dev"}, "held": {"train": "rest", "dev": "held"}}


def command_line(work, part, setting, seed, run):
    """Arguments of flairtag."""
    options = dict(BASE)
    for lever in setting.split("+"):
        options.update({} if lever == "base" else LEVERS[lever])
    command = ["train", "-o", run, "--seed", str(seed), "--threads", "1", "--no-write-weights"]
    for option, value in options.items():
        command += [option, value.format(work=work, **PARTS[part])]
    return command


def best_epoch(run):
    with open(run / "loss.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return max(rows, key=lambda row: float(row["DEV_F1"]))


def train(args, setting, seed):
    run = Path(args.work) / "levers" / f"{setting}-{args.part}-{seed}"
    shutil.rmtree(run, ignore_errors=True)
    run.parent.mkdir(exist_ok=True)
    start = time.time()
    with open(f"{run}.out", "w", encoding="utf-8") as out:
        command = [args.flairtag, *command_line(args.work, args.part, setting, seed, run)]
        subprocess.run(command, check=True, stdout=out, stderr=out)
    best = best_epoch(run)
    shutil.rmtree(run)
    return [setting, args.part, seed] + [best[f"DEV_{name}"] for name in ("PRECISION", "RECALL", "F1")] + [
        best["EPOCH"], f"{time.time() - start:.0f}"
    ]


def known_rows(path):
    """Rows of a table by their first three columns: setting, part, seed."""
    if not path.exists():
        return {}
    with open(path, encoding="utf-8", newline="") as file:
        return {(row[0], row[1], int(row[2])): row for row in csv.reader(file, delimiter="\t")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work")
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--part", choices=PARTS, default="dev")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--flairtag", default=str(Path(__file__).resolve().parent.parent / "build" / "flairtag"))
    args = parser.parse_args()

    table = Path(args.work) / "levers.tsv"
    known = known_rows(table)
    wanted = [(setting, seed) for seed in range(1, args.seeds + 1) for setting in args.settings]
    missing = [run for run in wanted if (run[0], args.part, run[1]) not in known]
    with ThreadPoolExecutor(args.jobs) as pool, open(table, "a", encoding="utf-8", newline="") as file:
        for row in pool.map(lambda run: train(args, *run), missing):
            csv.writer(file, delimiter="\t", lineterminator="\n").writerow(row)
            file.flush()
            known[row[0], args.part, row[2]] = row

    first = None
    print(f"{'setting':<40} {'P':>6} {'R':>6} {'F1':>6} {'+-':>5} {'diff':>6} {'errors':>6}")
    for setting in args.settings:
        rows = [known[setting, args.part, seed] for seed in range(1, args.seeds + 1)]
        precision, recall, f1 = ([100 * float(row[i]) for row in rows] for i in (3, 4, 5))
        first = first or f1
        spread = math.sqrt((statistics.variance(f1) + statistics.variance(first)) / len(f1)) if len(f1) > 1 else 0
        difference = statistics.mean(f1) - statistics.mean(first)
        print(
            f"{setting:<40} {statistics.mean(precision):6.2f} {statistics.mean(recall):6.2f} {statistics.mean(f1):6.2f}"
            f" {statistics.stdev(f1) if len(f1) > 1 else 0:5.2f} {difference:+6.2f}"
            f" {difference / spread if spread else 0:+6.2f}"
        )


if __name__ == "__main__":
    main()
