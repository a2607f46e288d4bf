#!/usr/bin/env python3
"""Times training with flairtag against training with Flair, on the same stored embeddings, in turn (A B A B ...).

    pip install "flair==0.15.1" "transformers<4.50"
    tests/bench/compare_flair_train.py DIR --words glove.6B.100d.txt.gz [--hidden 512] [--epochs 2] [--runs 3]
                                       [--sentences N] [--json train.json]

DIR holds a corpus in columns (train and dev in the names of its files), the token first and its tag last. The embeddings
are word vectors, two character language models of --hidden units with random weights, or both; the head is Flair's
default: reprojection, BiLSTM of 256 units, CRF, word dropout 0.05, locked dropout 0.5, SGD, batches of 32.
Each run is a process of its own: 1 + --epochs epochs with embeddings kept on the CPU, evaluating dev behind each. The first
epoch, which embeds, is printed apart; of the others the median counts. Prints one line a run, then medians, ratios
(training alone, and with the evaluation of dev) and the most memory each process had.
"""
import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
from measuring import (DISTURBED, Stopwatch, available_cores, fail, flairtag_version, machine, memory,  # noqa: E402
                       watch_memory, write_json)

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus", type=Path, help="folder with train and dev in columns")
parser.add_argument("--words", type=Path, help="word vectors, as text or whatever else flairtag opens (default: none)")
parser.add_argument("--hidden", type=int, default=0, help="units of two random language models (default: none)")
parser.add_argument("--sentences", type=int, help="only so many of train, the first ones")
parser.add_argument("--epochs", type=int, default=2, help="after the first one [%(default)s]")
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--threads", type=int, default=available_cores())
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--keep", type=Path, help="folder for the embeddings (default: a temporary one)")
parser.add_argument("--json", help="file for all runs")
parser.add_argument("--machine", help="the processor's name in the JSON (default: what the system says)")
parser.add_argument("--flair-run", type=Path, help=argparse.SUPPRESS)  # this process is one run of Flair's
options = parser.parse_args()


def read_words(path):
    """Flair's embeddings of word2vec's binary format, without gensim."""
    import numpy
    from flair.embeddings import WordEmbeddings
    data = path.read_bytes()
    header, at = data.split(b"\n", 1)[0], data.index(b"\n") + 1
    count, columns = map(int, header.split())
    vocabulary, table = {}, numpy.zeros((count + 1, columns), dtype=numpy.float32)
    for number in range(count):
        end = data.index(b" ", at)
        vocabulary[data[at:end].lstrip(b"\n").decode()] = number
        at = end + 1 + 4 * columns
        table[number] = numpy.frombuffer(data[end + 1:at], dtype="<f4")
    words = WordEmbeddings(embeddings=None, vocab=vocabulary, embedding_length=columns, name="words")
    words.embedding.weight.data = torch.from_numpy(table)
    return words


def make_embeddings(folder):
    """The same embeddings for both: embeddings.pt for Flair, and what `flairtag train` is given."""
    from flair.data import Dictionary
    from flair.embeddings import FlairEmbeddings, StackedEmbeddings
    from flair.models import LanguageModel
    members, arguments = [], {"--words": "none", "--lm-forward": "none", "--lm-backward": "none"}

    def convert(name, source):
        path = folder / f"{name}.safetensors"
        subprocess.run([options.flairtag, "convert", str(source), str(path)], check=True)
        arguments[f"--{name}"] = str(path)

    if options.words:
        convert("words", options.words)
        subprocess.run([options.flairtag, "convert", "--to", "flair", arguments["--words"], str(folder / "words.bin")],
                       check=True)
        members.append(read_words(folder / "words.bin"))
    torch.manual_seed(1)
    characters = Dictionary()
    for c in "\n" + "".join(map(chr, range(32, 306))):
        characters.add_item(c)
    for forward in (True, False) if options.hidden else ():
        lm = LanguageModel(characters, forward, hidden_size=options.hidden, nlayers=1, embedding_size=100)
        name = "lm-forward" if forward else "lm-backward"
        lm.save(folder / f"{name}.pt")
        convert(name, folder / f"{name}.pt")
        members.append(FlairEmbeddings(lm))
    if not members:
        fail("no embeddings: --words, --hidden or both are needed")
    torch.save(StackedEmbeddings(members), folder / "embeddings.pt")
    (folder / "arguments.json").write_text(json.dumps(arguments))


