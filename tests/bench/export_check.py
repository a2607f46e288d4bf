#!/usr/bin/env python3
"""Writes models in Flair's format, loads them in Flair, and counts where Flair and flairtag differ.

    pip install "flair==0.15.1" "transformers<4.50"
    tests/bench/export_check.py CORPUS.conll MODEL [MODEL ...] [--sentences 300]

MODEL is anything that flairtag opens. A tagger tags the corpus in flairtag as it is, in flairtag from the written file,
and in Flair from the written file; printed are tags that differ from the first. A language model or word vectors (which
want flair[word-embeddings]) that Flair can load too give their vectors there, from MODEL and from the written file;
printed is the largest difference. A model that `flairtag convert --to flair` refuses is named with the reason. The status
is 1 when a float32 tagger's tags differ.
"""
import argparse
import logging
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from measuring import Corpus, fail  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus", help="columns, the token in the first")
parser.add_argument("models", nargs="+", metavar="MODEL")
parser.add_argument("--sentences", type=int, default=300,
                    help="only so many of the corpus, drawn by chance, the same each time [%(default)s]")
parser.add_argument("--flairtag", default="build/flairtag")
options = parser.parse_args()
logging.disable(logging.INFO)
try:
    import torch
    from flair.data import Sentence
    from flair.embeddings import FlairEmbeddings, WordEmbeddings
    from flair.models import SequenceTagger
except ImportError as error:
    fail(f'Flair cannot be loaded here ({error}): pip install "flair==0.15.1" "transformers<4.50"')


def flairtag(*words):
    done = subprocess.run([options.flairtag, *map(str, words)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr.strip()


def kind_of(model):
    status, output, message = flairtag("info", model)
    if status:
        fail(message)
    return next(line.split()[1] for line in output.split("\n") if line.startswith("kind "))


def flairtag_tags(model, corpus_file):
    status, output, message = flairtag("predict", "-m", model, "--input-format", "conll", corpus_file)
    if status:
        fail(message)
    tags = [line.split("\t")[-1] for line in output.split("\n") if line]
    return ["O" if tag == "_" else tag for tag in tags]  # Flair gives such tokens no label


def flair_tags(model):
    tagger = SequenceTagger.load(str(model))
    sentences = [Sentence(words) for words in corpus.sentences]
    tagger.predict(sentences, mini_batch_size=32, force_token_predictions=True)
    return [token.get_label(tagger.tag_type).value for sentence in sentences for token in sentence]


def vectors(make, model):
    embeddings = make(str(model))
    rows = []
    for words in corpus.sentences:
        sentence = Sentence(words)
        embeddings.embed(sentence)
        rows += [token.get_embedding(embeddings.get_names()).clone() for token in sentence]
        sentence.clear_embeddings()
    return torch.stack(rows)


def differences(a, b):
    if len(a) != len(b):
        fail(f"one side tagged {len(a)} tokens, the other {len(b)}: no comparison is possible")
    return sum(x != y for x, y in zip(a, b))


corpus = Corpus(options.corpus, options.sentences)
status = 0
with tempfile.TemporaryDirectory(prefix="export-") as folder:
    corpus_file = corpus.write(f"{folder}/corpus.conll")
    for number, model in enumerate(options.models):
        kind = kind_of(model)
        written = Path(folder) / (f"{number}.bin" if kind == "words" else f"{number}.pt")
        refused, _, said = flairtag("convert", "--to", "flair", model, written)
        if refused:
            print(f"{model}: refused: {said}")
        elif kind == "tagger":
            own = flairtag_tags(model, corpus_file)
            again, theirs = differences(own, flairtag_tags(written, corpus_file)), differences(own, flair_tags(written))
            print(f"{model}: of {len(own)} tags {theirs} differ in Flair, {again} in flairtag from the written file"
                  + (f" ({said})" if said else ""))
            status |= theirs > 0 and not said
        else:
            make = FlairEmbeddings if kind == "lm" else WordEmbeddings
            try:
                ours = vectors(make, written)
            except ImportError as error:
                fail(f'Flair cannot load word vectors here ({error}): pip install "flair[word-embeddings]==0.15.1"')
            try:
                worst = (vectors(make, model) - ours).abs().max().item()
                print(f"{model}: vectors differ by {worst:.1e} at most")
            except Exception as error:  # whatever Flair makes of a file that is not its own
                print(f"{model}: written and loaded; Flair does not load the original: {error}")
        sys.stdout.flush()
sys.exit(int(status))
