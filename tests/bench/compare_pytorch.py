#!/usr/bin/env python3
"""Times PyTorch's LSTM alone against the whole of flairtag, in turn (A B A B ...), on the sentences of one corpus.

    pip install torch
    tests/bench/compare_pytorch.py CORPUS.conll [--hidden 2048] [--sentences 300] [--runs 5]
                                   [--precision f32,int16,int8] [--json pytorch.json]

PyTorch: a character table and torch.nn.LSTM, one forwards and one backwards, as two of Flair's language models are; no
grad, input as tensors beforehand, sentences sorted by characters so that hardly anything is padded, the batch size that
is best of 32, 64 and 128; in f32, with dynamic int8 quantisation, and in bfloat16 where the processor has it. Nothing
else: no tokens, no tagger; what Python with no Flair around it could reach.
flairtag: `flairtag bench predict --random`, once for each --precision: both language models and all that comes after
them (boundaries, projection, BiLSTM, CRF), so more than what PyTorch does here.

Characters are counted alike: those of each sentence, blanks between tokens and two markers, once for both directions.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import warnings

sys.dont_write_bytecode = True
from measuring import (DISTURBED, Corpus, Stopwatch, available_cores, fail, flairtag_version,  # noqa: E402
                       machine, precision_list, print_run, print_summary, summarise, write_json)

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus", help="columns, the token in the first")
parser.add_argument("--sentences", type=int, default=300,
                    help="how many of the corpus, drawn by chance, the same each time; 0: all [%(default)s]")
parser.add_argument("--hidden", type=int, default=2048)
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--threads", type=int, default=available_cores())
parser.add_argument("--batch", type=int, nargs="+", default=[32, 64, 128],
                    help="batch sizes to choose from for PyTorch")
parser.add_argument("--precision", type=precision_list, default=["f32"],
                    help="flairtag's arithmetic, any of f32,int16,int8,int7; each runs in each round [f32]")
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--json", help="file for all runs")
parser.add_argument("--machine", help="the processor's name in the JSON (default: what the system says)")
options = parser.parse_args()
if options.runs < 1 or min(options.batch) < 1:
    parser.error("--runs and --batch must be 1 or more")

CHARACTERS, EMBEDDING = 275, 100  # of Flair's English language models

corpus = Corpus(options.corpus, options.sentences)
version = flairtag_version(options.flairtag)
try:
    import torch
except ImportError as error:
    fail(f"PyTorch cannot be loaded here ({error}): pip install torch")


class Direction(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(CHARACTERS, EMBEDDING)
        self.lstm = torch.nn.LSTM(EMBEDDING, options.hidden)

    def forward(self, characters):
        return self.lstm(self.table(characters))[0]


def make(precision):
    """Both directions, or None where this PyTorch or this processor has no such arithmetic."""
    torch.manual_seed(1)
    pair = [Direction().eval(), Direction().eval()]
    if precision == "int8":
        if not hasattr(getattr(torch.ao, "quantization", None), "quantize_dynamic"):
            print("PyTorch int8 left out: this version has no torch.ao.quantization.quantize_dynamic")
            return None
        return [torch.ao.quantization.quantize_dynamic(one, {torch.nn.LSTM}, dtype=torch.qint8) for one in pair]
    if precision == "bf16":
        try:
            supported = torch.ops.mkldnn._is_mkldnn_bf16_supported()
        except (AttributeError, RuntimeError):
            supported = False
        if not supported:
            print("PyTorch bf16 left out: no bfloat16 on this processor")
            return None
        return [one.to(torch.bfloat16) for one in pair]
    return pair


def batches(size):
    """[characters, sentences] each; as long as its longest sentence, which the others nearly are."""
    texts = sorted(("\n" + " ".join(words) + "\n" for words in corpus.sentences), key=len)
    made = []
    for first in range(0, len(texts), size):
        part = texts[first:first + size]
        rows = [[ord(c) % CHARACTERS for c in text.ljust(len(part[-1]))] for text in part]
        made.append(torch.tensor(rows).t().contiguous())
    return made


def run_pytorch(pair, inputs):
    watch = Stopwatch()
    for forwards in inputs:
        pair[0](forwards)
        pair[1](forwards.flip(0))
    return watch.read()


def run_flairtag(precision, corpus_file, hidden):
    command = [options.flairtag, "bench", "predict", "--random", str(hidden), "--precision", precision, "--threads",
               str(options.threads), "--input-format", "conll", "--json", corpus_file]
    watch = Stopwatch()
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    _, others = watch.read()
    if process.returncode:
        fail(f"'{' '.join(command)}' failed with status {process.returncode}")
    report = json.loads(process.stdout)
    report.pop("peak_rss_bytes", None)  # a child's begins with that of the process it was forked from, this one
    return report, others


def add(system, number, seconds, others, **more):
    runs.append({"round": number, "system": system, "seconds": seconds, "others": others,
                 "chars_per_s": corpus.characters / seconds, **more})
    print_run(runs[-1])


runs = []
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", message=".*quantized tensor.*")
torch.set_num_threads(options.threads)
torch.set_grad_enabled(False)
with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
    corpus_file, few = corpus.write(f"{scratch}/corpus.conll"), corpus.write(f"{scratch}/few.conll", 2)
    for precision in options.precision:  # one that is not there shows at once
        run_flairtag(precision, few, 64)
    inputs = {size: batches(size) for size in options.batch}
    chosen = {}
    for precision in ("f32", "int8", "bf16"):
        pair = make(precision)
        if pair:
            # Twice, as the first pass also plans the work for each new shape.
            passes = {size: min(run_pytorch(pair, inputs[size]) for _ in range(2)) for size in options.batch}
            size = min(passes, key=passes.get)
            chosen[precision] = pair, size
            speeds = [f"{tried}: {corpus.characters / seconds:.0f} chars/s" for tried, (seconds, _) in passes.items()]
            print(f"PyTorch {precision}: batches of {size} are best: {', '.join(speeds)}"
                  + (" (disturbed by others: the choice may be wrong)"
                     if max(others for _, others in passes.values()) >= DISTURBED else ""), flush=True)
    for number in range(1, options.runs + 1):
        for precision, (pair, size) in chosen.items():
            add(f"PyTorch {precision}", number, *run_pytorch(pair, inputs[size]), batch=size)
        for precision in options.precision:
            report, others = run_flairtag(precision, corpus_file, options.hidden)
            if report["characters"] != corpus.characters:
                fail(f"flairtag counted {report['characters']:.0f} characters, not {corpus.characters}")
            add(f"flairtag {precision}", number, report["seconds"], others, bench=report)

BASE = "PyTorch f32"
summary = summarise(runs, BASE)
print_summary(summary, BASE, runs)
if options.json:
    write_json(options.json, {
        "kind": "language model", "base": BASE, "machine": machine(options.machine), "threads": options.threads,
        "versions": {"PyTorch": torch.__version__, "flairtag": version},
        "model": {"language_models": [options.hidden, options.hidden], "random": True}, "corpus": corpus.describe(),
        "runs": runs, "summary": summary})
