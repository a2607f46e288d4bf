#!/usr/bin/env python3
"""Draws what compare_flair.py and compare_pytorch.py measured as one SVG on standard output: the picture in the README.

    tests/bench/plot.py flair.json pytorch.json > data/speed.svg

A group of bars for each file, in their order: the median of characters a second, a line from the slowest to the fastest
run, and how many times as fast as the group's first system. All groups share one scale. The colours follow the reader's
light or dark mode; numbers and machine also stand in the description that screen readers read out. Needs nothing but
Python's standard library.
"""
import argparse
import json
import re
import sys
from html import escape

sys.dont_write_bytecode = True
from measuring import DISTURBED, fail, summarise  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("files", nargs="+", metavar="FILE.json")
parser.add_argument("--machine", help="what to call the processor in the caption (default: as the files do)")
options = parser.parse_args()

WIDTH, LEFT, BARS, LONGEST = 860, 18, 170, 430  # pixels: picture, margin, where bars begin, the longest bar
ROW, BAR = 28, 18
STYLE = """\
text{font:14px monospace;fill:#222}.small{font-size:12px}.small,.aside{fill:#666}
.head{font-weight:bold}.right{text-anchor:end}
.card{fill:#fdfdfb;stroke:#ddd}.own{fill:#5b93d3}.other{fill:#bdbdb6}.range{stroke:#222;stroke-width:1.5;fill:none}
@media(prefers-color-scheme:dark){text{fill:#e4e4e0}.small,.aside{fill:#a5a5a0}.card{fill:#17191c;stroke:#3a3d42}
.own{fill:#4a86c8}.other{fill:#62656a}.range{stroke:#e4e4e0}}"""


def model(result):
    hidden = result["model"]["language_models"]
    if len(hidden) > 1 and len(set(hidden)) == 1:
        parts = [f"{len(hidden)} LMs of {hidden[0]:,} units"]
    else:
        parts = [f"LM of {units:,} units" for units in hidden]
    parts += [f"word vectors of {columns}" for columns in result["model"].get("word_vectors", [])]
    return " + ".join(parts + [result["model"]["head"]] if "head" in result["model"] else parts)


def headings(result):
    rounds = max(run["round"] for run in result["runs"])
    corpus = f"{result['corpus']['characters']:,} characters, median of {rounds} round{'s' * (rounds > 1)}"
    if result["kind"] == "tagger":
        return "Whole tagger", f"{model(result)}; {corpus}"
    return "LSTMs alone in PyTorch, the whole tagger in flairtag", f"{model(result)}; {corpus}"


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
        result["summary"] = summarise(result["runs"], result["base"])
        result["head"] = headings(result)
        if result["base"] not in result["summary"]:
            raise LookupError(result["base"])
        disturbed = sum(run["others"] >= DISTURBED for run in result["runs"])
    except OSError as error:
        fail(f"{path}: {error.strerror} (compare_flair.py and compare_pytorch.py write it with --json)")
    except (ValueError, LookupError, TypeError):
        fail(f"{path}: not written by compare_flair.py or compare_pytorch.py with --json")
    if disturbed:
        print(f"{path}: {disturbed} of {len(result['runs'])} runs shared the cores with other processes",
              file=sys.stderr)
    return result


def rounded(number):
    """Three digits that mean something, grouped by thousands."""
    digits = max(0, len(str(int(number))) - 3)
    return f"{round(number, -digits):,.0f}"


results = [read(path) for path in options.files]
longest = max(of["chars_per_s_range"][1] for result in results for of in result["summary"].values())
scale = LONGEST / longest
shapes, spoken, y = [], [], 34


def text(x, baseline, words, classes="", aside=""):
    aside = f'<tspan dx="14" class="aside">{escape(aside)}</tspan>' if aside else ""
    shapes.append(f'<text x="{x:.1f}" y="{baseline:g}"' + (f' class="{classes}"' if classes else "")
                  + f">{escape(words)}{aside}</text>")


text(LEFT, y, "Characters a second (longer is better)", "head")
for result in results:
    heading, under = result["head"]
    text(LEFT, y + 34, heading)
    text(LEFT, y + 52, under, "small")
    y += 64
    said = []
    for system, of in result["summary"].items():
        speed, (low, high) = of["chars_per_s"], of["chars_per_s_range"]
        middle = y + BAR / 2
        text(BARS - 10, middle + 5, system, "right")
        kind = "own" if system.startswith("flairtag") else "other"
        shapes.append(f'<rect x="{BARS}" y="{y}" width="{speed * scale:.1f}" height="{BAR}" rx="3" class="{kind}"/>')
        if (high - low) * scale >= 2:
            left, right = BARS + low * scale, BARS + high * scale
            shapes.append(f'<path d="M{left:.1f} {middle - 4:g}v8m0-4H{right:.1f}m0-4v8" class="range"/>')
        ratio = "" if system == result["base"] else f"{of['ratio']:.1f} × {result['base'].split(' ')[0]}"
        if ratio and result["kind"] != "tagger":
            ratio = f"{of['ratio']:.1f} × {result['base']}"
        text(BARS + max(speed, high) * scale + 10, middle + 5, rounded(speed), aside=ratio)
        said.append(f"{system} {rounded(speed)}" + (f" ({ratio.replace('×', 'times')})" if ratio else ""))
        y += ROW
    spoken.append(f"{heading} ({under}): {', '.join(said)}.")

first = results[0]
versions = {name: version.split("+")[0] for result in results for name, version in result["versions"].items()}
processor = options.machine or re.sub(r"\((R|TM)\)| CPU| Processor| @.*", "", first["machine"]["processor"])
caption = (f"{processor}, {first['threads']} thread{'s' * (first['threads'] != 1)}; "
           + ", ".join(f"{name} {version}" for name, version in versions.items()))
if len({(result["threads"], options.machine or result["machine"]["processor"]) for result in results}) > 1:
    fail("the files come from different machines or numbers of threads: one picture would mislead (--machine NAME "
         "where only the names differ)")
text(LEFT, y + 20, caption, "small")
height = y + 38
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
      'role="img" aria-labelledby="title what">\n'
      '<title id="title">How many characters a second flairtag, Flair and PyTorch process</title>\n'
      f'<desc id="what">{escape(" ".join(spoken))} Measured on: {escape(caption)}.</desc>\n<style>{STYLE}</style>\n'
      f'<rect x=".5" y=".5" width="{WIDTH - 1}" height="{height - 1}" rx="6" class="card"/>')
print("\n".join(shapes))
print("</svg>")
