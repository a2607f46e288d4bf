#!/usr/bin/env python3
"""Times PyTorch's LSTM on the GPU over a corpus, one layer forwards and one backwards over characters, as two of Flair's
language models are; in float32 without TF32. Batches of the best of 32, 128 and 512 sentences, sorted by their lengths.
Prints one JSON object."""
import argparse
import json
import time

import torch

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("corpus", help="columns, the token in the first")
parser.add_argument("--hidden", type=int, default=2048)
parser.add_argument("--runs", type=int, default=3)
options = parser.parse_args()

with open(options.corpus, encoding="utf-8") as file:
    blocks = file.read().split("\n\n")
sentences = [" ".join(line.split()[0] for line in block.split("\n") if line) for block in blocks]
lengths = sorted((len(sentence) + 2 for sentence in sentences if sentence), reverse=True)  # two markers

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
table = torch.nn.Embedding(300, 100).cuda()
layers = [torch.nn.LSTM(100, options.hidden).cuda() for _ in range(2)]


def run(batch):
    for at in range(0, len(lengths), batch):
        ids = torch.randint(300, (lengths[at], len(lengths[at:at + batch])), device="cuda")
        for layer in layers:
            layer(table(ids))
    torch.cuda.synchronize()


best = None
with torch.no_grad():
    for batch in (32, 128, 512):
        try:
            run(batch)
            times = []
            for _ in range(options.runs):
                start = time.perf_counter()
                run(batch)
                times.append(time.perf_counter() - start)
        except torch.cuda.OutOfMemoryError:
            break
        seconds = sorted(times)[len(times) // 2]
        if best is None or seconds < best[0]:
            best = seconds, batch
print(json.dumps({"seconds": best[0], "batch": best[1], "characters": sum(lengths), "hidden": options.hidden,
                  "torch": torch.__version__}, indent=1))