def write_corpus(folder):
    """Two columns that both read alike."""
    for split in ("train", "dev"):
        files = [path for path in options.corpus.iterdir() if split in path.name and path.is_file()]
        if len(files) != 1:
            fail(f"{options.corpus}: {len(files)} files have {split} in their name, where one is wanted")
        sentences = [[line.split() for line in sentence.splitlines()]
                     for sentence in re.split(r"\n\s*\n", files[0].read_text(encoding="utf-8")) if sentence.strip()]
        if split == "train" and options.sentences:
            sentences = sentences[:options.sentences]
        (folder / f"{split}.txt").write_text(
            "".join("".join(f"{line[0]}\t{line[-1]}\n" for line in sentence if line) + "\n" for sentence in sentences),
            encoding="utf-8")


def flair_run(folder):
    """One run, in this process; prints its figures as JSON."""
    from flair.datasets import ColumnCorpus
    from flair.models import SequenceTagger
    from flair.trainers import ModelTrainer
    from flair.trainers.plugins import TrainerPlugin
    trained, evaluated = [], []

    class Times(TrainerPlugin):
        @TrainerPlugin.hook
        def before_training_epoch(self, **_):
            trained.append(-time.perf_counter())

        @TrainerPlugin.hook
        def after_training_epoch(self, **_):
            trained[-1] += time.perf_counter()

    class Tagger(SequenceTagger):
        def evaluate(self, *arguments, **named):
            start = time.perf_counter()
            result = super().evaluate(*arguments, **named)
            evaluated.append(time.perf_counter() - start)
            return result

    flair.set_seed(1)
    corpus = ColumnCorpus(folder, {0: "text", 1: "ner"}, train_file="train.txt", dev_file="dev.txt",
                          sample_missing_splits=False)
    tags = corpus.make_label_dictionary(label_type="ner", add_unk=False)
    tagger = Tagger(hidden_size=256, embeddings=torch.load(folder / "embeddings.pt", weights_only=False),
                    tag_dictionary=tags, tag_type="ner")
    ModelTrainer(tagger, corpus).train(folder / "flair", max_epochs=1 + options.epochs, embeddings_storage_mode="cpu",
                                       plugins=[Times()], save_final_model=False)
    print(json.dumps({"trained": trained, "evaluated": evaluated[:len(trained)], "peak_bytes": memory()[0],
                      "sentences": len(corpus.train), "tokens": sum(map(len, corpus.train))}))


def run_process(command, what):
    figures = {"peak": 0, "mapped": 0}
    watch = Stopwatch()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watcher = threading.Thread(target=watch_memory, args=(process.pid, figures))
    watcher.start()
    output, errors = process.communicate()
    watcher.join()
    if process.returncode:
        fail(f"{what} failed with status {process.returncode}: {errors.strip()[-2000:]}")
    return output, figures["peak"], watch.read()[1]


def run_flair(folder, _):
    command = [sys.executable, __file__, str(options.corpus), "--flair-run", str(folder), "--epochs", str(options.epochs),
               "--threads", str(options.threads)]
    output, _, others = run_process(command, "Flair")
    return json.loads(output.splitlines()[-1]) | {"others": others}


def run_flairtag(folder, number):
    run = folder / f"flairtag-{number}"
    shutil.rmtree(run, ignore_errors=True)
    command = [options.flairtag, "train", "--train", str(folder / "train.txt"), "--dev", str(folder / "dev.txt"),
               "--max-epochs", str(1 + options.epochs), "--threads", str(options.threads), "--storage", "cpu", "-o", str(run)]
    for name, value in json.loads((folder / "arguments.json").read_text()).items():
        command += [name, value]
    _, peak, others = run_process(command, "flairtag")
    log = (run / "training.log").read_text()
    times = [(float(whole), float(dev)) for whole, dev in re.findall(r"took ([0-9.]+) s, of it evaluation ([0-9.]+) s", log)]
    sentences, tokens = map(int, re.search(r"train: (\d+) sentences, (\d+) tokens", log).groups())
    return {"trained": [whole - dev for whole, dev in times], "evaluated": [dev for _, dev in times], "peak_bytes": peak,
            "sentences": sentences, "tokens": tokens, "others": others}


