"""social_text.py - how WNUT-17 and text for language models are cut into tokens; for the scripts that make the models.

WNUT-17's dev and test part split at every mark and between letters and digits (`fine`); its train part and most
tokenizers keep clitics, user names, ellipses and decimals in one piece (`coarse`). Language models see both, so that
neither is foreign to them.
"""

import gzip
import re
from pathlib import Path

URL = r"https?://\S+"
LETTER = r"[^\W\d_]"

SPLIT_FINE = re.compile(rf"{URL}|{LETTER}(?:{LETTER}|-(?={LETTER}))*|\d+|[^\w\s]|_+")
SPLIT_COARSE = re.compile(
    rf"{URL}|[@#]\w+|&\w+;|\d+(?:[.,:]\d+)*\w*|\w+(?=n['’]t\b)|n['’]t\b|['’](?:s|m|re|ve|ll|d)\b"
    r"|\w+(?:-\w+)*|([^\w\s])\1*"
)
# Rough is enough here: prose only, and closing quotes at the seam go with the space.
SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]*[A-Z])")


def open_text(path):
    path = Path(path)
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")


def pieces(pattern, text):
    return [match.group() for match in pattern.finditer(text)]


def read_conll(path):
    """Sentences of a two-column file as lists of (token, tag); a line of white space ends a sentence."""
    sentences, current = [], []
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            if not line.strip():
                if current:
                    sentences.append(current)
                current = []
            else:
                token, tag = line.rstrip("\n").split("\t")
                current.append((token, tag))
    return sentences + [current] if current else sentences


def write_conll(sentences, path):
    with open(path, "w", encoding="utf-8") as file:
        for sentence in sentences:
            file.writelines(f"{token}\t{tag}\n" for token, tag in sentence)
            file.write("\n")


def resplit(sentence):
    """A sentence cut as WNUT-17's dev and test are. User names stay whole: cut, they would teach that no name follows @."""
    result = []
    for token, tag in sentence:
        parts = [token] if token.startswith("@") else pieces(SPLIT_FINE, token)
        if "".join(parts) != token:
            parts = [token]
        for i, part in enumerate(parts):
            result.append((part, "I-" + tag[2:] if i and tag != "O" else tag))
    return result
