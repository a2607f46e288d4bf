#!/usr/bin/env python3
"""Times flairtag against Flair on one corpus and one model, in turn (A B A B ...), and compares the tags.

    pip install "flair==0.15.1" "transformers<4.50"
    tests/bench/compare_flair.py CORPUS.conll [--hidden 2048] [--glove glove.6B.100d.txt.gz] [--runs 3]
                                 [--model MODEL.pt] [--precision f32,int16,int8] [--json flair.json]

Without --model a tagger with random weights is made and saved: word vectors, two character language models of --hidden
units (uniform +-1/sqrt(hidden)), reprojection, BiLSTM of 256 units, CRF over WNUT-17's types: the largest of Flair's
published kind.
Flair runs as its users run it: predict with mini-batches of 32, loaded and warm; flairtag as a whole process, start to
end, once for each --precision. Prints one line a run, then medians, ratios, peak memory (Flair's while it tags;
flairtag's with all that it maps) and how many tags differ.
"""
import argparse
import gc
import gzip
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

sys.dont_write_bytecode = True
from measuring import (Corpus, Stopwatch, available_cores, fail, flairtag_version, forget_peak,  # noqa: E402
                       machine, memory, precision_list, print_run, print_summary, summarise, watch_memory, write_json)

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus", nargs="?", help="columns, the token in the first (not needed with --make-only)")
parser.add_argument("--sentences", type=int, help="only so many of the corpus, drawn by chance, the same each time")
parser.add_argument("--hidden", type=int, default=2048)
parser.add_argument("--glove", help="word vectors as text, gz or not (default: none)")
parser.add_argument("--words", type=int, default=400000, help="most words of --glove to take")
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--model", help="a Flair model to use in place of a random one")
parser.add_argument("--keep", help="folder for the model files (default: a temporary one)")
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--threads", type=int, default=available_cores())
parser.add_argument("--precision", type=precision_list, default=[None],
                    help="flairtag's arithmetic, any of f32,int16,int8,int7,auto; each runs in each round "
                         "(default: flairtag's own choice)")
parser.add_argument("--storage", choices=("none", "cpu"), default="none",
                    help="where both keep embeddings [%(default)s]")
parser.add_argument("--json", help="file for all runs")
parser.add_argument("--machine", help="the processor's name in the JSON (default: what the system says)")
parser.add_argument("--make-only", action="store_true", help="make the model files and stop")
options = parser.parse_args()
if not options.corpus and not options.make_only:
    parser.error("a corpus is needed (columns, one token a line; data/get-wnut17.sh fetches WNUT-17)")
if options.runs < 1:
    parser.error("--runs must be 1 or more")


def make_model(path):
    import numpy
    from flair.data import Dictionary
    from flair.embeddings import FlairEmbeddings, StackedEmbeddings, WordEmbeddings
    from flair.models import LanguageModel

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


def describe_model(tagger, source):
    members = getattr(tagger.embeddings, "embeddings", [tagger.embeddings])
    hidden = [member.lm.hidden_size for member in members if hasattr(member, "lm")]
    columns = [member.embedding_length for member in members if type(member).__name__ == "WordEmbeddings"]
    head = (f"Bi{tagger.rnn_type}" if tagger.use_rnn else "linear layer") + ("-CRF" if tagger.use_crf else "")
    return {"name": source.name, "language_models": hidden, "word_vectors": columns, "head": head,
            "random": not options.model}


def convert(source, folder, precision):
    """The model as flairtag's users keep it: converted once, in its precision."""
    converted = folder / (source.stem + (f"-{precision}" if precision else "") + ".safetensors")
    if not converted.exists():
        command = [options.flairtag, "convert", str(source), str(converted)]
        subprocess.run(command + (["--precision", precision] if precision else []), check=True)
    return converted


def run_flairtag(model, corpus_file):
    """The time of the whole process, the tags, and its peaks."""
    command = [options.flairtag, "predict", "-m", str(model), "--threads", str(options.threads),
               "--storage", options.storage, "--input-format", "conll", corpus_file]
    figures = {"peak": 0, "mapped": 0}
    watch = Stopwatch()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    watcher = threading.Thread(target=watch_memory, args=(process.pid, figures))
    watcher.start()
    output = process.stdout.read()
    watcher.join()
    status = process.wait()
    elapsed = watch.read()
    if status:
        fail(f"'{' '.join(command)}' failed with status {status}")
    given = [line.split("\t")[-1] for line in output.decode().split("\n") if line]
    return elapsed, given, figures["peak"], figures["mapped"]


