#!/usr/bin/env python3
"""Makes the golden cases v0.15.1-zip-made-* in tests/golden/tagger and tests/golden/lm: models with random weights that Flair 0.15.1
saved and loaded again, and what it computes with them. Kinds of model for which no other case stands: character and one-hot
embeddings, GRUs, nested stacks, token labels, no recurrent layer behind a reprojection.

    pip install flair==0.15.1 && tests/golden/make_cases.py [CASE ...]

The files are the same for the same versions of Flair and PyTorch but for rounding; tests do not run this."""
import json
import os
import random
import shutil
import sys
import tempfile

import flair
import numpy
import torch
from flair.data import Dictionary, Sentence
from flair.embeddings import CharacterEmbeddings, FlairEmbeddings, OneHotEmbeddings, StackedEmbeddings, WordEmbeddings
from flair.models import LanguageModel, SequenceTagger

HERE = os.path.dirname(os.path.abspath(__file__))
DUPLICATES = [
    "a bbb a", "to be or not to be , that is the question : to be", "x xx xxx xx x", "Ω ß Ω ∂ ß é 你好 é 你好", "the cat saw the dog see the cat",
    "a", "longestword a b longestword b a ccc", "No no NO no No .",
]
TYPES = ["person", "location", "group"]


def sentences():
    found, tokens = [], []
    with open(os.path.join(HERE, "tagger", "v0.15.1-zip-word-crf", "input.conll"), encoding="utf-8", newline="\n") as lines:
        for line in lines:
            token = line.rstrip("\n").split("\t")[0]
            if token:
                tokens.append(token)
            elif tokens:
                found.append(tokens)
                tokens = []
    plain = [s for s in found if len(s) <= 30 and all(t.isprintable() and t == t.strip() and " " not in t for t in s)]
    return [s.split() for s in DUPLICATES] + plain[:16]


SENTENCES = sentences()


def dictionary(items, unknown=True):
    made = Dictionary(add_unk=unknown)
    for item in items:
        made.add_item(item)
    return made


def characters():
    return dictionary(sorted({c for s in SENTENCES for t in s for c in t if c.isascii()} | {" ", "\n"}))


def shake(module, most=0.6):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-most, most)
    return module


def language_model(forward, rnn="LSTM", layers=1, nout=None):
    model = LanguageModel(characters(), forward, hidden_size=18, nlayers=layers, embedding_size=8, nout=nout, recurrent_type=rnn)
    name = f"lm-{'forward' if forward else 'backward'}.pt"
    shake(model).save(name)
    return name


def flair_embeddings(forward, **options):
    return FlairEmbeddings(language_model(forward, **options))


def word_embeddings():
    words = sorted({t.lower() for s in SENTENCES for t in s})[::2]
    return WordEmbeddings(None, vocab={w: i for i, w in enumerate(words)}, embedding_length=7, name="words")


def span_types():
    made = dictionary(TYPES, unknown=False)
    made.span_labels = True  # the tagger makes B-, I- ... of them
    return made


def tagger(embeddings, tags, tag_type="ner", **options):
    return shake(SequenceTagger(embeddings, tags, tag_type, hidden_size=11, **options), 0.9)


CASES = {
    "chars-word-crf": lambda: tagger(
        StackedEmbeddings([word_embeddings(), CharacterEmbeddings(characters(), 6, 9)]), span_types(), tag_format="BIOES"),
    "chars-alone-gru": lambda: tagger(
        CharacterEmbeddings(characters(), 5, 17), span_types(), rnn_type="GRU", use_crf=False, tag_format="BIO"),
    "onehot-fw-gru2-softmax": lambda: tagger(
        StackedEmbeddings([OneHotEmbeddings(dictionary(sorted({t for s in SENTENCES for t in s})[::3]), embedding_length=10),
                           flair_embeddings(True)]),
        span_types(), rnn_type="GRU", rnn_layers=2, use_crf=False),
    "nested-pos-crf": lambda: tagger(
        StackedEmbeddings([StackedEmbeddings([flair_embeddings(False, nout=6), flair_embeddings(True, layers=2)]), word_embeddings()]),
        dictionary(["NOUN", "VERB", "ADJ", "PUNCT"], False), "pos"),
    "onehot-stable-crf": lambda: tagger(
        OneHotEmbeddings(dictionary(sorted({t for s in SENTENCES for t in s})[::2]), embedding_length=8, stable=True),
        span_types()),
    "onehot-nornn-softmax": lambda: tagger(
        StackedEmbeddings([OneHotEmbeddings(dictionary(sorted({t for s in SENTENCES for t in s})[::2]), embedding_length=9),
                           flair_embeddings(False)]),
        span_types(), use_rnn=False, use_crf=False),
}


