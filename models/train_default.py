#!/usr/bin/env python3
"""train_default.py - make the model `default` that ships with flairtag, from raw text to the file.

Texts and corpora are prepared here; language models and taggers are trained by flairtag itself, whose command lines
this script prints before it runs them. Each step reads what the steps before it left in WORK:

    text    TEXT WORK    raw text -> WORK/text/{train/1-all.txt,train/2-social.txt,valid.txt,test.txt}

TEXT holds {social,news,books}.txt.gz and social.{valid,test}.txt.gz, one post or paragraph a line.
"""

import argparse
import random
from pathlib import Path

from social_text import SENTENCE_END, SPLIT_COARSE, SPLIT_FINE, open_text, pieces

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
    """All text once, shuffled, then the social part once more, cut and shuffled anew: that is where the tagger works."""
    rng = random.Random(args.seed)
    source, out = Path(args.text), Path(args.work) / "text"
    (out / "train").mkdir(parents=True, exist_ok=True)
    everything = []
    for name, is_prose in (("social", False), ("news", True), ("books", True)):
        everything += tokenised_lines(source / f"{name}.txt.gz", rng, is_prose)
    social = tokenised_lines(source / "social.txt.gz", rng, False)
    for lines, name in ((everything, "1-all"), (social, "2-social")):
        rng.shuffle(lines)
        write_lines(lines, out / "train" / f"{name}.txt")
    for name in ("valid", "test"):
        lines = tokenised_lines(source / f"social.{name}.txt.gz", rng, False)
        write_lines(lines[: len(lines) // 2], out / f"{name}.txt")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)

    def step(name, run, *folders):
        sub = steps.add_parser(name)
        for folder in folders:
            sub.add_argument(folder)
        sub.add_argument("--seed", type=int, default=1)
        sub.set_defaults(run=run)
        return sub.add_argument

    step("text", make_text, "text", "work")

    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