def run_flair(tagger, sentences):
    sentences = [Sentence(words) for words in sentences]
    gc.collect()
    forget_peak()
    watch = Stopwatch()
    tagger.predict(sentences, mini_batch_size=32, force_token_predictions=True, embedding_storage_mode=options.storage)
    elapsed = watch.read()
    given = [token.get_label(tagger.tag_type).value for sentence in sentences for token in sentence]
    return elapsed, given, *memory()


def count_differences(a, b):
    if len(a) != len(b):
        fail(f"one side tagged {len(a)} tokens, the other {len(b)}: no comparison is possible")
    return sum(x != y for x, y in zip(a, b))


corpus = Corpus(options.corpus, options.sentences) if options.corpus else None
version = flairtag_version(options.flairtag)
try:
    import flair
    import torch
    from flair.data import Sentence
    from flair.models import SequenceTagger
except ImportError as error:
    fail(f'Flair cannot be loaded here ({error}): pip install "flair==0.15.1" "transformers<4.50"')

temporary = None if options.keep or options.make_only else tempfile.TemporaryDirectory(prefix="compare-")
folder = Path(options.keep or (temporary.name if temporary else tempfile.mkdtemp(prefix="compare-")))
folder.mkdir(parents=True, exist_ok=True)
source = Path(options.model) if options.model else folder / f"random-{options.hidden}.pt"
if options.model and not source.exists():
    fail(f"{source}: no such model")
if not source.exists():
    make_model(source)
if options.make_only:
    print(f"{source}\n{convert(source, folder, None)}")
    sys.exit(0)

torch.set_num_threads(options.threads)
tagger = SequenceTagger.load(str(source))
loading_peak = memory()[0]
FLAIR = f"Flair {flair.__version__}"
variants = {f"flairtag {precision}" if precision else "flairtag": precision for precision in options.precision}
runs, tags = [], {}


def add(system, number, elapsed, given, peak, mapped):
    seconds, others = elapsed
    runs.append({"round": number, "system": system, "seconds": seconds, "others": others,
                 "chars_per_s": corpus.characters / seconds, "tokens_per_s": corpus.tokens / seconds,
                 "peak_bytes": peak, "mapped_bytes": mapped})
    print_run(runs[-1])
    if count_differences(tags.setdefault(system, given), given):
        fail(f"{system} gave other tags in round {number} than in round 1")


with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
    corpus_file, few = corpus.write(f"{scratch}/corpus.conll"), corpus.write(f"{scratch}/few.conll", 32)
    # Warm both: files in memory, libraries ready; and a precision that is not there shows at once.
    models = {system: convert(source, folder, precision) for system, precision in variants.items()}
    for model in models.values():
        run_flairtag(model, few)
    run_flair(tagger, corpus.sentences[:32])
    for number in range(1, options.runs + 1):
        add(FLAIR, number, *run_flair(tagger, corpus.sentences))
        for system, model in models.items():
            add(system, number, *run_flairtag(model, corpus_file))

summary = summarise(runs, FLAIR)
differing = {}
print_summary(summary, FLAIR, runs)
print(f"Flair's peak while it loaded the model: {loading_peak / 2**20:.0f} MiB")
for system, precision in variants.items():
    counts = differing[system] = {"tags": corpus.tokens, FLAIR: count_differences(tags[FLAIR], tags[system])}
    line = f"tags of {system} that differ from Flair's: {counts[FLAIR]} of {corpus.tokens}"
    if precision != "f32" and "flairtag f32" in tags:
        counts["flairtag f32"] = count_differences(tags["flairtag f32"], tags[system])
        line += f"; from flairtag f32's: {counts['flairtag f32']}"
    print(line)
if options.json:
    write_json(options.json, {
        "kind": "tagger", "base": FLAIR, "machine": machine(options.machine), "threads": options.threads,
        "storage": options.storage,
        "versions": {"Flair": flair.__version__, "PyTorch": torch.__version__, "flairtag": version},
        "model": describe_model(tagger, source), "corpus": corpus.describe(), "loading_peak_bytes": loading_peak,
        "differing_tags": differing, "runs": runs, "summary": summary})