def describe(run):
    later, dev = statistics.median(run["trained"][1:]), statistics.median(run["evaluated"][1:])
    run.update(first_seconds=run["trained"][0], seconds=later, evaluation_seconds=dev, epoch_seconds=later + dev)
    disturbed = f"   others took {100 * run['others']:.0f} % of the cores" if run["others"] >= DISTURBED else ""
    print(f"{run['round']:2} {run['system']:<14} first {run['first_seconds']:8.2f} s   later {later:8.3f} s   dev {dev:7.3f} s"
          f"   {run['tokens'] / later:9.0f} tokens/s   {run['peak_bytes'] / 2**20:8.0f} MiB{disturbed}", flush=True)


try:
    import flair
    import torch
except ImportError as error:
    fail(f'Flair cannot be loaded here ({error}): pip install "flair==0.15.1" "transformers<4.50"')
torch.set_num_threads(options.threads)
if options.flair_run:
    flair_run(options.flair_run)
    sys.exit(0)
if options.epochs < 1 or options.runs < 1:
    fail("--epochs and --runs want 1 or more")

version, FLAIR = flairtag_version(options.flairtag), f"Flair {flair.__version__}"
runs = []
with tempfile.TemporaryDirectory(prefix="compare-") as temporary:
    made_of = f"{options.words.name if options.words else 'no-words'}-{options.hidden}"
    folder = (options.keep or Path(temporary)) / made_of
    folder.mkdir(parents=True, exist_ok=True)
    write_corpus(folder)
    if not (folder / "arguments.json").exists():
        make_embeddings(folder)
    for number in range(1, options.runs + 1):
        for system, run in ((FLAIR, run_flair), ("flairtag", run_flairtag)):
            runs.append({"round": number, "system": system} | run(folder, number))
            describe(runs[-1])
if len({(run["sentences"], run["tokens"]) for run in runs}) > 1:
    fail("the two did not read the same corpus")

summary = {}
for system in (FLAIR, "flairtag"):
    own = [run for run in runs if run["system"] == system]
    summary[system] = {key: statistics.median(run[key] for run in own)
                       for key in ("first_seconds", "seconds", "evaluation_seconds", "epoch_seconds")}
    summary[system]["peak_bytes"] = max(run["peak_bytes"] for run in own)
    for key in ("seconds", "epoch_seconds"):
        ratios = [other[key] / run[key] for run in own for other in runs
                  if other["round"] == run["round"] and other["system"] == FLAIR]
        summary[system][f"{key}_ratio"] = [statistics.median(ratios), min(ratios), max(ratios)]
print(f"\n{'median':<14}{'first epoch':>12}{'later':>10}{'dev':>9}{'peak memory':>14}   times {FLAIR}: training (with dev)")
for system, of in summary.items():
    low, high = of["seconds_ratio"][1:]
    ratio = f"{of['seconds_ratio'][0]:.2f}, {low:.2f} to {high:.2f} ({of['epoch_seconds_ratio'][0]:.2f})"
    print(f"{system:<14}{of['first_seconds']:10.2f} s{of['seconds']:8.3f} s{of['evaluation_seconds']:7.3f} s"
          f"{of['peak_bytes'] / 2**20:10.0f} MiB   {'' if system == FLAIR else ratio}".rstrip())
print(f"memory: flairtag's most is {summary['flairtag']['peak_bytes'] / summary[FLAIR]['peak_bytes']:.3f} of Flair's")
disturbed = sum(run["others"] >= DISTURBED for run in runs)
if disturbed:
    print(f"{disturbed} of {len(runs)} runs shared the cores with other processes: measure again when all is quiet")
if options.json:
    write_json(options.json, {
        "kind": "training", "base": FLAIR, "machine": machine(options.machine), "threads": options.threads,
        "versions": {"Flair": flair.__version__, "PyTorch": torch.__version__, "flairtag": version},
        "words": options.words.name if options.words else None, "hidden": options.hidden,
        "corpus": {"name": options.corpus.name, "sentences": runs[0]["sentences"], "tokens": runs[0]["tokens"]},
        "epochs": options.epochs, "runs": runs, "summary": summary})