def score(number):
    return f"{number:.9g}"


def write_tagger(name, folder):
    CASES[name]().save("model.pt")
    model = SequenceTagger.load("model.pt")
    model.eval()
    emissions = []
    model.linear.register_forward_hook(lambda _, __, output: emissions.append(output[0].detach().numpy()))
    dumped = [1, 2, 3, 4, 7, 10, 14]
    vectors, tags_text, spans_text, counted, heads = [], [], [], 0, []
    with torch.no_grad():
        for number, tokens in enumerate(SENTENCES, 1):
            sentence = Sentence(tokens)
            assert [t.text for t in sentence] == tokens
            tensor, lengths = model._prepare_tensors([sentence])
            features = model.forward(tensor, lengths)
            decode = (lambda: model.viterbi_decoder.decode(features, False, [sentence])) if model.use_crf else (
                lambda: model._standard_inference(features, [sentence], False))
            predicted = decode()[0][0]
            if number in dumped:
                vectors.append(tensor[0].numpy())
                heads.append(emissions[-1])
            for token, (tag, confidence) in zip(tokens, predicted):
                tags_text.append(f"{token}\t{tag}\t{score(confidence)}\n")
            tags_text.append("\n")
            counted += len(tokens)
            if model.predict_spans:
                found = flair.data.get_spans_from_bio([p[0] for p in predicted], [p[1] for p in predicted])
                spans_text += [f"{number}\t{at[0] + 1}\t{at[-1] + 1}\t{kind}\t{score(mean)}\n" for at, mean, kind in found]
    numpy.save(os.path.join(folder, "embeddings.npy"), numpy.concatenate(vectors).astype("<f4"))
    numpy.save(os.path.join(folder, "emissions.npy"), numpy.concatenate(heads).astype("<f4"))
    text = {"expected.tags.tsv": tags_text, "expected.spans.tsv": spans_text,
            "input.conll": [line for s in SENTENCES for line in [f"{t}\tO\n" for t in s] + ["\n"]]}
    for file, lines in text.items():
        with open(os.path.join(folder, file), "w", encoding="utf-8", newline="\n") as out:
            out.writelines(lines)
    shutil.copy("model.pt", folder)
    members = [e.name for e in getattr(model.embeddings, "embeddings", [model.embeddings])]
    return {"sentences": len(SENTENCES), "tokens": counted, "dump": {"sentences": dumped}, "embeddings": members,
            "tags": model.label_dictionary.get_items()}


STRINGS = ["A", "Hello world !", "Ω ß 你好 x", "The quick brown fox jumps over the lazy dog , again and again ."]


def write_lm(name, folder):
    """Bare language models with GRU cells: states and logits."""
    for forward in (True, False):
        direction = "forward" if forward else "backward"
        file = language_model(forward, rnn="GRU", layers=1 if forward else 2, nout=None if forward else 7)
        model = LanguageModel.load_language_model(file)
        model.eval()
        states = []
        with torch.no_grad():
            for string in STRINGS:
                rows = model.get_representation([string], "\n", " ", 512)
                states.append(rows[:, 0].numpy())
            text = " ".join(" ".join(s) for s in SENTENCES)
            with open(os.path.join(folder, "text.txt"), "w", encoding="utf-8", newline="\n") as out:
                out.write(text)
            first = text[:64] if forward else text[::-1][:64]
            ids = torch.tensor([[model.dictionary.get_idx_for_item(c)] for c in first])
            logits = model.forward(ids, model.init_hidden(1))[0]
        numpy.save(os.path.join(folder, f"states.{direction}.npy"), numpy.concatenate(states).astype("<f4"))
        numpy.save(os.path.join(folder, f"logits.{direction}.npy"), logits[:, 0].numpy().astype("<f4"))
        shutil.copy(file, folder)
    return {"strings": STRINGS}


def main():
    flair.device = torch.device("cpu")
    torch.set_num_threads(1)
    wanted = sys.argv[1:] or [*CASES, "gru"]
    for name in wanted:
        random.seed(7)
        torch.manual_seed(7)
        kind, write = ("lm", write_lm) if name == "gru" else ("tagger", write_tagger)
        full = f"v0.15.1-zip-made-{name}"
        folder = os.path.join(HERE, kind, full)
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:  # paths of embeddings are saved: keep them relative
            os.chdir(scratch)
            about = write(name, folder)
            os.chdir(HERE)
        about = {"name": full, "flair_version": flair.__version__, "torch_version": torch.__version__, **about}
        with open(os.path.join(folder, "case.json"), "w", encoding="utf-8") as out:
            json.dump(about, out, indent=1, ensure_ascii=False)
            out.write("\n")
        print(full)


main()
