#!/usr/bin/env python3
"""train_small.py - make the model `small` that ships with flairtag, from raw text to a Flair 0.15.1 file.

The model is a Flair sequence tagger for the six entity types of WNUT-17 (person, location, group, corporation,
product, creative-work): two character language models, GloVe rows of frequent words, one BiLSTM layer and a CRF. It is
kept small on purpose, so that it can travel with the program; `small.md` beside this file has its scores and limits.

Each step is a command of its own and reads what the step before it left in WORK:

    text    TEXT WORK              raw text -> WORK/lm/{mixed,social,valid}.txt and WORK/lm/characters.json
    lm      WORK forward|backward  -> WORK/lm-forward.pt, WORK/lm-backward.pt (may run at the same time)
    words   GLOVE WORK             GloVe rows to keep -> WORK/glove-subset.txt
    tagger  WNUT WORK --seed N     -> WORK/tagger-N/best-model.pt and its scores on dev
    finish  WNUT WORK --seed N     chosen tagger -> WORK/small.pt, its scores on dev (and test), WORK/dev.tags.tsv

TEXT holds {social,news,books}.txt.gz and social.valid.txt.gz, one post or paragraph a line. WNUT holds train.conll,
dev.conll and test.conll of WNUT-17. GLOVE is glove.6B.100d in text form, gz or not. Needs `pip install flair==0.15.1`.
After the last step:

    flairtag convert WORK/small.pt models/small.safetensors

Every random choice follows from --seed; on another version of PyTorch or another processor the figures move by noise.
"""

import argparse
import json
import math
import random
import time
from collections import Counter
from pathlib import Path

import torch

from social_text import (
    SENTENCE_END, SPLIT_COARSE, SPLIT_FINE, open_text, pieces, read_conll, resplit, write_conll,
)

UNKNOWN = "<unk>"


# ---- text ------------------------------------------------------------------------------------------------------------


def tokenised_lines(path, byte_limit, rng, is_prose):
    """Lines of `path` (of its first `byte_limit` bytes), as tokens joined by spaces, 3 in 100 of them case-flipped."""
    lines, size = [], 0
    with open_text(path) as file:
        for line in file:
            size += len(line.encode("utf-8"))
            if size > byte_limit:
                break
            line = line.rstrip("\n")
            for sentence in SENTENCE_END.split(line) if is_prose else [line]:
                tokens = pieces(SPLIT_FINE if rng.random() < 0.6 else SPLIT_COARSE, sentence)
                if not tokens:
                    continue
                text = " ".join(tokens)
                flip = rng.random()
                lines.append(text.lower() if flip < 0.015 else text.upper() if flip < 0.03 else text)
    return lines


def make_text(args):
    rng = random.Random(args.seed)
    source, out = Path(args.text), Path(args.work) / "lm"
    out.mkdir(parents=True, exist_ok=True)
    social = tokenised_lines(source / "social.txt.gz", args.social_bytes, rng, False)
    news = tokenised_lines(source / "news.txt.gz", args.news_bytes, rng, True)
    books = tokenised_lines(source / "books.txt.gz", args.books_bytes, rng, True)
    valid = tokenised_lines(source / "social.valid.txt.gz", 1 << 40, random.Random(args.seed), False)

    # The last part of the training is social text alone: that is where the tagger works.
    rng.shuffle(social)
    last = len(social) * 2 // 5
    mixed = social[last:] + news + books
    rng.shuffle(mixed)
    for name, lines in (("mixed", mixed), ("social", social[:last]), ("valid", valid)):
        text = "\n".join(lines) + "\n"
        (out / f"{name}.txt").write_text(text, encoding="utf-8")
        print(f"{name}: {len(lines)} lines, {len(text)} characters")

    seen = Counter()
    for lines in (mixed, social[:last]):
        for line in lines:
            seen.update(line)
    characters = [UNKNOWN, "\n"] + [c for c, n in seen.most_common() if n > args.min_count]
    (out / "characters.json").write_text(json.dumps(characters, ensure_ascii=False), encoding="utf-8")
    print(f"dictionary: {len(characters)} items")


# ---- lm --------------------------------------------------------------------------------------------------------------


