#!/usr/bin/env python3
"""Makes the seeds of the fuzz targets in tests/fuzz/seeds: models of a few units with random weights that Flair 0.15.1 saved, word
vectors, corpora and texts of a line or two, all our own.

    pip install flair==0.15.1 && make fuzz && tests/fuzz/make_seeds.py

Needs build/flairtag (for its own model files) and build/fuzz/tests/fuzz/make_seeds (for checkpoints). Tests do not run this."""
import gzip
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tempfile
import types
import zipfile

import numpy
import torch
from flair.data import Dictionary
from flair.embeddings import CharacterEmbeddings, FlairEmbeddings, OneHotEmbeddings, StackedEmbeddings, WordEmbeddings
from flair.models import LanguageModel, SequenceTagger

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS = os.path.join(ROOT, "tests", "fuzz", "seeds")
BUILD = os.path.join(ROOT, "build")


def write(target, name, content):
    folder = os.path.join(SEEDS, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def dictionary(items, unknown=True):
    made = Dictionary(add_unk=unknown)
    for item in items:
        made.add_item(item)
    return made


def language_model(forward, rnn="LSTM", layers=1, nout=None):
    model = LanguageModel(dictionary("ab \n"), forward, hidden_size=2, nlayers=layers, embedding_size=1, nout=nout, recurrent_type=rnn)
    name = f"lm-{forward}-{rnn}.pt"
    model.save(name)
    return name


def words():
    return WordEmbeddings(None, vocab={"the": 0, "ada": 1}, embedding_length=2, name="words")


def tags():
    made = dictionary(["PER"], unknown=False)
    made.span_labels = True
    return made


def taggers():
    yield "words", SequenceTagger(words(), tags(), "ner", hidden_size=1)
    yield "stack", SequenceTagger(
        StackedEmbeddings([words(), FlairEmbeddings(language_model(True)), FlairEmbeddings(language_model(False, nout=1))]),
        tags(), "ner", hidden_size=1, tag_format="BIO")
    yield "chars", SequenceTagger(
        CharacterEmbeddings(dictionary("ab"), 1, 1), tags(), "ner", hidden_size=1, rnn_type="GRU", use_crf=False)
    yield "onehot", SequenceTagger(
        OneHotEmbeddings(dictionary(["a", "b"]), embedding_length=2, stable=True), dictionary(["N", "V"], False), "pos", use_rnn=False)


def in_keyed_vectors(words_count, separate):
    """A KeyedVectors object as gensim 4 pickles it, without gensim."""
    module = types.ModuleType("gensim.models.keyedvectors")
    for name in ("gensim", "gensim.models"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules[module.__name__] = module
    kind = type("KeyedVectors", (), {"__module__": module.__name__})
    module.KeyedVectors = kind
    made = kind()
    made.vector_size = 2
    made.index_to_key = [f"w{i}" for i in range(words_count)]
    made.key_to_index = {word: i for i, word in enumerate(made.index_to_key)}
    made.vectors = None if separate else numpy.arange(2 * words_count, dtype="<f4").reshape(words_count, 2)
    if separate:
        made.__numpys, made.__scipys, made.__ignoreds, made.__recursive_saveloads = ["vectors"], [], [], []
        del made.vectors
    return made


def models():
    convert = os.path.join(BUILD, "flairtag")
    files = [(name, model) for name, model in taggers()]
    for name, model in files:
        model.save(name + ".pt")
    for source, name in ((language_model(True, "GRU"), "lm-gru"), (language_model(False, layers=2), "lm-two")):
        shutil.copy(source, name + ".pt")
        files.append((name, None))
    for name, _ in files:
        content = open(name + ".pt", "rb").read()
        with zipfile.ZipFile(name + ".pt") as packed:
            inside = {entry.split("/", 1)[1]: packed.read(entry) for entry in packed.namelist()}
        write("pickle", name, inside["data.pkl"])
        if name in ("words", "lm-gru"):
            deflated = os.path.join(os.getcwd(), "deflated.zip")
            with zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as packed:
                for entry, bytes_inside in inside.items():
                    packed.writestr("m/" + entry, bytes_inside)
            write("zip", name, content)
            write("zip", name + "-deflated", open(deflated, "rb").read())
        torch.save(torch.load(name + ".pt", map_location="cpu", weights_only=False), "legacy.pt", _use_new_zipfile_serialization=False)
        write("legacy", name, open("legacy.pt", "rb").read())
        for precision in ("f32", "int8", "int16") if name in ("stack", "lm-two") else ("f32",):
            out = f"{name}-{precision}"
            subprocess.run([convert, "convert", "--precision", precision, name + ".pt", out + ".safetensors"], check=True)
            write("safetensors", out, open(out + ".safetensors", "rb").read())


def word_vectors():
    text = "the 0.5 -1e-2\nada 1 2\n2 .25 3.\n"
    binary = b"2 2\nthe " + struct.pack("<2f", 0.5, -1) + b"\nada " + struct.pack("<2f", 1, 2) + b"\n"
    write("words", "glove", text)
    write("words", "word2vec", "3 2\n" + text)
    write("words", "word2vec-binary", binary)
    write("words", "glove.gz", gzip.compress(text.encode(), mtime=0))
    write("words", "word2vec-binary.gz", gzip.compress(binary, mtime=0))
    for protocol in (2, 4):
        write("gensim", f"protocol-{protocol}", pickle.dumps(in_keyed_vectors(3, False), protocol))
    write("gensim", "separate", pickle.dumps(in_keyed_vectors(3, True), 3))
    for name, array in (("one", numpy.ones((2, 3), "<f4")), ("two", numpy.asfortranarray(numpy.ones((2, 3), "<f8")))):
        numpy.save(name + ".npy", array)
        write("npy", name, open(name + ".npy", "rb").read())


def text():
    columns = "Ada B-PER\nLovelace I-PER\nslept O\n. O\n\n-DOCSTART- O\n\n# a comment\nin O\nÜberlingen S-LOC\n\n"
    write("conll", "spaces", columns)
    write("conll", "tabs", columns.replace(" ", "\t").replace("\n", "\r\n"))
    write("conll", "iob1", "Ada I-PER\nMary B-PER\nran O\n\n" * 6)
    write("conll", "four", "Ada NNP I-NP I-PER\nran VBD O O\n")
    write("conll", "columns.gz", gzip.compress(columns.encode(), mtime=0))
    write("conll", "odd", "\ufeffa\u00a0b O\nc\u0085d O\rx\n \ue000 B-\n\n\tO\n")
    write("conllu", "plain", "# text = Ada can't\n1\tAda\tada\tPROPN\tNNP\t_\t0\troot\t_\tSpaceAfter=No\n2-3\tcan't\t_\t_\t_\t_\t_\t_\t_\t_\n"
          "2\tca\tcan\tAUX\tMD\t_\t1\taux\t_\t_\n3\tn't\tnot\tPART\tRB\t_\t1\tadv\t_\t_\n3.1\tgo\tgo\tVERB\t_\t_\t_\t_\t_\t_\n\n")
    write("jsonl", "both", '{"text": "Ada saw Z\\u00fcrich. \\ud83d\\ude00"}\n{"tokens": ["Ada", "saw"], "id": 3, "more": {"a": [1, null]}}\n\n[]\n')
    write("jsonl", "wrong", '{"text": 1}\n{"tokens": [""]}\n{"text": "\\ud800"}\n{')
    write("text", "sentences", 'Dr. Ada met Mr. X on 3.5.1843 at 5 p.m. "Why?" she (e.g. quietly) asked... It\'s http://example.org/a?b=1.\n'
          "\nA.B.C. can't won't 1,000.50 U.S.A. – “yes”! ’tis 你好。再见\n")
    write("text", "latin1", "Z\u00fcrich \u00e9t\u00e9\n".encode("latin1"))
    write("text", "gz", gzip.compress(b"One line.\nAnother, here.\n", mtime=0))
    write("run", "loss-0.4", "EPOCH\tTIMESTAMP\tBAD_EPOCHS\tLEARNING_RATE\tTRAIN_LOSS\tDEV_LOSS\tDEV_PRECISION\tDEV_RECALL\tDEV_F1\n"
          "1\t12:00:01\t0\t0.1000\t12.5\t3.25\t0.5\t0.25\t0.3333\n2\t12:00:02\t1\t0.1000\t11.5\t3.0\t0.6\t0.25\t0.3529")
    write("run", "loss-0.15", "EPOCH\tTIMESTAMP\tLEARNING_RATE\tTRAIN_LOSS\tDEV_LOSS\tDEV_PRECISION\tDEV_RECALL\tDEV_F1\tDEV_ACCURACY\n"
          "1\t12:00:01\t0.1000\t12.5000\t3.2500\t0.5000\t0.2500\t0.3333\t0.2000\n")
    write("run", "options", '{"hidden-size": "256", "crf": "true", "learning-rate": "0x1p-3", "words": "a,b", "schedule": "plateau", '
          '"storage": "cpu", "max-mem": "6G"}')


def main():
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        torch.manual_seed(1)
        models()
        word_vectors()
        text()
    for target in ("checkpoint", "lm_checkpoint"):
        os.makedirs(os.path.join(SEEDS, target), exist_ok=True)
    subprocess.run([os.path.join(BUILD, "fuzz", "tests", "fuzz", "make_seeds"), SEEDS], check=True)


if __name__ == "__main__":
    main()
