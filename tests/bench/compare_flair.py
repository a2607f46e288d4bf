#!/usr/bin/env python3
"""Times flairtag against Flair on one corpus and one model, in turn (A B A B ...), and compares the tags.

    pip install "flair==0.15.1" "transformers<4.50"
    tests/bench/compare_flair.py CORPUS.conll [--hidden 2048] [--glove glove.6B.100d.txt.gz] [--runs 3] [--model MODEL.pt]

Without --model a tagger with random weights is made and saved: word vectors, two character language models of --hidden units
(uniform +-1/sqrt(hidden)), reprojection, BiLSTM of 256 units, CRF over WNUT-17's types: the largest of Flair's published kind.
Flair runs as its users run it: predict with mini-batches of 32, storage none, loaded and warm; flairtag as a whole process,
start to end. Prints one line a run, then medians and ratios.
"""
import argparse
import gzip
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus")
parser.add_argument("--hidden", type=int, default=2048)
parser.add_argument("--glove", help="word vectors as text, gz or not (default: none)")
parser.add_argument("--words", type=int, default=400000, help="most words of --glove to take")
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--model", help="a Flair model to use in place of a random one")
parser.add_argument("--keep", help="folder for the model files (default: a temporary one)")
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--make-only", action="store_true", help="make the model files and stop")
options = parser.parse_args()


def read_corpus(path):
    sentence, sentences = [], []
    for line in open(path, encoding="utf-8"):
        if line.strip():
            sentence.append(line.split("\t")[0].strip("\n"))
        elif sentence:
            sentences.append(sentence)
            sentence = []
    return sentences + ([sentence] if sentence else [])


def make_model(path):
    import numpy
    import torch
    from flair.data import Dictionary
    from flair.embeddings import FlairEmbeddings, StackedEmbeddings, WordEmbeddings
    from flair.models import LanguageModel, SequenceTagger

    torch.manual_seed(1)
    characters = Dictionary()
    for c in "\n" + "".join(map(chr, range(32, 306))):
        characters.add_item(c)
    embeddings = []
    if options.glove:
        vocabulary, rows = {}, []
        with (gzip.open if options.glove.endswith(".gz") else open)(options.glove, "rt", encoding="utf-8") as lines:
            for line in lines:
                word, *numbers = line.rstrip("\n").split(" ")
                vocabulary.setdefault(word, len(vocabulary))
                rows.append(numpy.array(numbers, dtype=numpy.float32))
                if len(rows) == options.words:
                    break
        rows.append(numpy.zeros_like(rows[0]))
        words = WordEmbeddings(embeddings=None, vocab=vocabulary, embedding_length=len(rows[0]), name="glove")
        words.embedding.weight.data = torch.from_numpy(numpy.stack(rows))
        embeddings.append(words)
    for forward in (True, False):
        lm = LanguageModel(characters, forward, hidden_size=options.hidden, nlayers=1, embedding_size=100)
        embeddings.append(FlairEmbeddings(lm))
    tags = Dictionary(add_unk=False)
    for kind in ("person", "location", "corporation", "product", "creative-work", "group"):
        tags.add_item(kind)
    tags.span_labels = True
    tagger = SequenceTagger(StackedEmbeddings(embeddings), tags, "ner", hidden_size=256)
    tagger.save(str(path))


def watch_peak(pid, peaks):
    """Keeps the process's high-water mark of resident memory while it runs (a child's rusage begins with its parent's)."""
    try:
        while True:
            status = Path(f"/proc/{pid}/status").read_text()
            peaks.append(int(status.split("VmHWM:")[1].split()[0]) / 1024)
            time.sleep(0.1)
    except (OSError, IndexError):
        pass


def run_flairtag(model):
    before = time.perf_counter()
    command = [options.flairtag, "predict", "-m", str(model), "--threads", str(options.threads), options.corpus]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peaks = [0]
    threading.Thread(target=watch_peak, args=(process.pid, peaks)).start()
    output = process.stdout.read()
    status = process.wait()
    seconds = time.perf_counter() - before
    if status:
        sys.exit(f"flairtag failed with status {status}")
    return seconds, [line.split("\t")[-1] for line in output.decode().split("\n") if line], max(peaks)


folder = Path(options.keep or tempfile.mkdtemp(prefix="compare-"))
folder.mkdir(parents=True, exist_ok=True)
source = Path(options.model) if options.model else folder / f"random-{options.hidden}.pt"
if not source.exists():
    make_model(source)
converted = folder / (source.stem + ".safetensors")
if not converted.exists():
    subprocess.run([options.flairtag, "convert", str(source), str(converted)], check=True)
if options.make_only:
    sys.exit(0)

import torch  # noqa: E402
from flair.data import Sentence  # noqa: E402
from flair.models import SequenceTagger  # noqa: E402

torch.set_num_threads(options.threads)
tagger = SequenceTagger.load(str(source))
corpus = read_corpus(options.corpus)
characters = sum(len(" ".join(words)) + 2 for words in corpus)
tokens = sum(map(len, corpus))


def run_flair():
    sentences = [Sentence(words) for words in corpus]
    before = time.perf_counter()
    tagger.predict(sentences, mini_batch_size=32, force_token_predictions=True, embedding_storage_mode="none")
    seconds = time.perf_counter() - before
    return seconds, [t.get_label("ner").value for s in sentences for t in s]


times = {"flairtag": [], "Flair": []}
for run in range(options.runs):
    seconds, ours, ours_peak = run_flairtag(converted)
    times["flairtag"].append(seconds)
    print(f"flairtag {seconds:8.2f} s  {characters / seconds:9.0f} chars/s  {tokens / seconds:8.0f} tokens/s", flush=True)
    seconds, theirs = run_flair()
    times["Flair"].append(seconds)
    print(f"Flair    {seconds:8.2f} s  {characters / seconds:9.0f} chars/s  {tokens / seconds:8.0f} tokens/s", flush=True)
medians = {name: statistics.median(values) for name, values in times.items()}
ratios = [b / a for a, b in zip(times["flairtag"], times["Flair"])]
print(f"median: flairtag {medians['flairtag']:.2f} s, Flair {medians['Flair']:.2f} s; "
      f"Flair / flairtag: {statistics.median(ratios):.2f} (median of pairs; {min(ratios):.2f} to {max(ratios):.2f})")
print(f"peak memory: flairtag {ours_peak:.0f} MiB (mapped model included), "
      f"Flair {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
differences = sum(a != b for a, b in zip(ours, theirs)) if len(ours) == len(theirs) else -1
print(f"tags that differ: {differences} of {len(theirs)}")