def encode(text, index, is_forward):
    ids = torch.tensor([index.get(c, 0) for c in text], dtype=torch.uint8)
    return ids if is_forward else ids.flip(0)


def as_streams(ids, streams):
    """ids -> [time, streams]: contiguous stretches of the text side by side."""
    rows = len(ids) // streams
    return ids[: rows * streams].view(streams, rows).t().contiguous()


def bits_per_character(model, ids, chunk=256):
    """Mean -log2 p(next character), hidden state carried over 32 streams."""
    data, hidden, bits, count = as_streams(ids, 32).long(), None, 0.0, 0
    model.eval()
    with torch.no_grad():
        for start in range(0, len(data) - 1, chunk):
            x, y = data[start : start + chunk][:-1], data[start + 1 : start + chunk]
            if start + chunk < len(data):
                x, y = data[start : start + chunk], data[start + 1 : start + chunk + 1]
            output, hidden = model.rnn(model.encoder(x), hidden)
            logits = model.decoder(output)
            bits += torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").item()
            count += y.numel()
    model.train()
    return bits / count / math.log(2)


def train_lm(args):
    from flair.data import Dictionary
    from flair.models import LanguageModel

    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    work, is_forward = Path(args.work), args.direction == "forward"
    characters = json.loads((work / "lm" / "characters.json").read_text(encoding="utf-8"))
    dictionary = Dictionary(add_unk=True)
    for character in characters[1:]:
        dictionary.add_item(character)
    index = {c: i for i, c in enumerate(characters)}
    saved = work / f"lm-{args.direction}.pt"

    def read(name):
        return encode((work / "lm" / f"{name}.txt").read_text(encoding="utf-8"), index, is_forward)

    valid = read("valid")
    data = torch.cat([as_streams(read("mixed"), args.streams), as_streams(read("social"), args.streams)])
    data = data[: min(len(data), args.characters // args.streams)] if args.characters else data

    model = LanguageModel(dictionary, is_forward, args.hidden_size, 1, embedding_size=args.embedding_size, dropout=0.0)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=args.learning_rate)
    updates, warm_up = (len(data) - 1) // args.chunk, 200
    hidden, started, window = None, time.time(), 0.0
    model.train()
    for update in range(updates):
        progress = update / updates
        rate = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress))
        optimizer.param_groups[0]["lr"] = args.learning_rate * rate * min(1.0, (update + 1) / warm_up)
        start = update * args.chunk
        x, y = data[start : start + args.chunk].long(), data[start + 1 : start + args.chunk + 1].long()
        output, hidden = model.rnn(model.encoder(x), hidden)
        hidden = tuple(state.detach() for state in hidden)
        loss = torch.nn.functional.cross_entropy(model.decoder(output).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        window += loss.item()
        if (update + 1) % 500 == 0 or update + 1 == updates:
            seen = (update + 1) * args.chunk * args.streams
            n = (update % 500) + 1
            line = f"{args.direction} {seen / 1e6:.1f} M characters, train {window / n / math.log(2):.4f} bits"
            speed = seen / (time.time() - started)
            print(f"{line}, valid {bits_per_character(model, valid):.4f}, {speed:.0f} characters/s", flush=True)
            window = 0.0
            model.eval()
            model.save(saved)
            model.train()


# ---- words -----------------------------------------------------------------------------------------------------------


def keep_words(args):
    """The most frequent words of the language models' text, as far as GloVe has them; a capital inside a line counts
    three times more, for names are what the tagger looks for.

    WNUT-17 has no say: a tagger that knew every name it was trained on would trust the vectors too much elsewhere."""
    work, counts = Path(args.work), Counter()
    for name in ("mixed", "social"):
        with open_text(work / "lm" / f"{name}.txt") as file:
            for line in file:
                words = line.split()
                counts.update(word.lower() for word in words)
                if not line.isupper():
                    for word in words[1:]:
                        if len(word) > 1 and word[0].isupper():
                            counts[word.lower()] += 3
    with open_text(args.glove) as file:
        rows = dict(line.rstrip("\n").split(" ", 1) for line in file)
    chosen = [word for word, _ in counts.most_common() if word in rows][: args.count]
    with open(work / "glove-subset.txt", "w", encoding="utf-8") as file:
        file.writelines(f"{word} {rows[word]}\n" for word in chosen)
    print(f"{len(chosen)} words, the last is {chosen[-1]}")


def word_embeddings(path):
    from flair.embeddings import WordEmbeddings

    vocabulary, rows = {}, []
    with open(path, encoding="utf-8") as file:
        for line in file:
            word, *values = line.split()
            vocabulary[word] = len(rows)
            rows.append([float(value) for value in values])
    width = len(rows[0])
    words = WordEmbeddings(None, vocab=vocabulary, embedding_length=width, name=f"glove-6B-{width}d-subset")
    with torch.no_grad():
        words.embedding.weight[: len(rows)] = torch.tensor(rows)
    return words


# ---- tagger ----------------------------------------------------------------------------------------------------------


def columns(wnut, **files):
    from flair.datasets import ColumnCorpus

    # No split is ever made up from another one, and `#` is a token of tweets, not a comment.
    return ColumnCorpus(
        Path(wnut).resolve(), {0: "text", 1: "ner"}, column_delimiter="\t", comment_symbol=None, autofind_splits=False,
        sample_missing_splits=False, **files,
    )


def train_file(wnut, work, style, seed):
    sentences = read_conll(Path(wnut) / "train.conll")
    fine = [resplit(sentence) for sentence in sentences]
    recut = [cut for cut, sentence in zip(fine, sentences) if cut != sentence]
    lower = [[(token.lower(), tag) for token, tag in s] for s in random.Random(seed).sample(fine, len(fine) // 4)]
    chosen = {
        "coarse": sentences,
        "fine": fine,
        "both": sentences + recut,
        "fine-lower": fine + lower,
        "both-lower": sentences + recut + lower,
    }[style]
    path = work / f"train-{style}-{seed}.conll"
    write_conll(chosen, path)
    return path.resolve()


def train_tagger(args):
    import flair
    from flair.embeddings import FlairEmbeddings, StackedEmbeddings
    from flair.models import LanguageModel, SequenceTagger
    from flair.trainers import ModelTrainer

    torch.set_num_threads(1)
    flair.device = torch.device("cpu")
    flair.set_seed(args.seed)
    work = Path(args.work)
    corpus = columns(args.wnut, train_file=train_file(args.wnut, work, args.style, args.seed), dev_file="dev.conll")
    members = [word_embeddings(work / "glove-subset.txt")]
    for direction in ("forward", "backward"):
        lm = LanguageModel.load_language_model(work / f"lm-{direction}.pt")
        # The part that predicts the next character is of no use to a tagger.
        lm.decoder = None
        members.append(FlairEmbeddings(lm, name=f"lm-social-{direction}-h{lm.hidden_size}"))
    tagger = SequenceTagger(
        hidden_size=args.hidden_size, embeddings=StackedEmbeddings(members),
        tag_dictionary=corpus.make_label_dictionary("ner", add_unk=False), tag_type="ner", use_crf=True,
        word_dropout=0.05, locked_dropout=args.locked_dropout,
    )
    # Warm-up and linear decay to nothing: as good as Flair's patient annealing in a fraction of its epochs.
    ModelTrainer(tagger, corpus).fine_tune(
        work / f"tagger-{args.seed}", learning_rate=args.learning_rate, optimizer=torch.optim.SGD, warmup_fraction=0.05,
        mini_batch_size=args.mini_batch_size, max_epochs=args.max_epochs, embeddings_storage_mode="cpu",
        use_final_model_for_eval=False,
    )


# ---- finish ----------------------------------------------------------------------------------------------------------


def scores(tagger, sentences):
    """Flair's own evaluation: micro precision, recall, F1 and the whole report."""
    result = tagger.evaluate(sentences, "ner", mini_batch_size=32, embedding_storage_mode="cpu", return_loss=False)
    micro = result.classification_report["micro avg"]
    return micro["precision"], micro["recall"], micro["f1-score"], result.detailed_results


def tagged(tagger, sentences):
    """(token, tag, Flair's confidence) of every token; `predict` itself leaves out the confidence of O."""
    rows = {}
    with torch.no_grad():
        ordered = sorted(range(len(sentences)), key=lambda i: -len(sentences[i]))
        for start in range(0, len(ordered), 32):
            numbers = ordered[start : start + 32]
            batch = [sentences[i] for i in numbers]
            features = tagger.forward(*tagger._prepare_tensors(batch))
            predictions, _ = tagger.viterbi_decoder.decode(features, False, batch)
            for i, sentence, labels in zip(numbers, batch, predictions):
                rows[i] = [(token.text, label[0], label[1]) for token, label in zip(sentence, labels)]
    return [rows[i] for i in range(len(sentences))]


def finish(args):
    import flair
    from flair.models import SequenceTagger

    torch.set_num_threads(1)
    flair.device = torch.device("cpu")
    work = Path(args.work)
    tagger = SequenceTagger.load(work / f"tagger-{args.seed}" / "best-model.pt")
    tagger.eval()
    corpus = columns(args.wnut, dev_file="dev.conll", test_file="test.conll")

    # Systems for WNUT-17 find too little rather than too much. What is taken from the score of O is chosen on dev, the
    # least that comes within half a point of the best F1, and becomes part of the bias of the linear layer.
    dev, outside = list(corpus.dev), tagger.label_dictionary.get_idx_for_item("O")
    bias, f1_of = tagger.linear.bias.data[outside].item(), {}
    for lowered in (step / 4 for step in range(9)):
        tagger.linear.bias.data[outside] = bias - lowered
        precision, recall, f1_of[lowered], _ = scores(tagger, dev)
        print(f"O lowered by {lowered:.2f}: dev P {precision:.4f} R {recall:.4f} F1 {f1_of[lowered]:.4f}", flush=True)
    chosen = min(lowered for lowered, f1 in f1_of.items() if f1 > max(f1_of.values()) - 0.005)
    tagger.linear.bias.data[outside] = bias - chosen

    # The card that Flair puts into the file names folders of the machine that trained it.
    tagger.model_card = None
    tagger.save(work / "small.pt")
    tagger = SequenceTagger.load(work / "small.pt")
    tagger.eval()
    for name, sentences in (("dev", dev),) + ((("test", list(corpus.test)),) if args.test else ()):
        print(f"{name}, O lowered by {chosen:.2f}\n{scores(tagger, sentences)[3]}", flush=True)
    with open(work / "dev.tags.tsv", "w", encoding="utf-8") as file:
        for sentence in tagged(tagger, dev):
            file.writelines(f"{token}\t{tag}\t{confidence:.9g}\n" for token, tag, confidence in sentence)
            file.write("\n")


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

    add = step("text", make_text, "text", "work")
    add("--social-bytes", type=int, default=1 << 40)
    add("--news-bytes", type=int, default=9_000_000)
    add("--books-bytes", type=int, default=3_000_000)
    add("--min-count", type=int, default=200, help="characters seen no more often become unknown")

    add = step("lm", train_lm, "work")
    add("direction", choices=("forward", "backward"))
    add("--hidden-size", type=int, default=128)
    add("--embedding-size", type=int, default=48)
    add("--streams", type=int, default=64, help="stretches of text side by side in a batch")
    add("--chunk", type=int, default=128, help="characters of each stretch in a batch")
    add("--learning-rate", type=float, default=3e-3)
    add("--characters", type=int, default=0, help="stop after so many (default: one pass)")

    add = step("words", keep_words, "glove", "work")
    add("--count", type=int, default=15000)

    add = step("tagger", train_tagger, "wnut", "work")
    add("--style", choices=("coarse", "fine", "both", "fine-lower", "both-lower"), default="both",
        help="train as it is, cut as dev and test are, or both; with a quarter of it again in lower case")
    add("--hidden-size", type=int, default=96)
    add("--locked-dropout", type=float, default=0.4)
    add("--mini-batch-size", type=int, default=32)
    add("--learning-rate", type=float, default=0.15)
    add("--max-epochs", type=int, default=12)

    add = step("finish", finish, "wnut", "work")
    add("--test", action="store_true", help="score the test part too: once, when all is chosen")

    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
