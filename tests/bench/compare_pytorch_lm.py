#!/usr/bin/env python3
"""Times the training of a character language model with PyTorch against flairtag, in turn (A B A B ...).

    pip install torch
    tests/bench/compare_pytorch_lm.py [--hidden 1024] [--runs 3] [--updates 4] [--json lm.json]

Both: one LSTM layer over 275 characters with 100 columns each, 100 streams of 250 characters an update, cross-entropy,
clipping to 0.25, SGD. PyTorch takes random characters, which lie ready as tensors; flairtag is `flairtag bench lm`. Only
whole updates are timed, after a first one. Prints one line a run, then the medians and the ratio of each round.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from measuring import DISTURBED, Stopwatch, available_cores, fail, flairtag_version, machine, write_json  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--hidden", type=int, default=1024)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--updates", type=int, default=4, help="of PyTorch's, timed in a run [%(default)s]")
parser.add_argument("--threads", type=int, default=available_cores())
parser.add_argument("--flairtag", default="build/flairtag")
parser.add_argument("--json", help="file for all runs")
options = parser.parse_args()
CHARACTERS, EMBEDDING, STREAMS, LENGTH = 275, 100, 100, 250

try:
    import torch
except ImportError as error:
    fail(f"PyTorch cannot be loaded here ({error}): pip install torch")
torch.set_num_threads(options.threads)
torch.set_flush_denormal(True)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Embedding(CHARACTERS, EMBEDDING)
        self.rnn = torch.nn.LSTM(EMBEDDING, options.hidden)
        self.decoder = torch.nn.Linear(options.hidden, CHARACTERS)

    def forward(self, characters, state):
        output, state = self.rnn(self.encoder(characters), state)
        return self.decoder(output.view(-1, options.hidden)), state


def run_pytorch():
    torch.manual_seed(1)
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=20)
    text = torch.randint(CHARACTERS, (options.updates + 1, LENGTH + 1, STREAMS))
    state = tuple(torch.zeros(1, STREAMS, options.hidden) for _ in range(2))
    for update in range(options.updates + 1):
        if update == 1:
            start = time.perf_counter()
        output, state = model(text[update, :-1], state)
        loss = torch.nn.functional.cross_entropy(output, text[update, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        state = tuple(part.detach() for part in state)
    return options.updates * LENGTH * STREAMS / (time.perf_counter() - start)


def run_flairtag():
    command = [options.flairtag, "bench", "lm", "--random", str(options.hidden), "--threads", str(options.threads), "--json"]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)["chars_per_s"]


version, runs = flairtag_version(options.flairtag), []
for number in range(1, options.runs + 1):
    for system, run in (("PyTorch", run_pytorch), ("flairtag", run_flairtag)):
        watch = Stopwatch()
        speed = run()
        others = watch.read()[1]
        runs.append({"round": number, "system": system, "chars_per_s": speed, "others": others})
        disturbed = f"   others took {100 * others:.0f} % of the cores" if others >= DISTURBED else ""
        print(f"{number:2} {system:<10}{speed:9.0f} chars/s{disturbed}", flush=True)
speeds = {system: [run["chars_per_s"] for run in runs if run["system"] == system] for system in ("PyTorch", "flairtag")}
ratios = [own / other for own, other in zip(speeds["flairtag"], speeds["PyTorch"])]
print(f"\nH={options.hidden}, medians: PyTorch {torch.__version__} {statistics.median(speeds['PyTorch']):.0f}, flairtag "
      f"{statistics.median(speeds['flairtag']):.0f} chars/s; ratio {statistics.median(ratios):.2f} "
      f"({min(ratios):.2f} to {max(ratios):.2f})")
if options.json:
    write_json(options.json, {"kind": "language model training", "machine": machine(),
                              "versions": {"flairtag": version, "PyTorch": torch.__version__}, "hidden": options.hidden,
                              "threads": options.threads, "base": "PyTorch", "runs": runs})
