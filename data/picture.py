#!/usr/bin/env python3
"""Draws tagged sentences as an SVG: the picture in the README.

    flairtag predict --format jsonl data/samples/demo.txt | head -7 | data/picture.py > data/tagged.svg
"""
import json
import sys
from html import escape

COLORS = {"person": "#c9def7", "location": "#cdeccd", "corporation": "#fbe0b5", "group": "#e3d5f5", "product": "#f9d0d5",
          "creative-work": "#f5efb0"}
WIDE, NARROW = 8.43, 6.62  # a character of a monospaced font at 14 and at 11 pixels
LINE, LEFT, TOP = 34, 14, 26

shapes, right, lines = [], 0, 0


def write(piece, x, y, character, style=""):
    """Draws a piece of text and returns where it ends."""
    width = len(piece) * character
    if piece:
        shapes.append(f'<text x="{x:.1f}" y="{y}"{style} textLength="{width:.1f}" xml:space="preserve">{escape(piece)}</text>')
    return x + width


for line in sys.stdin:
    tagged = json.loads(line)
    text, at, x, y = tagged["text"], 0, LEFT, TOP + lines * LINE
    for span in tagged["spans"]:
        x = write(text[at:span["start"]], x, y, WIDE)
        width = (span["end"] - span["start"]) * WIDE + len(span["type"]) * NARROW + 16
        shapes.append(f'<rect x="{x:.1f}" y="{y - 16}" width="{width:.1f}" height="22" rx="4" '
                      f'fill="{COLORS.get(span["type"], "#dddddd")}"/>')
        name_end = write(text[span["start"]:span["end"]], x + 4, y, WIDE)
        write(span["type"], name_end + 7, y, NARROW, ' class="type"')
        x, at = x + width, span["end"]
    right = max(right, write(text[at:], x, y, WIDE))
    lines += 1

width, height = right + LEFT, lines * LINE + 8
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}">\n'
      '<style>text{font:14px monospace;fill:#222}text.type{font-size:11px;fill:#666}</style>\n'
      '<rect width="100%" height="100%" rx="6" fill="#fdfdfb" stroke="#ddd"/>')
print("\n".join(shapes))
print("</svg>")
