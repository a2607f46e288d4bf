#!/usr/bin/env python3
"""Trains the same tagger many times, with Flair and with flairtag, from different seeds, and compares the scores.

    pip install "flair==0.15.1" "transformers<4.50"
    tests/bench/train_seeds.py DIR --words glove.6B.100d.txt.gz [--seeds 10] [--max-epochs 20] --json seeds.json

DIR holds a corpus (train, dev and test in the names of its files). The features are word vectors alone, the same file
for both. Each run is added to the JSON as it ends and is not made again by a later call, so that the hours can be
spread. At the end both tables are printed, and for dev and test the difference of the means in standard errors of that
difference (Welch).
"""
import argparse
import gzip
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus", type=Path)
parser.add_argument("--words", required=True, type=Path, help="word vectors as text, gz or not")
parser.add_argument("--seeds", type=int, default=10)
parser.add_argument("--max-epochs", type=int, default=20)
parser.add_argument("--hidden", type=int, default=256)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--system", choices=("both", "flair", "flairtag"), default="both")
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--json", type=Path, required=True, help="all runs; made if it is not there")
options = parser.parse_args()


def load_flair_words():
    import numpy
    from flair.embeddings import WordEmbeddings
    opener = gzip.open if options.words.suffix == ".gz" else open
    vocabulary, rows = {}, []
    with opener(options.words, "rt", encoding="utf-8") as lines:
        for line in lines:
            word, *numbers = line.rstrip("\n").split(" ")
            if word not in vocabulary:
                vocabulary[word] = len(vocabulary)
                rows.append(numpy.array(numbers, dtype=numpy.float32))
    rows.append(numpy.zeros_like(rows[0]))
    embedding = WordEmbeddings(embeddings=None, vocab=vocabulary, embedding_length=len(rows[0]), name="glove")
    embedding.embedding.weight.data = torch.from_numpy(numpy.stack(rows))
    return embedding


def train_flair(seed, words, folder):
    flair.set_seed(seed)
    corpus = ColumnCorpus(options.corpus, {0: "text", 1: "ner"})
    tags = corpus.make_label_dictionary(label_type="ner", add_unk=False)
    tagger = SequenceTagger(hidden_size=options.hidden, embeddings=StackedEmbeddings([words]), tag_dictionary=tags,
                            tag_type="ner")
    result = ModelTrainer(tagger, corpus).train(folder, max_epochs=options.max_epochs)
    lines = [line.split("\t") for line in (Path(folder) / "loss.tsv").read_text().splitlines()]
    dev = max(float(line[lines[0].index("DEV_F1")]) for line in lines[1:])
    return 100 * dev, 100 * result["test_score"], len(lines) - 1


def train_flairtag(seed, words, folder):
    run = Path(folder) / "run"
    subprocess.run([options.flairtag, "train", str(options.corpus), "--words", str(words), "--lm-forward", "none",
                    "--lm-backward", "none", "--seed", str(seed),
                    "--max-epochs", str(options.max_epochs), "--hidden-size", str(options.hidden), "--threads",
                    str(options.threads), "-o", str(run)], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    lines = [line.split("\t") for line in (run / "loss.tsv").read_text().splitlines()]
    dev = max(float(line[lines[0].index("DEV_F1")]) for line in lines[1:])
    test = float(re.search(r"F-score \(micro\) ([0-9.]+)", (run / "training.log").read_text()).group(1))
    return 100 * dev, 100 * test, len(lines) - 1


def welch(first, second):
    """The difference of two means in standard errors of the difference."""
    error = (statistics.variance(first) / len(first) + statistics.variance(second) / len(second)) ** 0.5
    return (statistics.mean(second) - statistics.mean(first)) / error if error else 0.0


runs = json.loads(options.json.read_text()) if options.json.exists() else []
systems = ("flair", "flairtag") if options.system == "both" else (options.system,)
wanted = [(system, seed) for seed in range(1, options.seeds + 1) for system in systems
          if not any(run["system"] == system and run["seed"] == seed for run in runs)]
words = {"flairtag": options.words}
if any(system == "flair" for system, _ in wanted):
    import flair
    import torch
    from flair.datasets import ColumnCorpus
    from flair.embeddings import StackedEmbeddings
    from flair.models import SequenceTagger
    from flair.trainers import ModelTrainer
    torch.set_num_threads(options.threads)
    words["flair"] = load_flair_words()
for system, seed in wanted:
    folder = tempfile.mkdtemp()
    start = time.perf_counter()
    dev, test, epochs = {"flair": train_flair, "flairtag": train_flairtag}[system](seed, words[system], folder)
    shutil.rmtree(folder)
    runs.append({"system": system, "seed": seed, "dev": dev, "test": test, "epochs": epochs,
                 "seconds": time.perf_counter() - start})
    options.json.write_text(json.dumps(runs, indent=1) + "\n")

print(f"{'system':<10}{'seed':>5}{'epochs':>8}{'dev F1':>9}{'test F1':>9}{'seconds':>9}")
for run in sorted(runs, key=lambda run: (run["system"], run["seed"])):
    print(f"{run['system']:<10}{run['seed']:>5}{run['epochs']:>8}{run['dev']:>9.2f}{run['test']:>9.2f}{run['seconds']:>9.1f}")
scores = {(system, split): [run[split] for run in runs if run["system"] == system]
          for system in ("flair", "flairtag") for split in ("dev", "test")}
for (system, split), values in scores.items():
    if len(values) > 1:
        print(f"{system:<10}{split:<5} mean {statistics.mean(values):6.2f}   deviation {statistics.stdev(values):5.2f}")
for split in ("dev", "test"):
    first, second = scores["flair", split], scores["flairtag", split]
    if min(len(first), len(second)) > 1:
        print(f"{split}: flairtag {statistics.mean(second) - statistics.mean(first):+.2f}, "
              f"{welch(first, second):+.2f} standard errors of the difference")
sys.exit(0)
